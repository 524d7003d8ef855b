/*
 * Latencies are counted in the right bucket, survive their writer, and are
 * summed up as they were; a file of other content is none.
 *
 * sources: dom0/libs/latency/latency.c
 */
#include "dom0/libs/latency/latency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static char path[64];

static int setup(void **state)
{
    int fd;

    (void)state;
    strcpy(path, "/tmp/pv-latency-XXXXXX");
    fd = mkstemp(path);
    close(fd);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void test_time_is_that_of_the_clock(void **state)
{
    struct latency_file *file = latency_create(path, false);
    struct latency_summary s;
    uint64_t since = latency_clock();

    (void)state;
    assert_non_null(file);
    usleep(20000);
    latency_add(&file->ways[0], since, 3);
    latency_summarize(&file->ways[0], &s);
    assert_int_equal(s.answers, 3);
    assert_true(s.max_us >= 19000 && s.max_us < 2000000);
    assert_true(s.p50_us > s.max_us && s.p50_us <= s.max_us * 2);
    /* From before, which is nothing, and from the beginning of time. */
    latency_add(&file->ways[1], latency_clock() + (1ull << 40), 1);
    assert_int_equal(file->ways[1].counts[0], 1);
    latency_add(&file->ways[1], 0, 1);
    assert_int_equal(file->ways[1].counts[0], 1);
    latency_destroy(file, path, true);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_a_successor_goes_on(void **state)
{
    struct latency_file *file = latency_create(path, true), copy;

    (void)state;
    assert_non_null(file); /* what was there was none */
    file->ways[1].counts[5] = 7;
    latency_destroy(file, path, false);
    file = latency_create(path, true);
    assert_int_equal(file->ways[1].counts[5], 7);
    assert_int_equal(latency_read(path, &copy), 0);
    assert_int_equal(copy.ways[1].counts[5], 7);
    latency_destroy(file, path, false);
    file = latency_create(path, false);
    assert_int_equal(file->ways[1].counts[5], 0);
    latency_destroy(file, path, false);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(latency_read(path, &copy), -EINVAL);
    assert_int_equal(latency_read("/none/such", &copy), -ENOENT);
    assert_null(latency_create("/none/such", true));
    assert_ptr_equal(latency_way(NULL, 1), &latency_nowhere);
}

static void test_shares(void **state)
{
    struct latency l = {.max_us = 3000};
    struct latency_summary s;

    (void)state;
    latency_summarize(&l, &s);
    assert_int_equal(s.answers + s.p50_us + s.p99_us + s.max_us, 0);
    l.counts[4] = 99;
    l.counts[12] = 1;
    latency_summarize(&l, &s);
    assert_int_equal(s.answers, 100);
    assert_int_equal(s.p50_us, 16);
    assert_int_equal(s.p99_us, 4096); /* the 100th is not below 16 */
    assert_int_equal(s.max_us, 3000);
    l.counts[12] = 0;
    latency_summarize(&l, &s);
    assert_int_equal(s.p99_us, 16);
    l.counts[4] = 0;
    l.counts[LATENCY_BUCKETS - 1] = 2;
    latency_summarize(&l, &s);
    assert_int_equal(s.p50_us, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_time_is_that_of_the_clock, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_successor_goes_on, setup,
                                        teardown),
        cmocka_unit_test(test_shares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
