build-clang/hypervisor/boot/unpack.o: hypervisor/boot/unpack.c \
  hypervisor/boot/boot.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h \
  hypervisor/boot/image.h hypervisor/boot/pagerun.h hypervisor/cpu/cpu.h \
  hypervisor/cpu/percpu.h hypervisor/lib/bitmap.h hypervisor/mm/frame.h \
  hypervisor/mm/layout.h

hypervisor/boot/boot.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:

hypervisor/boot/image.h:

hypervisor/boot/pagerun.h:

hypervisor/cpu/cpu.h:

hypervisor/cpu/percpu.h:

hypervisor/lib/bitmap.h:

hypervisor/mm/frame.h:

hypervisor/mm/layout.h:
