unit-test_hypercall := $(addprefix hypervisor/hypercall/, \
	dispatch.c subop.c multicall.c restart.c)
