builder-src := dom0/builder/builder.c dom0/builder/error.c \
	dom0/builder/image.c dom0/builder/bzimage.c dom0/builder/unpack.c \
	dom0/builder/cache.c dom0/builder/sha256.c dom0/builder/elf.c \
	dom0/builder/layout.c dom0/builder/pv.c dom0/builder/pv-memory.c \
	dom0/builder/pv-kernel.c dom0/builder/window.c dom0/builder/pagetable.c \
	dom0/builder/policy.c dom0/builder/nodes.c
builder-libs := -lz -llzma -lzstd -llz4 -lbz2 -llzo2

# For machine tests, not installed: a guest by the builder alone.
build-guest-src := tests/tools/build-guest.c $(builder-src) $(config-src) \
	$(libs-hypercall-src) $(libs-foreignmem-src) $(xs-client-src)
BUILD_GUEST := $(BUILD)/tests/build-guest
$(BUILD_GUEST): $(build-guest-src:%.c=$(USER_OUT)/%.o)
	@mkdir -p $(@D)
	@echo "  LINK    $@"; $(CC) -pie $^ $(builder-libs) $(libs-hypercall-libs) $(libs-foreignmem-libs) -o $@
-include $(build-guest-src:%.c=$(USER_OUT)/%.d)
userland: $(BUILD_GUEST)
