hv-objs += pv/mmu.o pv/mmuext.o pv/ptwrite.o pv/ptwrite-insn.o pv/descriptor.o pv/gntmap.o
hv-objs += pv/entry.o pv/stacks.o pv/syscall.o pv/bounce.o pv/exit.o \
	pv/iret.o pv/trap.o pv/segment.o pv/debugreg.o \
	pv/callback.o pv/hypercall-page.o pv/switch.o pv/context.o pv/pv.o \
	pv/insn.o pv/portio.o pv/privop.o
hv-objs += pv/dump.o
