$(TEST_JOB)/micro: tests/bench/micro.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -static $< -o $@

test-job-files += $(TEST_JOB)/micro
