hv-objs += grant/gnttab.o grant/map.o grant/unmap.o grant/copy.o \
	grant/gnttab-op.o
