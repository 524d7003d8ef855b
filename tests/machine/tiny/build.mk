# tiny-<what>.elf: see tiny.S.
$(TEST_JOB)/tiny-%.elf: tests/machine/tiny/tiny.S tests/machine/tiny/build.mk
	@mkdir -p $(@D)
	$(CC) -D__ASSEMBLY__ -D__XEN_INTERFACE_VERSION__=0x00040e00 -DTINY_$* -nostdlib -static -Wl,-Ttext-segment=0xffffffff80000000 \
		-Wl,--build-id=none -Wl,-z,noexecstack $< -o $@

test-job-files += $(foreach w,idle spin crash poweroff,$(TEST_JOB)/tiny-$(w).elf)

# The tiny guest of pv-frontends, its symbols, and what the cases tiny-* share.
$(TEST_JOB)/tiny.elf: $(TINY)
	@mkdir -p $(@D)
	@cp $< $@
$(TEST_JOB)/tiny.map: $(TINY)
	@mkdir -p $(@D)
	@nm $< > $@
TINY_FILES := $(addprefix $(TEST_JOB)/,tiny-lib.sh udp-echo.py tcp-echo.py rsp.py)
$(TINY_FILES): $(TEST_JOB)/%: tests/machine/tiny/%
	@mkdir -p $(@D)
	@cp $< $@
test-job-files += $(TEST_JOB)/tiny.elf $(TEST_JOB)/tiny.map $(TINY_FILES)
