/*
 * Limits of rates: what is taken in any second is at most the rate and the
 * burst, a piece may be larger than the bucket, and the clock's jumps cost
 * nobody anything.
 *
 * sources: pv-backends/runtime/bucket.c
 */
#include "pv-backends/runtime/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS 1000000ull

static void test_no_limit_never_waits(void **state)
{
    struct bucket b = {0};

    (void)state;
    bucket_take(&b, UINT64_MAX);
    assert_int_equal(bucket_wait_ns(&b, 0), 0);
}

static void test_rate_over_time(void **state)
{
    struct bucket b = {0};
    uint64_t taken = 0, wait;

    (void)state;
    bucket_set(&b, 1000, 10);
    for (uint64_t now = 5000 * MS; now < 7000 * MS;) {
        wait = bucket_wait_ns(&b, now);
        if (wait) {
            now += wait;
            continue;
        }
        bucket_take(&b, 3);
        taken += 3;
    }
    assert_in_range(taken, 1990, 2015);
}

static void test_piece_larger_than_the_bucket(void **state)
{
    struct bucket b = {0};

    (void)state;
    bucket_set(&b, 1000, 10);
    assert_int_equal(bucket_wait_ns(&b, 2000 * MS), 0);
    bucket_take(&b, 1010);
    assert_in_range(bucket_wait_ns(&b, 2000 * MS), 1000 * MS, 1002 * MS);
    assert_int_equal(bucket_wait_ns(&b, 3002 * MS), 0);
}

static void test_clock_backwards_and_far_ahead(void **state)
{
    struct bucket b = {0};

    (void)state;
    bucket_set(&b, UINT64_MAX, UINT64_MAX);
    assert_int_equal(bucket_wait_ns(&b, 9000 * MS), 0);
    bucket_take(&b, UINT64_MAX);
    assert_int_equal(bucket_wait_ns(&b, 1000 * MS), 0);
    bucket_set(&b, 10, 1);
    bucket_take(&b, 100);
    assert_true(bucket_wait_ns(&b, 1000 * MS) > 0);
    assert_int_equal(bucket_wait_ns(&b, 999 * MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limit_never_waits),
        cmocka_unit_test(test_rate_over_time),
        cmocka_unit_test(test_piece_larger_than_the_bucket),
        cmocka_unit_test(test_clock_backwards_and_far_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
