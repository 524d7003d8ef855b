# The tiny guest: build/tiny.elf. The core is compiled with it, as it
# would be with any other kernel; on the host only tests link it.
PF_OUT := $(BUILD)/pv-frontends
TINY := $(BUILD)/tiny.elf
PF_SOURCES := $(addprefix pv-frontends/core/,text.c gnt.c evtchn.c wire.c \
	store.c xbstate.c xenbus.c blkfront.c blkslot.c netfront.c netqueue.c \
	consfront.c balloon.c control.c) \
	$(addprefix pv-frontends/guest/,string.c print.c options.c memory.c \
	trap.c vcpu.c time.c suspend.c start.c program.c hello.c fault.c disk.c blk.c net.c \
	bench.c)

# TCP is lwIP's, of whose source Debian has a package; no Debian package has it
# built for anything but Linux processes. Where it cannot be fetched, the tiny
# guest is built without, and its programs over TCP say so.
LWIP := $(BUILD)/lwip
LWIP_SRC := $(LWIP)/src/src
LWIP_PORT := pv-frontends/guest/lwip
LWIP_INC := -I$(LWIP_PORT) -isystem $(LWIP_SRC)/include
LWIP_THERE := $(wildcard $(LWIP)/src)
lwip-src := $(addprefix $(LWIP_SRC)/,$(addprefix core/,init.c def.c inet_chksum.c \
	ip.c mem.c memp.c netif.c pbuf.c tcp.c tcp_in.c tcp_out.c timeouts.c udp.c) \
	$(addprefix core/ipv4/,etharp.c icmp.c ip4.c ip4_addr.c) netif/ethernet.c)
tcp-src := $(addprefix pv-frontends/guest/,ip.c tcp.c tcp-echo.c tcp-bench.c)
PF_SOURCES += $(if $(LWIP_THERE),$(tcp-src) $(lwip-src),pv-frontends/guest/tcp-none.c)

$(LWIP)/.done: $(LWIP_PORT)/fetch.sh
	@$(LWIP_PORT)/fetch.sh $(LWIP)
.PHONY: lwip
lwip: deps ## fetch the source of lwIP, which is the tiny guest's TCP, if it is not there
	@test -d $(LWIP)/src || $(LWIP_PORT)/fetch.sh $(LWIP)

PF_OBJECTS := $(PF_OUT)/pv-frontends/guest/boot.o $(PF_SOURCES:%.c=$(PF_OUT)/%.o)
$(addprefix $(PF_OUT)/,$(tcp-src:.c=.o) $(lwip-src:.c=.o)): \
	PF_CFLAGS += $(LWIP_INC) -I$(LWIP_PORT)/freestanding
# Not our code; and what of it nobody calls is linked out.
$(addprefix $(PF_OUT)/,$(lwip-src:.c=.o)): PF_CFLAGS += -w -ffunction-sections
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
# What make did not see when it began, it sees in another run.
$(TINY): $(PF_OBJECTS) $(PF_OUT)/guest.lds $(LWIP)/.done
	@if [ -z "$(LWIP_THERE)" ] && [ -d $(LWIP)/src ]; then \
		exec $(MAKE) --no-print-directory $@; fi; \
	echo "  LINK    $@"; $(CC) -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -Wl,--gc-sections \
	-Wl,-T,$(PF_OUT)/guest.lds $(PF_OBJECTS) -o $@
-include $(PF_OBJECTS:.o=.d)

.PHONY: tiny
tiny: $(TINY) ## the tiny guest, build/tiny.elf
