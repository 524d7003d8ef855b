hv-objs += mm/frame.o mm/alloc.o mm/pool.o mm/frametype.o mm/memory-op.o \
	mm/tlb.o mm/guestcopy.o mm/hvmap.o mm/check.o
