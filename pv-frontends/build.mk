# The tiny guest: build/tiny.elf. The core is compiled with it, as it
# would be with any other kernel; on the host only tests link it.
PF_OUT := $(BUILD)/pv-frontends
TINY := $(BUILD)/tiny.elf
PF_SOURCES := $(addprefix pv-frontends/core/,text.c gnt.c evtchn.c wire.c \
	store.c xbstate.c xenbus.c blkfront.c blkslot.c netfront.c netqueue.c \
	consfront.c balloon.c control.c) \
	$(addprefix pv-frontends/guest/,string.c print.c options.c memory.c \
	trap.c vcpu.c time.c start.c program.c hello.c fault.c disk.c blk.c net.c \
	bench.c)
PF_OBJECTS := $(PF_OUT)/pv-frontends/guest/boot.o $(PF_SOURCES:%.c=$(PF_OUT)/%.o)
PF_CFLAGS = $(WARN) -O2 -g -D__XEN_TOOLS__ -ffreestanding -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) -isystem $(ABI_INC) -I. \
	-fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-common \
	-fno-strict-aliasing -fno-delete-null-pointer-checks \
	-fno-asynchronous-unwind-tables -fno-stack-protector \
	-fcf-protection=none -fno-omit-frame-pointer -fno-builtin

$(PF_OUT)/%.o: %.c pv-frontends/build.mk | $(ABI_INC)/xen
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(PF_CFLAGS) -MMD -MP -c $< -o $@
$(PF_OUT)/%.o: %.S pv-frontends/build.mk | $(ABI_INC)/xen
	@mkdir -p $(@D)
	@echo "  AS      $<"; $(CC) $(filter-out -std=%,$(PF_CFLAGS)) -MMD -MP -c $< -o $@
$(PF_OUT)/guest.lds: pv-frontends/guest/guest.lds.S pv-frontends/guest/layout.h
	@mkdir -p $(@D)
	@$(CC) -E -P -x c -I$(<D) $< -o $@
$(TINY): $(PF_OBJECTS) $(PF_OUT)/guest.lds
	@echo "  LINK    $@"; $(CC) -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments \
	-Wl,-T,$(PF_OUT)/guest.lds $(PF_OBJECTS) -o $@
-include $(PF_OBJECTS:.o=.d)

.PHONY: tiny
tiny: $(TINY) ## the tiny guest, build/tiny.elf
