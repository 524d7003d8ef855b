hv-objs += mm/hvmap.o
