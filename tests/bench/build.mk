$(TEST_JOB)/micro: tests/bench/micro.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -static $< -o $@

test-job-files += $(TEST_JOB)/micro

$(TEST_JOB)/bench_store: tests/bench/bench_store.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -D_GNU_SOURCE -static $< -o $@

test-job-files += $(TEST_JOB)/bench_store
