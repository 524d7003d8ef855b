$(TEST_JOB)/micro $(TEST_JOB)/free-pages: $(TEST_JOB)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -static -D_GNU_SOURCE -D__XEN_TOOLS__ $< -o $@

bench-store-src := $(wildcard tests/bench/store/*.c)
$(TEST_JOB)/bench_store: $(bench-store-src) $(wildcard tests/bench/store/*.h)
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -static -D_GNU_SOURCE -D__XEN_TOOLS__ -I. $(bench-store-src) -o $@

test-job-files += $(addprefix $(TEST_JOB)/,micro free-pages bench_store)
