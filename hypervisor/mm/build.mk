hv-objs +=
hv-objs += mm/tlb.o mm/guestcopy.o
