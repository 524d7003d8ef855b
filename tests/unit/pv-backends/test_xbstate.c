/*
 * The handshake of a backend, as <xen/io/xenbus.h> numbers its states: we say
 * InitWait, the frontend Initialised (disks) or Connected (network cards), we
 * Connected; Closing and Closed on the way out; back to InitWait when the
 * frontend returns while the device is online.
 *
 * sources: pv-backends/runtime/xbstate.c
 */
#include "pv-backends/runtime/xbstate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A device of ours, stepped through by what the frontend does. */
static struct xb_view fresh(void)
{
    return (struct xb_view){.exists = true,
                            .online = true,
                            .own = XenbusStateInitialising,
                            .peer = XenbusStateInitialising};
}

/* Do what was decided, as backend.c would. */
static void apply(struct xb_view *v, enum xb_action action)
{
    switch (action) {
    case XB_START:
        v->started = true;
        v->own = XenbusStateInitWait;
        break;
    case XB_ADOPT:
        v->started = v->adopting = true;
        break;
    case XB_CONNECT:
        v->connected = true;
        v->adopting = false;
        break;
    case XB_PUBLISH:
        v->own = XenbusStateConnected;
        break;
    case XB_CLOSING:
        v->own = XenbusStateClosing;
        break;
    case XB_CLOSE:
        v->connected = v->adopting = false;
        v->own = XenbusStateClosed;
        break;
    case XB_REOPEN:
        v->own = XenbusStateInitWait;
        break;
    case XB_STOP:
        v->started = false;
        break;
    default:
        break;
    }
}

static void settle(struct xb_view *v)
{
    enum xb_action action;
    int steps = 0;

    while ((action = xbstate_next(v)) != XB_NONE && action != XB_FORGET) {
        apply(v, action);
        assert_true(++steps < 20);
    }
}

static struct xb_view connected(void)
{
    struct xb_view v = fresh();

    settle(&v);
    v.peer = XenbusStateInitialised;
    settle(&v);
    v.peer = XenbusStateConnected;
    settle(&v);
    return v;
}

static void test_disk_handshake(void **state)
{
    struct xb_view v = fresh();

    (void)state;
    settle(&v);
    assert_int_equal(v.own, XenbusStateInitWait);
    v.peer = XenbusStateInitialised;
    settle(&v);
    assert_int_equal(v.own, XenbusStateConnected);
    assert_true(v.connected);
}

static void test_network_frontend_goes_straight_to_connected(void **state)
{
    struct xb_view v = fresh();

    (void)state;
    settle(&v);
    v.peer = XenbusStateConnected;
    settle(&v);
    assert_true(v.connected);
    assert_int_equal(v.own, XenbusStateConnected);
}

static void test_keys_are_ignored_before_initwait(void **state)
{
    struct xb_view v = fresh();

    (void)state;
    v.peer = XenbusStateInitialised;
    assert_int_equal(xbstate_next(&v), XB_START);
}

static void test_closing_disk_is_served_until_closed(void **state)
{
    struct xb_view v = connected();

    (void)state;
    v.peer = XenbusStateClosing;
    settle(&v);
    assert_int_equal(v.own, XenbusStateClosing);
    assert_true(v.connected);
    v.peer = XenbusStateClosed;
    settle(&v);
    assert_int_equal(v.own, XenbusStateClosed);
    assert_false(v.connected);
}

static void test_frontend_that_comes_back_is_served_again(void **state)
{
    struct xb_view v = connected();

    (void)state;
    v.peer = XenbusStateClosing;
    settle(&v);
    v.peer = XenbusStateClosed;
    settle(&v);
    v.peer = XenbusStateInitialising;
    settle(&v);
    assert_int_equal(v.own, XenbusStateInitWait);
    v.peer = XenbusStateInitialised;
    settle(&v);
    assert_true(v.connected);
    assert_int_equal(v.own, XenbusStateConnected);
}

static void test_frontend_that_crashed_and_began_anew(void **state)
{
    struct xb_view v = connected();

    (void)state;
    v.peer = XenbusStateInitialising;
    settle(&v);
    assert_int_equal(v.own, XenbusStateInitWait);
    assert_false(v.connected);
}

static void test_hot_remove(void **state)
{
    struct xb_view v = connected();

    (void)state;
    v.online = false;
    v.own = XenbusStateClosing; /* the toolstack's writing */
    settle(&v);
    assert_true(v.connected);
    v.peer = XenbusStateClosing;
    settle(&v);
    v.peer = XenbusStateClosed;
    settle(&v);
    assert_int_equal(v.own, XenbusStateClosed);
    assert_false(v.started);
    v.exists = false;
    assert_int_equal(xbstate_next(&v), XB_FORGET);
}

static void test_remove_before_the_guest_has_looked(void **state)
{
    struct xb_view v = fresh();

    (void)state;
    settle(&v);
    v.online = false;
    v.own = XenbusStateClosing;
    settle(&v);
    assert_int_equal(v.own, XenbusStateClosed);
    assert_false(v.started);
}

static void test_dead_guest_whose_nodes_are_gone(void **state)
{
    struct xb_view v = connected();

    (void)state;
    v.online = false;
    v.own = XenbusStateClosing;
    v.peer = XenbusStateUnknown;
    settle(&v);
    assert_int_equal(v.own, XenbusStateClosed);
    assert_false(v.connected);
    assert_false(v.started);
}

static void test_successor_adopts_without_a_word(void **state)
{
    struct xb_view v = connected();

    (void)state;
    v.started = v.connected = false; /* killed */
    assert_int_equal(xbstate_next(&v), XB_ADOPT);
    apply(&v, XB_ADOPT);
    assert_int_equal(xbstate_next(&v), XB_CONNECT);
    apply(&v, XB_CONNECT);
    assert_int_equal(xbstate_next(&v), XB_NONE);
    assert_int_equal(v.own, XenbusStateConnected);
}

static void test_successor_serves_a_closing_disk_in_use(void **state)
{
    struct xb_view v = connected();

    (void)state;
    v.peer = XenbusStateClosing;
    settle(&v);
    v.started = v.connected = false; /* killed */
    settle(&v);
    assert_true(v.connected);
    assert_int_equal(v.own, XenbusStateClosing);
}

static void test_kill_between_connect_and_publish(void **state)
{
    struct xb_view v = fresh();

    (void)state;
    settle(&v);
    v.peer = XenbusStateInitialised;
    v.started = v.connected = false; /* killed, own is still InitWait */
    settle(&v);
    assert_true(v.connected);
    assert_int_equal(v.own, XenbusStateConnected);
}

static void test_failed_device_is_left_alone(void **state)
{
    struct xb_view v = fresh();

    (void)state;
    v.failed = true;
    v.own = XenbusStateClosed;
    assert_int_equal(xbstate_next(&v), XB_NONE);
    v.exists = false;
    assert_int_equal(xbstate_next(&v), XB_FORGET);
}

/* Whatever the nodes say, looking and acting comes to an end. */
static void test_every_view_settles(void **state)
{
    (void)state;
    for (int own = 0; own <= 8; own++)
        for (int peer = 0; peer <= 8; peer++)
            for (int bits = 0; bits < 32; bits++) {
                struct xb_view v = {.exists = true,
                                    .own = own,
                                    .peer = peer,
                                    .online = bits & 1,
                                    .started = bits & 2,
                                    .connected = (bits & 6) == 6,
                                    .failed = bits & 8,
                                    .adopting = bits & 16};

                settle(&v);
                if (v.peer == XenbusStateUnknown)
                    assert_false(v.connected);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_handshake),
        cmocka_unit_test(test_network_frontend_goes_straight_to_connected),
        cmocka_unit_test(test_keys_are_ignored_before_initwait),
        cmocka_unit_test(test_closing_disk_is_served_until_closed),
        cmocka_unit_test(test_frontend_that_comes_back_is_served_again),
        cmocka_unit_test(test_frontend_that_crashed_and_began_anew),
        cmocka_unit_test(test_hot_remove),
        cmocka_unit_test(test_remove_before_the_guest_has_looked),
        cmocka_unit_test(test_dead_guest_whose_nodes_are_gone),
        cmocka_unit_test(test_successor_adopts_without_a_word),
        cmocka_unit_test(test_successor_serves_a_closing_disk_in_use),
        cmocka_unit_test(test_kill_between_connect_and_publish),
        cmocka_unit_test(test_failed_device_is_left_alone),
        cmocka_unit_test(test_every_view_settles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
