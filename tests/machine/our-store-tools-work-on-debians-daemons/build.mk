# With Debian's header and our library; the other one proves our header.
XS_PROGRAM := tests/machine/our-store-tools-work-on-debians-daemons/xs-program.c
$(TEST_JOB)/xs-program: $(XS_PROGRAM) $(patsubst %.c,$(USER_OUT)/%.o,$(xs-client-src))
	@mkdir -p $(@D)
	@$(CC) $(USER_CFLAGS) -DOURS -fsyntax-only $<
	@$(CC) $(USER_CFLAGS) -pie $^ -o $@
test-job-files += $(TEST_JOB)/xs-program
