build-clang/hypervisor/boot/elf.o: hypervisor/boot/elf.c \
  hypervisor/boot/elf.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h

hypervisor/boot/elf.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:
