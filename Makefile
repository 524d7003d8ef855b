# Paravane: see README.md. `make help` lists the targets.
include config.mk

ifeq ($(origin CC),default)
CC := gcc
endif

WARN := -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wundef -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wimplicit-fallthrough

.PHONY: all help clean
all: hypervisor ## the same as hypervisor

# The ABI headers of Debian's libxen-dev under a folder of their own, so that
# -nostdinc builds see them and nothing else of /usr/include.
ABI_INC := $(BUILD)/inc
$(ABI_INC)/xen:
	@mkdir -p $(ABI_INC)
	@test -d /usr/include/xen || { echo "libxen-dev is missing: run 'make deps'"; exit 1; }
	@ln -sfn /usr/include/xen $@

include hypervisor/build.mk

# --- programs of the host domain: $(call program,NAME,SOURCES,LIBRARIES) ------
# A folder's build.mk calls it for each program; NAME lands in build/bin.
USER_OUT    := $(BUILD)/user
USER_CFLAGS = $(WARN) -O2 -g -D_GNU_SOURCE -D__XEN_TOOLS__ -DPARAVANE_VERSION='"$(VERSION)"' \
	-fno-common -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -I.
programs :=
define program_rule
programs += $(BUILD)/bin/$(1)
$(BUILD)/bin/$(1): $(patsubst %.c,$(USER_OUT)/%.o,$(2))
	@mkdir -p $$(@D)
	@echo "  LINK    $$@"; $$(CC) -pie -Wl,-z,relro,-z,now $$^ $(3) -o $$@
-include $(patsubst %.c,$(USER_OUT)/%.d,$(2))
endef
program = $(eval $(call program_rule,$(1),$(2),$(3)))

$(USER_OUT)/%.o: %.c Makefile config.mk
	@mkdir -p $(@D)
	@echo "  CC      $<"; $(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

-include xenstore/build.mk dom0/build.mk pv-backends/build.mk pv-frontends/build.mk guest-patches/build.mk
.PHONY: userland
userland: $(programs) ## build the host domain's programs into build/bin

include tests/build.mk

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22 | sort

clean: ## remove what was built (make distclean: the dom0 image too)
	find $(BUILD) -mindepth 1 -maxdepth 1 ! -name image -exec rm -rf {} + 2>/dev/null || true

.PHONY: distclean
distclean: ## remove everything under build/
	rm -rf $(BUILD)
