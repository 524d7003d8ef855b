# Freestanding PV guests that test what a stock kernel does not reach: each
# folder guest-<claim> becomes build/tests/guests/<claim>.elf. Also usable
# alone: make -f tests/machine/guests.mk test-guests
ifndef WARN
include config.mk
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
WARN := -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wundef -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wimplicit-fallthrough
ABI_INC := $(BUILD)/inc
.DEFAULT_GOAL := test-guests
$(ABI_INC)/xen:
	@mkdir -p $(@D)
	@ln -sfn /usr/include/xen $@
endif

TG_DIR := tests/machine
TG_OUT := $(BUILD)/tests/guests
TG_CLAIMS := $(patsubst $(TG_DIR)/guest-%/main.c,%,$(wildcard $(TG_DIR)/guest-*/main.c))
TG_LIB := boot.o string.o printf.o console.o verdict.o start.o trap.o mem.o \
	user.o smp.o time.o evtchn.o
# The event channel cases run over both of its ABIs.
TG_MORE_evtchn := lib/evtchn-cases.o
TG_MORE_evtchn-fifo := lib/evtchn-cases.o
TG_MORE_fuzz := fuzz/values.o fuzz/calls.o fuzz/cpu.o
TG_MORE_races := races/race.o races/types.o races/memory.o races/calls.o
# trap_try() returns twice; what it may clobber is not read again.
TG_WARN := $(WARN) $(shell $(CC) -Werror -Wclobbered -E -x c /dev/null >/dev/null 2>&1 && echo -Wno-clobbered)
TG_CFLAGS := $(TG_WARN) -O2 -g -D__XEN_TOOLS__ -ffreestanding -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) -isystem $(ABI_INC) \
	-I$(TG_DIR)/lib -fno-pic -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-common -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -fno-asynchronous-unwind-tables \
	-fno-stack-protector -fcf-protection=none -fno-omit-frame-pointer
TG_LDFLAGS := -nostdlib -static -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments

.PHONY: test-guests
test-guests: $(TG_CLAIMS:%=$(TG_OUT)/%.elf) $(TG_CLAIMS:%=$(TG_OUT)/%.cfg)

# The tiny guest's, with our layout.
$(TG_OUT)/guest.lds: pv-frontends/guest/guest.lds.S $(TG_DIR)/lib/layout.h
	@mkdir -p $(@D)
	$(CC) -E -P -x c -I$(TG_DIR)/lib $< -o $@

# Every claim has its own library objects: they carry the claim's name.
define tg_guest
$(TG_OUT)/$(1)/%.o: $(TG_DIR)/guest-$(1)/%.c | $(ABI_INC)/xen
	@mkdir -p $$(@D)
	$$(CC) $$(TG_CFLAGS) -DGUEST_CLAIM='"$(1)"' -MMD -MP -c $$< -o $$@
$(TG_OUT)/$(1).elf: $(TG_OUT)/$(1)/main.o $(TG_OUT)/$(1)/verdict.o \
		$(TG_OUT)/$(1)/start.o $(TG_SHARED) \
		$(addprefix $(TG_OUT)/,$(TG_MORE_$(1))) $(TG_OUT)/guest.lds
	$$(CC) $$(TG_LDFLAGS) -Wl,-T,$(TG_OUT)/guest.lds $$(filter %.o,$$^) -o $$@
$(TG_OUT)/$(1)/%.o: $(TG_DIR)/lib/%.c | $(ABI_INC)/xen
	@mkdir -p $$(@D)
	$$(CC) $$(TG_CFLAGS) -DGUEST_CLAIM='"$(1)"' -MMD -MP -c $$< -o $$@
# Lines for the guest's configuration, and what the job should expect of it.
$(TG_OUT)/$(1).cfg: $$(wildcard $(TG_DIR)/guest-$(1)/guest.cfg) $(TG_DIR)/guests.mk
	@mkdir -p $$(@D)
	@cat /dev/null $$(filter %guest.cfg,$$^) > $$@
endef

TG_SHARED := $(addprefix $(TG_OUT)/lib/,$(filter-out verdict.o start.o,$(TG_LIB)))
$(TG_OUT)/lib/string.o: pv-frontends/guest/string.c
	@mkdir -p $(@D)
	$(CC) $(TG_CFLAGS) -fno-builtin -I. -MMD -MP -c $< -o $@
$(TG_OUT)/lib/%.o: $(TG_DIR)/lib/%.c | $(ABI_INC)/xen
	@mkdir -p $(@D)
	$(CC) $(TG_CFLAGS) -MMD -MP -c $< -o $@
$(TG_OUT)/lib/%.o: $(TG_DIR)/lib/%.S | $(ABI_INC)/xen
	@mkdir -p $(@D)
	$(CC) $(filter-out -std=% -nostdinc,$(TG_CFLAGS)) -MMD -MP -c $< -o $@

$(foreach c,$(TG_CLAIMS),$(eval $(call tg_guest,$(c))))

-include $(wildcard $(TG_OUT)/lib/*.d $(TG_OUT)/*/*.d)
