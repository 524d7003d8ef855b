/*
 * Options (hypervisor/README.md): the peer's syntax; an unknown one is named
 * in a warning, one that makes no sense stops the boot.
 * sources: hypervisor/boot/cmdline.c hypervisor/lib/number.c
 */
#include "boot/boot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static jmp_buf stopped_here;
static char message[400], warning[400];

void boot_stop(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    longjmp(stopped_here, 1);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    assert_int_equal(level, LOG_WARNING);
    va_start(ap, fmt);
    vsnprintf(warning, sizeof(warning), fmt, ap);
    va_end(ap);
}

/* string.c has it; linking that would replace the host's memcpy(). */
size_t str_copy(char *dst, const char *src, size_t size)
{
    return (size_t)snprintf(dst, size, "%s", src);
}

/* Parse from scratch; true when the boot was stopped. */
static bool stops(const char *cmdline)
{
    memset(&boot_options, 0, sizeof(boot_options));
    message[0] = warning[0] = 0;
    if (setjmp(stopped_here))
        return true;
    cmdline_parse(cmdline);
    return false;
}

static void test_dom0_mem_takes_size_min_and_max(void **state)
{
    (void)state;
    assert_false(stops("dom0_mem=1536M,max:2G,min:524288"));
    assert_int_equal(boot_options.dom0_mem, 1536ull << 20);
    assert_true(boot_options.dom0_mem_max == 2ull << 30);
    assert_int_equal(boot_options.dom0_mem_min, 512ull << 20);
    assert_false(stops("dom0_mem=max:1G"));
    assert_int_equal(boot_options.dom0_mem, 0);
}

static void test_malformed_option_stops_and_is_named(void **state)
{
    static const char *const bad[] = {
        "dom0_mem=lots",
        "dom0_mem=1G,",
        "dom0_mem=",
        "dom0_mem=0",
        "dom0_mem=1G;2G",
        "dom0_max_vcpus=x",
        "maxcpus=",
        "maxcpus=4x",
        "console=com3",
        "console=com1,,vga",
        "com1=fast",
        "com1=115200,7e2",
        "com1=1",
        "loglvl=loud",
        "guest_loglvl=info/loud",
        "noreboot=perhaps",
        "nosmp=2",
        "maxcpus=99999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char name[32];

        assert_true(stops(bad[i]));
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(bad[i], "="), bad[i]);
        assert_non_null(strstr(message, name));
    }
}

static void test_unknown_option_is_named_and_ignored(void **state)
{
    (void)state;
    assert_false(stops("frobnicate=3 noreboot"));
    assert_non_null(strstr(warning, "frobnicate"));
    assert_true(boot_options.noreboot);
}

static void test_flags_read_yes_no_and_negation(void **state)
{
    (void)state;
    assert_false(stops("noreboot"));
    assert_true(boot_options.noreboot);
    assert_false(stops("noreboot noreboot=off"));
    assert_false(boot_options.noreboot);
    assert_false(stops("no-x2apic"));
    assert_true(boot_options.no_x2apic);
    assert_false(stops("x2apic"));
    assert_false(boot_options.no_x2apic);
    assert_false(stops("x2apic=off"));
    assert_true(boot_options.no_x2apic);
}

static void test_console_options_are_kept_as_text(void **state)
{
    (void)state;
    assert_false(stops("\tconsole=com2,vga  com2=9600,8n1,0x2e8,5 vga=,keep "));
    assert_string_equal(boot_options.console, "com2,vga");
    assert_string_equal(boot_options.com2, "9600,8n1,0x2e8,5");
    assert_true(boot_options.vga_keep);
    assert_false(stops("com1=auto loglvl=all/none guest_loglvl=error"));
    assert_string_equal(boot_options.loglvl, "all/none");
}

static void test_grubs_own_words_are_silently_dropped(void **state)
{
    (void)state;
    assert_false(stops("placeholder no-real-mode edd=off"));
    assert_string_equal(warning, "");
}

static void test_long_words_do_not_overflow(void **state)
{
    char line[600];

    (void)state;
    memset(line, 'a', sizeof(line) - 1);
    line[sizeof(line) - 1] = 0;
    assert_true(stops(line));
    assert_true(stops("console=com1,com1,com1,com1,com1,com1,com1,com1,com1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dom0_mem_takes_size_min_and_max),
        cmocka_unit_test(test_malformed_option_stops_and_is_named),
        cmocka_unit_test(test_unknown_option_is_named_and_ignored),
        cmocka_unit_test(test_flags_read_yes_no_and_negation),
        cmocka_unit_test(test_console_options_are_kept_as_text),
        cmocka_unit_test(test_grubs_own_words_are_silently_dropped),
        cmocka_unit_test(test_long_words_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
