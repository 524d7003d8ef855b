unit-test_cpus_race := $(addprefix hypervisor/mm/,frame.c alloc.c frametype.c check.c) \
	$(addprefix hypervisor/pv/,mmu.c mmuext.c gntmap.c)
