/*
 * Polling under load: only while requests come at short gaps, for a bounded
 * while after the last, and then the source is told, so that no request waits
 * for an event that nobody sends.
 *
 * sources: pv-backends/runtime/spin.c pv-backends/runtime/bucket.c
 * libs: -levent_core
 */
#include "pv-backends/runtime/bucket.h"
#include "pv-backends/runtime/spin.h"

#include <unistd.h>

#include <event2/event.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { LIMIT_US = 100000 };

static struct {
    struct event_base *base;
    struct spin *spin;
    struct spin_source source;
    unsigned int looks, to_do, done, rests;
} w;

static bool work(void *arg)
{
    (void)arg;
    w.looks++;
    if (!w.to_do)
        return false;
    w.to_do--;
    w.done++;
    return true;
}

static void rest(void *arg)
{
    (void)arg;
    w.rests++;
}

static int setup_with(unsigned int limit_us)
{
    w.base = event_base_new();
    event_base_priority_init(w.base, 3);
    assert_int_equal(spin_open(&w.spin, w.base, limit_us), 0);
    w.source = (struct spin_source){.work = work, .rest = rest};
    w.looks = w.to_do = w.done = w.rests = 0;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_with(LIMIT_US);
}

static int teardown(void **state)
{
    (void)state;
    spin_forget(w.spin, &w.source);
    spin_close(w.spin);
    event_base_free(w.base);
    return 0;
}

/* Touch until it is hot; how often. */
static unsigned int warm_up(void)
{
    unsigned int n = 1;

    while (!spin_touch(w.spin, &w.source) && n < 1000)
        n++;
    return n;
}

static void test_first_requests_are_not_polled_for(void **state)
{
    (void)state;
    assert_false(spin_touch(w.spin, &w.source));
    assert_false(spin_touch(w.spin, &w.source));
    assert_in_range(warm_up(), 3, 40);
}

static void test_work_is_found_and_then_rested(void **state)
{
    uint64_t begin_ns;

    (void)state;
    warm_up();
    w.to_do = 3;
    begin_ns = bucket_now_ns();
    event_base_dispatch(w.base); /* ends when nothing is active */
    assert_int_equal(w.done, 3);
    assert_int_equal(w.rests, 1);
    assert_false(w.source.hot);
    assert_true(bucket_now_ns() - begin_ns >= LIMIT_US * 1000ull);
}

static void test_long_gaps_end_it(void **state)
{
    (void)state;
    warm_up();
    for (int i = 0; i < 3; i++) {
        usleep(LIMIT_US * 5);
        spin_touch(w.spin, &w.source);
    }
    event_base_dispatch(w.base);
    assert_int_equal(w.rests, 1);
    usleep(LIMIT_US);
    assert_false(spin_touch(w.spin, &w.source));
}

/* Whoever never finds anything looks ever more seldom; then who does, again. */
static void test_looking_in_vain_is_given_up_for_longer(void **state)
{
    unsigned int pauses_us[] = {5000, 10000, 20000};

    (void)state;
    for (size_t i = 0; i < sizeof(pauses_us) / sizeof(pauses_us[0]); i++) {
        uint64_t begin_ns;

        warm_up();
        assert_true(w.source.hot);
        event_base_dispatch(w.base);
        assert_int_equal(w.rests, i + 1);
        begin_ns = bucket_now_ns();
        while (!spin_touch(w.spin, &w.source))
            ;
        assert_true(bucket_now_ns() - begin_ns >=
                    pauses_us[i] * 1000ull * 9 / 10);
    }
    w.to_do = 100000; /* finds at once, every time */
    event_base_dispatch(w.base);
    assert_int_equal(w.done, 100000);
    assert_in_range(warm_up(), 1, 999);
}

static void test_limit_of_none(void **state)
{
    (void)state;
    teardown(NULL);
    setup_with(0);
    assert_int_equal(warm_up(), 1000);
}

static void test_source_that_goes_is_left_alone(void **state)
{
    (void)state;
    warm_up();
    spin_forget(w.spin, &w.source);
    event_base_dispatch(w.base);
    assert_int_equal(w.looks, 0);
    assert_int_equal(w.rests, 0);
}

#define SPIN_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPIN_TEST(test_first_requests_are_not_polled_for),
        SPIN_TEST(test_work_is_found_and_then_rested),
        SPIN_TEST(test_long_gaps_end_it),
        SPIN_TEST(test_looking_in_vain_is_given_up_for_longer),
        SPIN_TEST(test_limit_of_none),
        SPIN_TEST(test_source_that_goes_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
