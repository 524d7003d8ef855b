hv-objs += pv/mmu.o pv/mmuext.o pv/ptwrite.o pv/ptwrite-insn.o pv/descriptor.o pv/gntmap.o
