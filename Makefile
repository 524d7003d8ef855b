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
include tests/build.mk

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22 | sort

clean: ## remove what was built (make distclean: the dom0 image too)
	find $(BUILD) -mindepth 1 -maxdepth 1 ! -name image -exec rm -rf {} + 2>/dev/null || true

.PHONY: distclean
distclean: ## remove everything under build/
	rm -rf $(BUILD)
