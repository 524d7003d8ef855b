/*
 * paravane.conf(5): each key is read, and a mistake is refused with its line.
 *
 * sources: dom0/daemon/options.c dom0/daemon/fault.c
 */
#include "dom0/daemon/daemon.h"
#include "dom0/daemon/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct options o;
static struct fault f;

static int parse(const char *text)
{
    char copy[512];

    memset(&o, 0, sizeof(o));
    memset(&f, 0, sizeof(f));
    snprintf(copy, sizeof(copy), "%s", text);
    return options_parse(&o, "p.conf", copy, &f);
}

static void test_each_key_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("# all of them\n group = admins\nkernel-cache =\n"
                           "default-bridge=br7 # mine\ndevice-timeout = 600\n"
                           "autoballoon = auto\ndom0-min-memory = 1024\n"
                           "crash-dumps = /d\ncrash-dumps-kept = 7"),
                     0);
    assert_string_equal(o.group, "admins");
    assert_string_equal(o.cache_dir, "");
    assert_string_equal(o.default_bridge, "br7");
    assert_int_equal(o.device_timeout_s, 600);
    assert_int_equal(o.autoballoon, BALLOON_AUTO);
    assert_int_equal(o.dom0_min_mib, 1024);
    assert_string_equal(o.dumps_dir, "/d");
    assert_int_equal(o.dumps_kept, 7);
    free((char *)o.dumps_dir);
    free((char *)o.group); /* the daemon never does */
    free((char *)o.cache_dir);
    assert_int_equal(parse("autoballoon = no\n"), 0);
    assert_int_equal(o.autoballoon, BALLOON_NO);
}

static void test_mistakes_are_named_by_their_line(void **state)
{
    static const char *const bad[] = {
        "\nnonsense",
        "\ncolour = red",
        "\ngroup =",
        "\ndevice-timeout=0",
        "\ndevice-timeout=1s",
        "\ndevice-timeout=-1",
        "\nautoballoon=maybe",
        "\ndom0-min-memory=10",
        "\ncrash-dumps-kept=0",
        "\ndefault-bridge=",
        "\ndefault-bridge=a-name-that-is-too-long",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!parse(bad[i]))
            fail_msg("%s: taken", bad[i]);
        assert_int_equal(strncmp(f.text, "p.conf:2: ", 10), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_is_read),
        cmocka_unit_test(test_mistakes_are_named_by_their_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
