build-clang/hypervisor/boot/libc-shim.o: hypervisor/boot/libc-shim.c \
  hypervisor/boot/pagerun.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/mm/alloc.h hypervisor/mm/frame.h hypervisor/mm/layout.h

hypervisor/boot/pagerun.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/mm/alloc.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:
