build-clang/hypervisor/pv/insn.o: hypervisor/pv/insn.c \
  hypervisor/pv/insn.h hypervisor/lib/lib.h \
  hypervisor/include/abi/base.h hypervisor/include/abi/errno.h

hypervisor/pv/insn.h:

hypervisor/lib/lib.h:

hypervisor/include/abi/base.h:

hypervisor/include/abi/errno.h:
