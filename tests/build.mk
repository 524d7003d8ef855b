# Unit tests on the host, machine tests under QEMU, the demo, benchmarks.

# The hypervisor under test; another image (such as the real Xen's ELF) may be
# given on the command line.
HV ?= $(BUILD)/paravane.elf
export HV

.PHONY: deps image run demo unit model machine check soak bench bench-store fuzz lint format FORCE_HV
deps: ## install what is missing of Debian's packages (needs root)
	@tests/deps.sh

image: deps ## make the Debian dom0 disk image (about two minutes, once)
	@tests/image/build.sh $(BUILD)/image

# Only our own image has a rule; a foreign one must simply be there.
$(if $(filter $(BUILD)/paravane.elf,$(HV)),,$(HV)):
	@test -e $@ || { echo "HV=$@ is not there"; exit 1; }

# The real Xen: what the figures are compared with and our host domain also runs on.
PEER ?= $(BUILD)/peer/xen.elf
$(BUILD)/peer/xen.elf: tests/image/peer.sh
	@tests/image/peer.sh $(@D)

.PHONY: peer
peer: deps $(PEER) ## fetch the real Xen 4.17 into build/peer

run: deps image $(HV) guests ## a dom0 shell on this terminal (Ctrl-A x ends it)
	@tests/demo/run.py --hv $(HV)

# The demo's dom0, a ramdisk. Its image step is the Debian image's.
$(BUILD)/demo-initrd: $(wildcard tests/demo/*.sh tests/demo/etc/*) tests/demo/init $(programs) | image
	@tests/demo/initrd.sh $(BUILD)/image $(BUILD)/bin $@
	@echo "  IMAGE   $@"

demo: deps image $(HV) $(BUILD)/demo-initrd ## boot our dom0 and two guests that talk; under a minute
	@tests/demo/demo.py --hv $(HV)

# --- unit tests: tests/unit/test_<module>.c -----------------------------------
# Each is linked with the portable sources it tests, listed in
# tests/unit/test_<module>.mk as `unit-test_<module> := hypervisor/...`, or in the
# test itself in a line `sources: hypervisor/...`, and with the fakes that are
# still wanted then.
UNIT := $(BUILD)/unit
UNIT_NAMES := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
UNIT_CFLAGS = $(WARN) -O0 -g -D__XEN_TOOLS__ -DMAX_CPUS=$(MAX_CPUS) -DUNIT_TEST -DDEBUG \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-Itests/unit/fakes -Ihypervisor -Ihypervisor/include -isystem $(ABI_INC)
-include $(wildcard tests/unit/test_*.mk)
unit_sources = $(or $(unit-$(1)),$(shell sed -n 's/.*sources: *\(hypervisor[^*]*\).*/\1/p' tests/unit/$(1).c))
unit_objects = $(patsubst %.c,$(UNIT)/%.o,$(call unit_sources,$(1)))
UNIT_FAKES := $(patsubst %.c,$(UNIT)/%.o,$(wildcard tests/unit/fakes/*.c))

$(UNIT)/%.o: %.c tests/build.mk | $(ABI_INC)/xen
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(unit-cflags-$(*F)) -MMD -MP -c $< -o $@

$(UNIT)/fakes.a: $(UNIT_FAKES)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

define unit_rule
$(UNIT)/$(1): $(UNIT)/tests/unit/$(1).o $(call unit_objects,$(1)) $(UNIT)/fakes.a
	$$(CC) -fsanitize=address,undefined $$^ -lcmocka $(unit-libs-$(1)) -o $$@
-include $(UNIT)/tests/unit/$(1).d $(patsubst %.o,%.d,$(call unit_objects,$(1)))
endef
$(foreach t,$(UNIT_NAMES),$(eval $(call unit_rule,$(t))))
-include $(UNIT_FAKES:.o=.d)

# Those of the host domain's programs: tests/unit/<part>/test_<module>.c, whose
# first comment says `sources: ...`, also by a variable of a build.mk, and perhaps
# `libs: ...`.
HOST_UNIT := $(UNIT)/host
HOST_UNIT_NAMES := $(basename $(wildcard tests/unit/*/test_*.c))
# Without its source, lwIP on our cards cannot be tested.
ifeq ($(LWIP_THERE),)
HOST_UNIT_NAMES := $(filter-out tests/unit/pv-frontends/test_tcp,$(HOST_UNIT_NAMES))
endif
HOST_UNIT_CFLAGS = $(WARN) -O0 -g -D_GNU_SOURCE -D__XEN_TOOLS__ -DUNIT_TEST \
	-DPARAVANE_VERSION='"$(VERSION)"' \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -I.
$(addprefix $(HOST_UNIT)/pv-backends/net/,link.o bridge.o): HOST_UNIT_CFLAGS += -isystem /usr/include/libnl3
$(addprefix $(HOST_UNIT)/,tests/unit/pv-frontends/test_tcp.o $(tcp-src:.c=.o)): HOST_UNIT_CFLAGS += $(LWIP_INC)
$(addprefix $(HOST_UNIT)/,$(lwip-src:.c=.o)): HOST_UNIT_CFLAGS += $(LWIP_INC) -w -fno-sanitize=undefined
test_comment = $(shell sed -n 's/.*$(2): *\([^*]*\).*/\1/p' $(1).c)

$(HOST_UNIT)/%.o: %.c tests/build.mk
	@mkdir -p $(@D)
	$(CC) $(HOST_UNIT_CFLAGS) -MMD -MP -c $< -o $@

# What a guest's life takes, on fakes (tests/unit/dom0/test_life*.c).
life-world-src := $(libs-hypercall-fake-src) \
	$(addsuffix .c,$(addprefix dom0/daemon/,room create teardown lifecycle recover coredump devices store \
	device-wait intent kit work loop log fault networks registry guest \
	record diskclaim acl)) \
	$(addsuffix .c,$(addprefix dom0/builder/,builder error image image-file image-kept ramdisk bzimage \
	unpack cache elf layout pv pagetable policy nodes pv-memory \
	pv-kernel window)) \
	$(addsuffix .c,$(addprefix dom0/config/,lex parse value domconfig keys disk nic cpuset read names \
	report)) \
	$(addsuffix .c,$(addprefix dom0/libs/foreignmem/,foreignmem-fake)) \
	$(addsuffix .c,$(addprefix tests/unit/dom0/,life-world kernels fake-backends)) \
	$(addsuffix .c,$(addprefix tests/unit/,xs-fake))

define host_unit_rule
$(HOST_UNIT)/$(1): $$(patsubst %.c,$(HOST_UNIT)/%.o,$(1).c $(call test_comment,$(1),sources))
	$$(CC) -fsanitize=address,undefined $$^ -lcmocka $(call test_comment,$(1),libs) -o $$@
-include $$(patsubst %.c,$(HOST_UNIT)/%.d,$(1).c $(call test_comment,$(1),sources))
endef
$(foreach t,$(HOST_UNIT_NAMES),$(eval $(call host_unit_rule,$(t))))

# --- fuzzers: tests/fuzz/fuzz_<parser>.c, `sources:` as above, clang's libFuzzer
FUZZ_NAMES := $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
include tests/fuzz/hv.mk
define fuzz_rule
$(BUILD)/fuzz/$(1): tests/fuzz/$(1).c $(or $(fuzz-$(1)),$(call test_comment,tests/fuzz/$(1),sources)) | $(ABI_INC)/xen
	@mkdir -p $$(@D)
	clang -g -O1 -D_GNU_SOURCE -D__XEN_TOOLS__ -DUNIT_TEST -I. -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all $(if $(filter fuzz_hv_%,$(1)),$(HV_FUZZ_CFLAGS)) $$^ \
	$(call test_comment,tests/fuzz/$(1),libs) -o $$@
endef
$(foreach t,$(FUZZ_NAMES),$(eval $(call fuzz_rule,$(t))))
fuzz: deps $(addprefix $(BUILD)/fuzz/,$(FUZZ_NAMES)) ## every parser of foreign bytes, SECS=30 each
	@tests/fuzz/run.sh $(or $(SECS),30) $(addprefix $(BUILD)/fuzz/,$(FUZZ_NAMES))

# Tests of the store's programs as they are, but for the hypervisor, which is made
# of files (tests/unit/xenstore/fake-xen.c): scripts that print what cmocka does.
FAKE_XEN := tests/unit/xenstore/fake-xen.c
$(HOST_UNIT)/pvstored: $(patsubst %.c,$(HOST_UNIT)/%.o,$(xs-core-src) $(xs-transport-src) $(xs-daemon-src) $(FAKE_XEN))
	$(CC) -fsanitize=address,undefined $^ -levent_core -o $@
$(HOST_UNIT)/pvstore: $(patsubst %.c,$(HOST_UNIT)/%.o,$(xs-client-src) $(xs-cmd-src))
	$(CC) -fsanitize=address,undefined $^ -ljansson -o $@
-include $(patsubst %.c,$(HOST_UNIT)/%.d,$(xs-core-src) $(xs-transport-src) $(xs-daemon-src) $(FAKE_XEN) $(xs-client-src) $(xs-cmd-src))
$(HOST_UNIT)/flood: tests/unit/xenstore/flood.c
	$(CC) $(WARN) -O2 -D_GNU_SOURCE -D__XEN_TOOLS__ $< -o $@
$(addprefix $(HOST_UNIT)/,xs-program bench_store): $(HOST_UNIT)/%: $(BUILD)/tests/machine/job/%
	cp $< $@
$(HOST_UNIT)/test_%: tests/unit/xenstore/test_%.py $(addprefix $(HOST_UNIT)/,pvstored pvstore flood xs-program bench_store)
	ln -sfn $(abspath $<) $@
# And of the benchmark's rounds, without a machine.
$(HOST_UNIT)/test_%: tests/unit/bench/test_%.py
	ln -sfn $(abspath $<) $@
HOST_SCRIPTS := $(patsubst %.py,$(HOST_UNIT)/%,$(notdir $(wildcard tests/unit/xenstore/test_*.py tests/unit/bench/test_*.py)))

unit: $(HOST_SCRIPTS) $(addprefix $(UNIT)/,$(UNIT_NAMES)) $(addprefix $(HOST_UNIT)/,$(HOST_UNIT_NAMES)) ## unit tests on the host
	@tests/unit/run.py $^

model: deps ## protocols whose order matters, every interleaving (spin)
	@tests/model/run.sh $(abspath $(BUILD))/model $(wildcard tests/model/*.pml)

# --- guests and tools that machine tests hand to dom0 -------------------------
TEST_OUT := $(BUILD)/tests/machine
TEST_JOB := $(TEST_OUT)/job

include $(wildcard tests/machine/*/build.mk)
include tests/bench/build.mk

.PHONY: guests
guests: $(test-job-files)

# The same hypervisor by the other compiler, and with its checks.
.PHONY: hypervisor-builds
hypervisor-builds:
	@$(MAKE) --no-print-directory hypervisor CC=clang BUILD=$(BUILD)/clang > $(BUILD)/clang.log 2>&1 || { cat $(BUILD)/clang.log; false; }
	@$(MAKE) --no-print-directory hypervisor CC=gcc DEBUG=1 BUILD=$(BUILD)/debug > $(BUILD)/debug.log 2>&1 || { cat $(BUILD)/debug.log; false; }

machine: deps image $(HV) $(PEER) hypervisor-builds guests deb ## machine tests under QEMU (TESTS=PATTERN... selects)
	@tests/machine/run.py --hv $(HV) $(RUNFLAGS) $(TESTS)

check: deps lwip ## build with gcc and clang, unit tests, machine tests (some twenty minutes)
	@tests/check.sh

soak: deps image $(HV) $(PEER) hypervisor-builds guests deb $(HOST_UNIT)/test_kill ## the long counts; goes on where it was stopped
	@tests/soak.sh

bench-store: deps image userland $(TEST_JOB)/bench_store $(PEER) ## the store beside Debian's two daemons (ROUNDS=5)
	@tests/bench/store.py --hv $(PEER) $(if $(ROUNDS),--rounds $(ROUNDS))

bench: deps image $(HV) guests pathlen-parts $(BENCH_COMPILE)/.done $(PEER) ## report of figures against the peer, under an hour (ROUNDS=5 MINUTES=55; QUICK=1: five minutes)
	@tests/bench/bench.py --hv $(HV) --peer $(PEER) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(QUICK),--quick)

lint: deps ## static checks of the sources and of what the READMEs name
	@tests/lint.py

format: deps ## clang-format every source
	@git ls-files '*.c' '*.h' | xargs clang-format -i
