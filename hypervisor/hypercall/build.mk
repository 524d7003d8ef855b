hv-objs += hypercall/table.o hypercall/dispatch.o hypercall/subop.o \
	hypercall/restart.o hypercall/multicall.o hypercall/version.o
