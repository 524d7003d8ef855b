# Programs for machine tests, not installed. Included by dom0/builder/build.mk.
define test_tool_rule
$(BUILD)/tests/$(1): $(patsubst %.c,$(USER_OUT)/%.o,$(2))
	@mkdir -p $$(@D)
	@echo "  LINK    $$@"; $$(CC) -pie $$^ $(3) -o $$@
-include $(patsubst %.c,$(USER_OUT)/%.d,$(2))
userland: $(BUILD)/tests/$(1)
endef
test_tool = $(eval $(call test_tool_rule,$(1),$(2),$(3)))

# A guest by the builder alone.
$(call test_tool,build-guest,tests/tools/build-guest.c $(builder-src) \
	$(config-src) $(libs-hypercall-src) $(libs-foreignmem-src) \
	$(xs-client-src),$(builder-libs) $(libs-hypercall-libs) \
	$(libs-foreignmem-libs))
# What the typed questions answer.
$(call test_tool,host-info,tests/tools/host-info.c $(libs-hypercall-src),\
	$(libs-hypercall-libs))
