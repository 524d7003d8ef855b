$(addprefix $(TEST_JOB)/,micro free-pages patches-guest): $(TEST_JOB)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -static -pthread -D_GNU_SOURCE -D__XEN_TOOLS__ $< -o $@

$(TEST_JOB)/iobench: tests/bench/iobench.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -static -D_GNU_SOURCE $< -luring -o $@

bench-store-src := $(wildcard tests/bench/store/*.c)
$(TEST_JOB)/bench_store: $(bench-store-src) $(wildcard tests/bench/store/*.h)
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -static -D_GNU_SOURCE -D__XEN_TOOLS__ -I. $(bench-store-src) -o $@

test-job-files += $(addprefix $(TEST_JOB)/,micro free-pages iobench bench_store patches-guest)

# A small C project and the compiler proper with its libraries, which runs in any dom0.
BENCH_COMPILE := $(BUILD)/tests/bench/compile
bench-compile-src := $(patsubst %,xenstore/core/%.c,buf map node path perm quota record store)
$(BENCH_COMPILE)/.done: $(bench-compile-src) | $(ABI_INC)/xen
	@rm -rf $(@D) && mkdir -p $(@D)/lib
	@for f in $^; do $(CC) -E -std=gnu11 -D_GNU_SOURCE -I. -I$(ABI_INC) $$f -o $(@D)/$$(basename $$f .c).i || exit 1; done
	@cc1=$$($(CC) -print-prog-name=cc1) && cp $$cc1 $(@D) && \
		cp $$(ldd $$cc1 | grep -o '/[^ ]*') $(@D)/lib
	@touch $@

# Path lengths: QEMU's plugin, and the guest that is its own dom0. The guest
# stands on the test guests' library (tests/machine/guests.mk).
PATHLEN := $(BUILD)/tests/pathlen
PATHLEN_SRC := tests/bench/pathlen

$(PATHLEN)/plugin.so: $(wildcard $(PATHLEN_SRC)/*.[ch])
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -shared -fPIC -fvisibility=hidden $(PATHLEN_SRC)/plugin.c -o $@

$(PATHLEN)/%.o: $(PATHLEN_SRC)/%.c | $(ABI_INC)/xen
	@mkdir -p $(@D)
	$(CC) $(TG_CFLAGS) -MMD -MP -c $< -o $@
$(PATHLEN)/%.o: tests/machine/lib/%.c | $(ABI_INC)/xen
	@mkdir -p $(@D)
	$(CC) $(TG_CFLAGS) -DGUEST_CLAIM='"pathlen"' -MMD -MP -c $< -o $@
$(PATHLEN)/%.o: $(PATHLEN_SRC)/%.S $(PATHLEN_SRC)/markers.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -std=% -nostdinc,$(TG_CFLAGS)) -c $< -o $@
$(PATHLEN)/guest.elf: $(addprefix $(PATHLEN)/,guest.o guest-entry.o verdict.o start.o) $(TG_SHARED) $(TG_OUT)/guest.lds
	$(CC) $(TG_LDFLAGS) -Wl,-T,$(TG_OUT)/guest.lds $(filter %.o,$^) -o $@
-include $(wildcard $(PATHLEN)/*.d)

.PHONY: pathlen pathlen-parts
pathlen-parts: $(PATHLEN)/plugin.so $(PATHLEN)/guest.elf
pathlen: $(HV) pathlen-parts ## instructions per operation, held against the table (PEER=xen.elf)
	@tests/bench/pathlen/pathlen.py --hv $(HV) $(if $(filter command% environment%,$(origin PEER)),--peer $(PEER))
