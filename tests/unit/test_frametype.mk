unit-test_frametype := hypervisor/mm/frame.c hypervisor/mm/alloc.c \
	hypervisor/mm/frametype.c hypervisor/pv/mmu.c hypervisor/pv/mmuext.c
