build-clang/hypervisor/boot/dom0-layout.o: hypervisor/boot/dom0-layout.c \
  hypervisor/boot/dom0-layout.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/mm/layout.h

hypervisor/boot/dom0-layout.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/mm/layout.h:
