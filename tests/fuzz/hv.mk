# Sources of the fuzzers of the hypervisor's portable parts, which stand on the
# unit tests' fakes.
# A guest's addresses are pointers there, whatever their value.
HV_FUZZ_CFLAGS = -fno-sanitize=null,alignment,pointer-overflow -std=gnu11 -DMAX_CPUS=$(MAX_CPUS) -DDEBUG -Itests/unit -Itests/unit/fakes \
	-Ihypervisor -Ihypervisor/include -isystem $(ABI_INC)
fuzz-fuzz_hv_tables := $(addprefix hypervisor/mm/,frame.c alloc.c frametype.c check.c) \
	$(addprefix hypervisor/pv/,mmu.c mmuext.c gntmap.c) tests/unit/fakes/machine.c
fuzz-fuzz_hv_grants = $(unit-test_grant)
fuzz-fuzz_hv_events = $(unit-test_evtchn) tests/unit/fakes/trace.c
fuzz-fuzz_hv_insn := hypervisor/pv/insn.c hypervisor/pv/ptwrite-insn.c
fuzz-fuzz_hv_ctl = $(unit-test_domctl) tests/unit/fakes/counts.c tests/unit/fakes/latency.c tests/unit/fakes/debug-keys.c tests/unit/fakes/trace.c
