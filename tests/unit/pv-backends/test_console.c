/*
 * The console's ring, scrollback and log: bytes come through in order whatever
 * the wrap-around, impossible indices are harmless, the last 64 KiB are kept
 * over a restart, and a log stops growing at its limit.
 *
 * sources: pv-backends/console/consring.c pv-backends/console/scroll.c
 * sources: pv-backends/console/conslog.c
 */
#include "pv-backends/console/conslog.h"
#include "pv-backends/console/consring.h"
#include "pv-backends/console/scroll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct xencons_interface page;
static char buf[4096];

static int setup(void **state)
{
    (void)state;
    memset(&page, 0, sizeof(page));
    return 0;
}

static void guest_says(const char *text)
{
    for (; *text; text++)
        page.out[MASK_XENCONS_IDX(page.out_prod++, page.out)] = *text;
}

static void test_output_over_the_wrap(void **state)
{
    (void)state;
    page.out_cons = page.out_prod = UINT32_MAX - 2; /* both wraps at once */
    guest_says("hello, world");
    assert_int_equal(consring_peek(&page, buf, sizeof(buf)), 12);
    assert_memory_equal(buf, "hello, world", 12);
    assert_int_equal(consring_peek(&page, buf, 5), 5);
    consring_consume(&page, 12);
    assert_int_equal(consring_peek(&page, buf, sizeof(buf)), 0);
}

static void test_impossible_indices_are_harmless(void **state)
{
    (void)state;
    page.out_prod = 5000;
    assert_int_equal(consring_peek(&page, buf, sizeof(buf)), 0);
    page.in_prod = 5;
    page.in_cons = 6;
    assert_int_equal(consring_write(&page, "x", 1), 0);
}

static void test_input_stops_when_full(void **state)
{
    (void)state;
    memset(buf, 'a', sizeof(buf));
    assert_int_equal(consring_write(&page, buf, 4096), sizeof(page.in));
    assert_int_equal(consring_write(&page, buf, 1), 0);
    page.in_cons += 10;
    assert_int_equal(consring_write(&page, buf, 20), 10);
}

static void read_scroll(const struct scroll *s, char *all, size_t *n)
{
    struct scroll_piece p[2];

    scroll_pieces(s, p);
    memcpy(all, p[0].bytes, p[0].n);
    memcpy(all + p[0].n, p[1].bytes, p[1].n);
    *n = p[0].n + p[1].n;
}

static void test_scrollback_keeps_the_end_over_a_restart(void **state)
{
    static char text[100000], all[SCROLL_BYTES];
    char path[64];
    struct scroll s;
    size_t n;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/scroll-%d", getpid());
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i * 31 % 251;
    assert_int_equal(scroll_open(&s, path), 0);
    scroll_add(&s, text, 10);
    read_scroll(&s, all, &n);
    assert_int_equal(n, 10);
    scroll_add(&s, text + 10, 50000);
    scroll_close(&s); /* as good as killed: it is all in the file */
    assert_int_equal(scroll_open(&s, path), 0);
    scroll_add(&s, text + 50010, sizeof(text) - 50010);
    read_scroll(&s, all, &n);
    assert_int_equal(n, SCROLL_BYTES);
    assert_memory_equal(all, text + sizeof(text) - SCROLL_BYTES, SCROLL_BYTES);
    scroll_add(&s, text, sizeof(text)); /* more than all at once */
    read_scroll(&s, all, &n);
    assert_memory_equal(all, text + sizeof(text) - SCROLL_BYTES, SCROLL_BYTES);
    scroll_close(&s);
    unlink(path);
}

static void test_log_turns_over_at_its_limit(void **state)
{
    char dir[] = "/tmp/conslog-XXXXXX", old[128];
    struct conslog log;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(conslog_init(&log, dir, "../odd name"), 0);
    assert_non_null(strstr(log.path, "/console-.._odd_name.log"));
    log.limit_bytes = 10000; /* no whole number of writes */
    memset(buf, 'x', sizeof(buf));
    for (int i = 0; i < 10; i++)
        conslog_add(&log, buf, sizeof(buf));
    assert_int_equal(stat(log.path, &st), 0);
    assert_true(st.st_size <= 10000);
    snprintf(old, sizeof(old), "%s.1", log.path);
    assert_int_equal(stat(old, &st), 0);
    assert_int_equal(st.st_size, 8192);
    unlink(old);
    unlink(log.path);
    conslog_destroy(&log);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_output_over_the_wrap, setup),
        cmocka_unit_test_setup(test_impossible_indices_are_harmless, setup),
        cmocka_unit_test_setup(test_input_stops_when_full, setup),
        cmocka_unit_test(test_scrollback_keeps_the_end_over_a_restart),
        cmocka_unit_test(test_log_turns_over_at_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
