# tiny-<what>.elf: see tiny.S.
$(TEST_JOB)/tiny-%.elf: tests/machine/tiny/tiny.S tests/machine/tiny/build.mk
	@mkdir -p $(@D)
	$(CC) -D__ASSEMBLY__ -D__XEN_INTERFACE_VERSION__=0x00040e00 -DTINY_$* -nostdlib -static -Wl,-Ttext-segment=0xffffffff80000000 \
		-Wl,--build-id=none -Wl,-z,noexecstack $< -o $@

test-job-files += $(foreach w,idle spin crash poweroff,$(TEST_JOB)/tiny-$(w).elf)
