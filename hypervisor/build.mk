# Each folder's build.mk adds its objects to hv-objs, by path from hypervisor/.
hv-objs :=
hv-libs :=
hv-folders := lib cpu mm irq time sched domain evtchn grant hypercall pci pv boot console
include $(foreach f,$(hv-folders),hypervisor/$(f)/build.mk)

HV_OUT := $(BUILD)/hypervisor
HV_INC = -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(ABI_INC) -Ihypervisor -Ihypervisor/include -I$(HV_OUT)/gen
HV_CFLAGS = $(WARN) -O2 -g -D__XEN_TOOLS__ -DMAX_CPUS=$(MAX_CPUS) \
	-ffreestanding -fpic -include hypervisor/include/hidden.h -mno-red-zone \
	-mgeneral-regs-only -fno-common -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -fno-jump-tables \
	-fno-asynchronous-unwind-tables -fno-stack-protector \
	-fno-omit-frame-pointer -fcf-protection=none \
	-Wframe-larger-than=1024
# Not what is asked of pointers: a guest's addresses are pointers of C here,
# whatever their value, and only the copying functions look at them.
ifeq ($(DEBUG),1)
HV_CFLAGS += -DDEBUG -fsanitize=undefined -fsanitize-undefined-trap-on-error \
	-fno-sanitize=null,alignment,pointer-overflow
endif

HV_OBJS := $(addprefix $(HV_OUT)/,$(hv-objs))

# A failed link or table must not pass for a finished one next time.
.DELETE_ON_ERROR:

# The exact flags live in a file, so that objects are rebuilt when they change.
$(HV_OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(HV_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(HV_CFLAGS)' > $@
FORCE:

$(HV_OUT)/%.o: hypervisor/%.c $(HV_OUT)/flags | $(ABI_INC)/xen
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(HV_CFLAGS) $(HV_INC) -MMD -MP -c $< -o $@

$(HV_OUT)/%.o: hypervisor/%.S $(HV_OUT)/flags | $(ABI_INC)/xen
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(HV_CFLAGS) $(HV_INC) -D__ASSEMBLY__ -MMD -MP -c $< -o $@

# For the greeting alone, so that a new version rebuilds one file.
$(HV_OUT)/boot/start.o: private HV_CFLAGS += -DPARAVANE_VERSION='"$(VERSION)"'

-include $(HV_OBJS:.o=.d)

.PHONY: hypervisor
hypervisor: $(BUILD)/paravane.elf ## build the hypervisor image

# The image: linked high, loaded at IMAGE_PHYS. Multiboot 1 wants a 32-bit ELF,
# so the linked sections become the one segment of a small ELF32 file. Folders
# add static archives for boot-only code to hv-libs; they are freed after boot.
LD      ?= ld
OBJCOPY ?= objcopy
NM      ?= nm
HV_LDS  := $(HV_OUT)/hypervisor.lds
HV_LINK = $(LD) -m elf_x86_64 -static -nostdlib --build-id=none --no-relax --gc-sections \
	-z max-page-size=4096 -z noexecstack --no-warn-rwx-segments -T $(HV_LDS)

$(HV_LDS): hypervisor/hypervisor.lds.S hypervisor/mm/layout.h
	@mkdir -p $(@D)
	@$(CC) -E -P -x assembler-with-cpp -D__ASSEMBLY__ -Ihypervisor $< > $@

# Pass 1 has an empty symbol table. Text lies before the table, so its
# addresses stay the same in pass 2, which links what nm found in pass 1.
$(HV_OUT)/symtab0.S: hypervisor/console/symtab.awk
	@mkdir -p $(@D)
	@awk -f $< /dev/null > $@
$(HV_OUT)/symtab.S: $(HV_OUT)/pass1 hypervisor/console/symtab.awk
	@$(NM) -n $< | awk -f hypervisor/console/symtab.awk > $@
$(HV_OUT)/symtab.o $(HV_OUT)/symtab0.o: %.o: %.S
	@$(CC) -c $< -o $@

$(HV_OUT)/pass1: $(HV_OBJS) $(HV_OUT)/symtab0.o $(HV_LDS)
	@$(HV_LINK) -o $@ $(HV_OBJS) $(HV_OUT)/symtab0.o \
	--start-group $(hv-libs) --end-group
$(BUILD)/paravane.dbg: $(HV_OBJS) $(HV_OUT)/symtab.o $(HV_LDS)
	@echo "  LD      $@"; $(HV_LINK) -Map=$(HV_OUT)/paravane.map -o $@ $(HV_OBJS) \
	$(HV_OUT)/symtab.o --start-group $(hv-libs) --end-group

$(HV_OUT)/paravane.bin: $(BUILD)/paravane.dbg
	@$(OBJCOPY) -O binary $< $@
$(BUILD)/paravane.elf: hypervisor/boot/elf32.S $(HV_OUT)/paravane.bin
	@$(CC) -c -D__ASSEMBLY__ -DIMAGE_FILE='"$(HV_OUT)/paravane.bin"' -Ihypervisor \
	$$($(NM) $(BUILD)/paravane.dbg | \
	awk '$$3 ~ /^image_(entry|mem_size)_phys$$/ { print "-D" $$3 "=0x" $$1 }') \
	$< -o $(HV_OUT)/elf32.o
	@$(OBJCOPY) -O binary $(HV_OUT)/elf32.o $@
	@echo "  IMAGE   $@"
