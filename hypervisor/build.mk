# Each folder's build.mk adds its objects to hv-objs, by path from hypervisor/.
hv-objs :=
hv-folders := lib cpu mm irq time sched domain evtchn grant hypercall pci pv boot console
include $(foreach f,$(hv-folders),hypervisor/$(f)/build.mk)

HV_OUT := $(BUILD)/hypervisor
HV_INC = -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(ABI_INC) -Ihypervisor -Ihypervisor/include -I$(HV_OUT)/gen
HV_CFLAGS = $(WARN) -O2 -g -D__XEN_TOOLS__ -DMAX_CPUS=$(MAX_CPUS) \
	-ffreestanding -fpic -fvisibility=hidden -mno-red-zone \
	-mgeneral-regs-only -fno-common -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -fno-jump-tables \
	-fno-asynchronous-unwind-tables -fno-stack-protector \
	-fno-omit-frame-pointer -fcf-protection=none \
	-Wframe-larger-than=1024
ifeq ($(DEBUG),1)
HV_CFLAGS += -DDEBUG -fsanitize=undefined -fsanitize-undefined-trap-on-error
endif

HV_OBJS := $(addprefix $(HV_OUT)/,$(hv-objs))

# The exact flags live in a file, so that objects are rebuilt when they change.
$(HV_OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(HV_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(HV_CFLAGS)' > $@
FORCE:

$(HV_OUT)/%.o: hypervisor/%.c $(HV_OUT)/flags | $(ABI_INC)/xen
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) $(HV_INC) -MMD -MP -c $< -o $@

$(HV_OUT)/%.o: hypervisor/%.S $(HV_OUT)/flags | $(ABI_INC)/xen
	@mkdir -p $(@D)
	$(CC) $(HV_CFLAGS) $(HV_INC) -D__ASSEMBLY__ -MMD -MP -c $< -o $@

-include $(HV_OBJS:.o=.d)

.PHONY: hypervisor
hypervisor: $(BUILD)/paravane.elf ## build the hypervisor image
