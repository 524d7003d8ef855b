# The freestanding guests, stripped, for cases that run in dom0.
include tests/machine/guests.mk

TG_JOB := $(TEST_JOB)/guests
$(TG_JOB)/%.elf: $(TG_OUT)/%.elf
	@mkdir -p $(@D)
	@objcopy -g $< $@
$(TG_JOB)/%.cfg: $(TG_OUT)/%.cfg
	@mkdir -p $(@D)
	@cp $< $@
$(TG_JOB)/guest-job.sh: tests/machine/guest-job.sh
	@mkdir -p $(@D)
	@cp $< $@

test-job-files += $(TG_JOB)/guest-job.sh \
	$(foreach c,$(TG_CLAIMS),$(TG_JOB)/$(c).elf $(TG_JOB)/$(c).cfg)

# What waits in dom0 for a line of a file.
$(TEST_JOB)/await: tests/tools/await.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -s -static -D_GNU_SOURCE $< -o $@
test-job-files += $(TEST_JOB)/await
