# The host domain's programs, stripped, for the cases of boot `host`.
PV_JOB := $(TEST_JOB)/pv
$(PV_JOB)/%: $(BUILD)/bin/%
	@mkdir -p $(@D)
	@objcopy -g $< $@
$(PV_JOB)/lib.sh: tests/machine/pvn/lib.sh
	@mkdir -p $(@D)
	@cp $< $@
$(PV_JOB)/completion: dom0/completion/pvn
	@mkdir -p $(@D)
	@cp $< $@
$(PV_JOB)/kill-at-step: tests/machine/pvn/kill-at-step.c
	@mkdir -p $(@D)
	@$(CC) $(USER_CFLAGS) -pie -s $< -o $@
test-job-files += $(PV_JOB)/lib.sh $(PV_JOB)/completion $(PV_JOB)/kill-at-step $(patsubst $(BUILD)/bin/%,$(PV_JOB)/%,$(programs))
