/*
 * The tiny guest's options: what is meant is read, and of what is not, the
 * word that is wrong is named before the program begins.
 *
 * sources: pv-frontends/guest/options.c pv-frontends/core/text.c
 */
#include "pv-frontends/guest/program.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct start_info info;
struct start_info *start_info = &info;
static char why[200];

int program_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return -1;
}

void shim_log(const char *line)
{
    (void)line;
}

static const struct option known[] = {
    {"mib", OPTION_NUMBER, 1, 1000, NULL},
    {"ip", OPTION_ADDRESS, 0, 0, NULL},
    {"how", OPTION_WORD, 0, 0, "page,spin"},
    {},
};

/* The words behind the program's name, which is the second. */
static int check(const char *options)
{
    snprintf((char *)info.cmd_line, sizeof(info.cmd_line),
             "console=hvc0 blk-verify %s", options);
    return options_check(known, 2);
}

static void test_good_options_are_read(void **state)
{
    uint8_t ip[4];
    char how[8];

    (void)state;
    assert_int_equal(check("  mib=17 ip=10.9.0.255  how=spin "), 0);
    assert_int_equal(option_number("mib", 1), 17);
    assert_int_equal(option_number("rounds", 5), 5);
    assert_true(option_address("ip", ip));
    assert_memory_equal(ip, "\x0a\x09\x00\xff", 4);
    assert_true(option_text("how", how, sizeof(how)));
    assert_string_equal(how, "spin");
    assert_int_equal(check(""), 0);
}

static void test_bad_options_are_named(void **state)
{
    static const struct {
        const char *options, *why;
    } bad[] = {
        {"mib=0", "mib=0 is no number from 1 to 1000"},
        {"mib=1001", "mib=1001 is no number from 1 to 1000"},
        {"mib=", "mib= is no number from 1 to 1000"},
        {"mib=1x", "mib=1x is no number from 1 to 1000"},
        {"mib=-1", "mib=-1 is no number from 1 to 1000"},
        {"mib=99999999999999999999", "mib=99999999999999999999 is no number "
                                     "from 1 to 1000"},
        {"ip=10.9.0", "ip=10.9.0 is no IPv4 address"},
        {"ip=10.9.0.256", "ip=10.9.0.256 is no IPv4 address"},
        {"ip=10.9.0.1.2", "ip=10.9.0.1.2 is no IPv4 address"},
        {"ip=10.9..1", "ip=10.9..1 is no IPv4 address"},
        {"how=spi", "how=spi is none of page,spin"},
        {"how=", "how= is none of page,spin"},
        {"mib=3 speed=9", "no option speed=9, there are: mib= ip= how="},
        {"mib", "no option mib, there are: mib= ip= how="},
        {"mibs=3", "no option mibs=3, there are: mib= ip= how="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(check(bad[i].options), -1);
        assert_string_equal(why, bad[i].why);
    }
    snprintf((char *)info.cmd_line, sizeof(info.cmd_line), "hello mib=1");
    assert_int_equal(options_check(NULL, 1), -1);
    assert_string_equal(why, "no option mib=1, there are: none");
}

/* A word longer than any buffer, and a line that fills its field. */
static void test_long_words_are_cut(void **state)
{
    (void)state;
    memset(info.cmd_line, 'x', sizeof(info.cmd_line));
    assert_int_equal(options_check(known, 0), -1);
    assert_string_equal(why, "no option xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, there "
                             "are: mib= ip= how=");
    assert_int_equal(option_number("mib", 3), 3);
    memset(&info, 0, sizeof(info));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_options_are_read),
        cmocka_unit_test(test_bad_options_are_named),
        cmocka_unit_test(test_long_words_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
