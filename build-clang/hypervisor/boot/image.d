build-clang/hypervisor/boot/image.o: hypervisor/boot/image.c \
  hypervisor/boot/image.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h

hypervisor/boot/image.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:
