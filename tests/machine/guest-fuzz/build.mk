# The fuzzer's guests are started by the builder alone.
$(TEST_JOB)/build-guest: $(BUILD)/tests/build-guest
	@mkdir -p $(@D)
	@objcopy -g $< $@
test-job-files += $(TEST_JOB)/build-guest
