build-clang/hypervisor/pv/entry.o: hypervisor/pv/entry.S \
  /tmp/pvinc/cpu/extable.h /tmp/pvinc/cpu/regs.h

/tmp/pvinc/cpu/extable.h:

/tmp/pvinc/cpu/regs.h:
