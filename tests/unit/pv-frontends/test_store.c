/*
 * The store's client over its ring: requests, errors, watches, and a store
 * daemon that is slow, silent or out of its mind.
 *
 * sources: pv-frontends/core/store.c pv-frontends/core/wire.c
 * sources: pv-frontends/core/text.c pv-frontends/core/evtchn.c
 * sources: tests/unit/pv-frontends/shim-fake.c
 */
#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/store.h"
#include "pv-frontends/core/text.h"
#include "tests/unit/pv-frontends/shim-fake.h"

#include <stdio.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int begin(void **state)
{
    (void)state;
    fake_reset();
    store_timeout(0);
    return store_init();
}

static void test_written_is_read(void **state)
{
    char value[64];

    (void)state;
    assert_int_equal(store_write(0, "data/a", "one"), 0);
    assert_string_equal(fake_store_get("/local/domain/1/data/a"), "one");
    assert_int_equal(store_read(0, "data/a", value, sizeof(value)), 0);
    assert_string_equal(value, "one");
    assert_int_equal(store_read(0, "data/b", value, sizeof(value)),
                     -XEN_ENOENT);
    assert_int_equal(store_read_uint(0, "data", "b", 7), 7);
    assert_int_equal(store_rm(0, "data/a"), 0);
    assert_null(fake_store_get("/local/domain/1/data/a"));
}

static void test_value_that_does_not_fit_is_refused(void **state)
{
    char value[4];

    (void)state;
    fake_store_set("/x", "four");
    assert_int_equal(store_read(0, "/x", value, sizeof(value)), -XEN_ENOSPC);
    fake_store_set("/x", "abc");
    assert_int_equal(store_read(0, "/x", value, sizeof(value)), 0);
    assert_string_equal(value, "abc");
}

/* Larger than the ring: both sides go around it several times. */
static void test_long_values_travel_whole(void **state)
{
    static char sent[3001], got[4096];

    (void)state;
    memset(sent, 'x', sizeof(sent) - 1);
    for (int i = 0; i < 20; i++) {
        sent[i * 100] = (char)('a' + i);
        assert_int_equal(store_write(0, "long", sent), 0);
        assert_int_equal(store_read(0, "long", got, sizeof(got)), 0);
        assert_string_equal(got, sent);
    }
}

static void test_list_names_children(void **state)
{
    char names[64];

    (void)state;
    fake_store_set("/local/domain/1/device/vbd/768/state", "1");
    fake_store_set("/local/domain/1/device/vbd/769/state", "1");
    assert_int_equal(store_list(0, "device/vbd", names, sizeof(names)), 0);
    assert_string_equal(names, "768");
    assert_string_equal(names + 4, "769");
    assert_int_equal(names[8], 0);
}

static unsigned int fired;
static void on_watch(void *arg)
{
    fired++;
    assert_ptr_equal(arg, &fired);
}

static void test_watch_fires_at_once_and_on_change(void **state)
{
    struct store_watch w = {.path = "data/w", .fn = on_watch, .arg = &fired};

    (void)state;
    fired = 0;
    assert_int_equal(store_watch(&w), 0);
    store_poll();
    assert_int_equal(fired, 1);
    fake_store_set("/local/domain/1/data/other", "1");
    store_poll();
    assert_int_equal(fired, 1);
    fake_store_set("/local/domain/1/data/w/under", "1");
    store_poll();
    assert_int_equal(fired, 2);
    store_unwatch(&w);
    fake_store_set("/local/domain/1/data/w", "2");
    store_poll();
    assert_int_equal(fired, 2);
}

/* Events that come before the answer are kept, and are not the answer. */
static void test_watch_events_between_answers(void **state)
{
    struct store_watch w = {.path = "data", .fn = on_watch, .arg = &fired};
    char value[16];

    (void)state;
    fired = 0;
    assert_int_equal(store_watch(&w), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(store_write(0, "data/n", "1"), 0);
    assert_int_equal(store_read(0, "data/n", value, sizeof(value)), 0);
    assert_int_equal(fired, 0);
    store_poll();
    assert_int_equal(fired, 1);
    store_unwatch(&w);
}

static void test_silent_store_is_waited_for(void **state)
{
    char value[16];

    (void)state;
    fake_store_set("/x", "1");
    store_timeout(5000000000);
    fake_store_asleep = true;
    assert_int_equal(store_read(0, "/x", value, sizeof(value)), -XEN_ETIME);
    /* It wakes: the late answer is not taken for the next one. */
    fake_store_asleep = false;
    fake_store_set("/y", "2");
    assert_int_equal(store_read(0, "/y", value, sizeof(value)), 0);
    assert_string_equal(value, "2");
}

static void test_impossible_index_breaks_the_ring(void **state)
{
    char value[16];

    (void)state;
    fake_store_ring()->rsp_prod += 5000;
    fake_store_asleep = true;
    assert_int_equal(store_read(0, "/x", value, sizeof(value)), -XEN_EIO);
    assert_true(store_is_broken());
    assert_int_equal(store_write(0, "/x", "1"), -XEN_EIO);
}

static void test_too_long_message_breaks_the_ring(void **state)
{
    struct xsd_sockmsg head = {.type = XS_READ, .len = 5000};
    char value[16];

    (void)state;
    memcpy(fake_store_ring()->rsp, &head, sizeof(head));
    fake_store_ring()->rsp_prod = sizeof(head);
    fake_store_asleep = true;
    assert_int_equal(store_read(0, "/x", value, sizeof(value)), -XEN_EIO);
    assert_true(store_is_broken());
}

static void test_transaction_that_lost_is_said(void **state)
{
    store_tx_t tx;

    (void)state;
    fake_store_conflicts = 1;
    assert_int_equal(store_begin(&tx), 0);
    assert_int_equal(store_end(tx, true), -XEN_EAGAIN);
    assert_int_equal(store_begin(&tx), 0);
    assert_int_equal(store_end(tx, true), 0);
}

static void test_numbers_are_numbers(void **state)
{
    uint64_t n;

    (void)state;
    assert_int_equal(text_to_uint("18446744073709551615", &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(text_to_uint("18446744073709551616", &n), -XEN_EINVAL);
    assert_int_equal(text_to_uint("", &n), -XEN_EINVAL);
    assert_int_equal(text_to_uint("1x", &n), -XEN_EINVAL);
    assert_int_equal(text_to_uint("-1", &n), -XEN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_written_is_read, begin),
        cmocka_unit_test_setup(test_value_that_does_not_fit_is_refused, begin),
        cmocka_unit_test_setup(test_long_values_travel_whole, begin),
        cmocka_unit_test_setup(test_list_names_children, begin),
        cmocka_unit_test_setup(test_watch_fires_at_once_and_on_change, begin),
        cmocka_unit_test_setup(test_watch_events_between_answers, begin),
        cmocka_unit_test_setup(test_silent_store_is_waited_for, begin),
        cmocka_unit_test_setup(test_impossible_index_breaks_the_ring, begin),
        cmocka_unit_test_setup(test_too_long_message_breaks_the_ring, begin),
        cmocka_unit_test_setup(test_transaction_that_lost_is_said, begin),
        cmocka_unit_test_setup(test_numbers_are_numbers, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
