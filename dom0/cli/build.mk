# pvn: see README.md.
cli-src := $(wildcard dom0/cli/*.c)

# The first process of a guest of `pvn run`: static, no library, part of pvn.
RUN_INIT := $(USER_OUT)/dom0/cli/run-init
$(RUN_INIT)/init: dom0/cli/run-init/init.c dom0/cli/build.mk
	@mkdir -p $(@D)
	@echo "  LINK    $@"; $(CC) $(WARN) -Os -static -nostdlib -ffreestanding -fno-pie \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -mgeneral-regs-only \
	-Wl,--build-id=none -Wl,-z,noexecstack -s $< -o $@
$(RUN_INIT)/embed.o: dom0/cli/run-init/embed.S $(RUN_INIT)/init
	@$(CC) -DRUN_INIT='"$(RUN_INIT)/init"' -c $< -o $@
$(BUILD)/bin/pvn: $(RUN_INIT)/embed.o

$(call program,pvn,$(cli-src) $(wildcard dom0/debug/*.c) $(xs-client-src) \
	$(libs-hypercall-src) $(libs-foreignmem-src) $(libs-evtchn-src),\
	-ljansson $(libs-hypercall-libs) $(libs-foreignmem-libs) \
	$(libs-evtchn-libs))
