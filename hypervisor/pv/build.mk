hv-objs += pv/mmu.o pv/mmuext.o pv/ptwrite.o pv/descriptor.o pv/gntmap.o
