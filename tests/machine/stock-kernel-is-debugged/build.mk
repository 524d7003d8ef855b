# Debian's gdb (without Python, which the image lacks) and its libraries.
MORE_GDB := $(BUILD)/more-gdb
$(TEST_JOB)/gdb/gdb: tests/image/more.sh | image
	@tests/image/more.sh $(BUILD)/image/tree $(MORE_GDB) gdb-minimal
	@mkdir -p $(@D)
	@cp -L $(MORE_GDB)/tree/usr/lib/x86_64-linux-gnu/*.so.* $(@D)
	@cp $(MORE_GDB)/tree/usr/bin/gdb $@
STOCK_KERNEL_FILES := $(addprefix $(TEST_JOB)/,debugged-lib.sh kallsyms.py)
$(STOCK_KERNEL_FILES): $(TEST_JOB)/%: tests/machine/stock-kernel-is-debugged/%
	@mkdir -p $(@D)
	@cp $< $@
test-job-files += $(TEST_JOB)/gdb/gdb $(STOCK_KERNEL_FILES)
