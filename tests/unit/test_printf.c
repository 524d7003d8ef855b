/*
 * Formatting (hypervisor/lib/printf.c) promises what C's snprintf() does for
 * the conversions it has: the host's is the judge.
 * sources: hypervisor/lib/printf.c
 */
#include "lib/lib.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#define SAME(...)                                                              \
    do {                                                                       \
        char ours[200], theirs[200];                                           \
        int n = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                 \
        assert_int_equal(fmt_snprintf(ours, sizeof(ours), __VA_ARGS__), n);    \
        assert_string_equal(ours, theirs);                                     \
    } while (0)

static void test_integers_print_as_in_c(void **state)
{
    (void)state;
    SAME("%d %i %u", -5, 0, 4000000000u);
    SAME("%ld %lu %lx", -1L, ~0UL, ~0UL);
    SAME("%lld %zu", -9223372036854775807LL - 1, sizeof(int));
    SAME("%hhu %hd", 0x1ff & 0xff, -3);
    SAME("%x %X %#x %#X %#o %o", 255, 255, 255, 255, 8, 8);
    SAME("%#x", 0);
    SAME("%+d %+d", 5, -5);
}

static void test_width_and_precision_are_kept(void **state)
{
    (void)state;
    SAME("[%5d|%-5d|%05d|%+05d]", 42, 42, 42, 42);
    SAME("[%8.3d|%-8.3d|%.0d]", 7, -7, 0);
    SAME("[%#10x|%#010x|%-#10x]", 0xbeef, 0xbeef, 0xbeef);
    SAME("[%*d|%-*d]", 6, 1, 6, 1);
    SAME("[%*d]", -6, 1);
    SAME("[%016lx]", 0xffff818000200000ul);
}

static void test_strings_are_cut_and_padded(void **state)
{
    char raw[3] = {'a', 'b', 'c'}; /* no terminator: precision bounds it */

    (void)state;
    SAME("[%s|%8s|%-8s|%.2s]", "word", "word", "word", "word");
    SAME("[%.3s|%.*s]", raw, 2, raw);
    SAME("[%c%c]%%", 'x', 'y');
}

static void test_small_buffer_gets_a_terminated_prefix(void **state)
{
    char buf[4] = {1, 1, 1, 1};

    (void)state;
    assert_int_equal(fmt_snprintf(buf, sizeof(buf), "%d", 123456), 6);
    assert_string_equal(buf, "123");
    assert_int_equal(fmt_snprintf(NULL, 0, "%s", "four"), 4);
    assert_int_equal(fmt_snprintf(buf, 1, "x"), 1);
    assert_string_equal(buf, "");
}

static void test_null_string_is_named(void **state)
{
    char buf[16];
    const char *volatile nothing = NULL; /* the compiler would object */

    (void)state;
    fmt_snprintf(buf, sizeof(buf), "%s", nothing);
    assert_string_equal(buf, "(null)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_print_as_in_c),
        cmocka_unit_test(test_width_and_precision_are_kept),
        cmocka_unit_test(test_strings_are_cut_and_padded),
        cmocka_unit_test(test_small_buffer_gets_a_terminated_prefix),
        cmocka_unit_test(test_null_string_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
