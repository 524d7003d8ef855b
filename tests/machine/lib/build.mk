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
