/*
 * The runtime with a device class of the test's own: what the store shows after
 * each move of a toolstack and a frontend, and what a lost store, a failing
 * start and a successor change about it.
 *
 * sources: pv-backends/runtime/backend.c pv-backends/runtime/xbstate.c
 * sources: pv-backends/runtime/spin.c pv-backends/runtime/bucket.c
 * sources: pv-backends/runtime/store.c pv-backends/runtime/loop.c
 * sources: pv-backends/runtime/log.c pv-backends/runtime/ringmap.c
 * sources: dom0/libs/evtchn/evtchn-fake.c dom0/libs/gnttab/gnttab-fake.c
 * sources: tests/unit/xs-fake.c
 * libs: -levent_core
 */
#include "pv-backends/runtime/backend.h"
#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/ringmap.h"
#include "dom0/libs/evtchn/evtchn-fake.h"
#include "dom0/libs/gnttab/gnttab-fake.h"
#include "tests/unit/xs-fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BE "/local/domain/0/backend/pvtest/5/7"
#define FE "/local/domain/5/device/test/7"

struct testdev {
    struct backend be;
    struct ringmap ring;
    struct loop_port *port;
};

static struct {
    struct loop *loop;
    struct backend_host *host;
    int start_rc;
    bool removed_meanwhile;
    int started, stopped, connected, disconnected, adopted, events;
    enum loop_turn turn;
    struct backend *last;
} w;

static int dev_start(struct backend *be, struct backend_why *why)
{
    w.last = be;
    w.started++;
    if (w.removed_meanwhile)
        xs_fake_rm(BE);
    if (be->adopting)
        w.adopted++;
    if (w.start_rc && w.start_rc != -EINPROGRESS)
        return backend_fail(why, w.start_rc, "it is broken");
    return w.start_rc;
}

static int dev_features(struct backend *be, store_txn_t t)
{
    return store_write(be->loop->store, t, be->path, "feature-test", "1");
}

static enum loop_turn on_event(void *arg)
{
    (void)arg;
    w.events++;
    return w.turn;
}

static int dev_connect(struct backend *be, struct backend_why *why)
{
    struct testdev *dev = (struct testdev *)be;
    uint32_t port;
    int rc = ringmap_open(&dev->ring, be, be->frontend, "ring-ref",
                          "ring-page-order", why);

    if (rc)
        return rc;
    if (ringmap_read_port(be, be->frontend, "event-channel", &port) ||
        loop_bind(be->loop, be->domid, port, on_event, dev, &dev->port)) {
        ringmap_close(&dev->ring, be);
        return backend_fail(why, -EINVAL, "no channel");
    }
    w.connected++;
    return 0;
}

static int dev_details(struct backend *be, store_txn_t t)
{
    return store_write(be->loop->store, t, be->path, "sectors", "8");
}

static void dev_disconnect(struct backend *be)
{
    struct testdev *dev = (struct testdev *)be;

    w.disconnected++;
    loop_unbind(be->loop, dev->port);
    ringmap_close(&dev->ring, be);
}

static void dev_stop(struct backend *be)
{
    (void)be;
    w.stopped++;
}

static const struct backend_class test_class = {.type = "pvtest",
                                                .size = sizeof(struct testdev),
                                                .start = dev_start,
                                                .features = dev_features,
                                                .connect = dev_connect,
                                                .details = dev_details,
                                                .disconnect = dev_disconnect,
                                                .stop = dev_stop};

/* Let everything that waits happen, for at least `ms`. */
static void run_for(unsigned int ms)
{
    struct timeval tv = {0, ms * 1000};

    event_base_loopexit(w.loop->base, &tv);
    event_base_dispatch(w.loop->base);
}

static void run(void)
{
    run_for(10);
}

static void open_host(void)
{
    assert_int_equal(loop_open(&w.loop, 0, 0), 0);
    assert_int_equal(backend_host_open(&w.host, w.loop, &test_class, -1), 0);
    run();
}

static void close_host(void)
{
    backend_host_close(w.host);
    loop_close(w.loop);
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    xs_fake_reset();
    gnttab_fake_reset();
    evtchn_fake_reset();
    open_host();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_host();
    assert_int_equal(gnttab_fake_mapped(), 0);
    assert_int_equal(evtchn_fake_bound(), 0);
    assert_int_equal(w.connected, w.disconnected);
    xs_fake_reset();
    gnttab_fake_reset();
    return 0;
}

static void toolstack_adds(void)
{
    xs_fake_put(FE "/state", "1");
    xs_fake_put(BE "/frontend-id", "5");
    xs_fake_put(BE "/online", "1");
    xs_fake_put(BE "/state", "1");
    xs_fake_put(BE "/frontend", FE);
    run();
}

static void frontend_offers_rings(void)
{
    gnttab_fake_grant(3, 1);
    xs_fake_put(FE "/ring-ref", "3");
    xs_fake_put(FE "/event-channel", "9");
    xs_fake_put(FE "/state", "3");
    run();
}

static void connect_device(void)
{
    toolstack_adds();
    frontend_offers_rings();
    xs_fake_put(FE "/state", "4");
    run();
}

static void test_connects(void **state)
{
    (void)state;
    toolstack_adds();
    assert_string_equal(xs_fake_get(BE "/state"), "2");
    assert_string_equal(xs_fake_get(BE "/hotplug-status"), "connected");
    assert_string_equal(xs_fake_get(BE "/feature-test"), "1");
    frontend_offers_rings();
    assert_string_equal(xs_fake_get(BE "/state"), "4");
    assert_string_equal(xs_fake_get(BE "/sectors"), "8");
    assert_int_equal(w.connected, 1);
    assert_true(w.events >= 1); /* the first look */
    w.events = 0;
    evtchn_fake_raise(9);
    run();
    assert_int_equal(w.events, 1);
    evtchn_fake_raise(9);
    run();
    assert_int_equal(w.events, 2); /* it was unmasked again */
}

static void test_held_port_stays_silent(void **state)
{
    (void)state;
    connect_device();
    w.turn = LOOP_HOLD;
    evtchn_fake_raise(9);
    run();
    w.events = 0;
    evtchn_fake_raise(9);
    run();
    assert_int_equal(w.events, 0);
    w.turn = LOOP_DONE;
    loop_kick(w.loop, ((struct testdev *)w.last)->port);
    run();
    assert_true(w.events >= 1);
}

static void test_start_that_fails_says_why(void **state)
{
    (void)state;
    w.start_rc = -EBUSY;
    toolstack_adds();
    assert_string_equal(xs_fake_get(BE "/hotplug-status"), "error");
    assert_string_equal(xs_fake_get(BE "/hotplug-error"), "it is broken");
    assert_string_equal(xs_fake_get(BE "/state"), "6");
    assert_int_equal(w.started, 1);
    assert_int_equal(w.stopped, 1);
}

static void test_start_that_takes_its_time(void **state)
{
    struct backend_why why;

    (void)state;
    w.start_rc = -EINPROGRESS;
    toolstack_adds();
    assert_string_equal(xs_fake_get(BE "/state"), "1");
    backend_started(w.last, 0, &why);
    assert_string_equal(xs_fake_get(BE "/state"), "2");
}

static void test_device_removed_while_it_starts(void **state)
{
    (void)state;
    w.start_rc = -EINPROGRESS;
    toolstack_adds();
    xs_fake_rm(BE);
    run();
    assert_null(backend_find(w.host, 5, 7));
    assert_int_equal(w.stopped, 1);
}

/* A write would make the directory again, and nobody would ever remove it. */
static void test_removed_device_is_not_written_again(void **state)
{
    (void)state;
    w.removed_meanwhile = true;
    toolstack_adds();
    assert_null(xs_fake_get(BE "/state"));
    run();
    assert_null(backend_find(w.host, 5, 7));
    w.start_rc = -EBUSY;
    toolstack_adds();
    assert_null(xs_fake_get(BE "/state"));
    assert_null(xs_fake_get(BE "/hotplug-error"));
}

static void test_ring_that_cannot_be_mapped(void **state)
{
    (void)state;
    toolstack_adds();
    xs_fake_put(FE "/ring-ref", "4000"); /* granted to nobody */
    xs_fake_put(FE "/event-channel", "9");
    xs_fake_put(FE "/state", "3");
    run();
    assert_string_equal(xs_fake_get(BE "/state"), "5");
    assert_non_null(strstr(xs_fake_get(BE "/error"), "cannot map ring-ref"));
}

static void test_nonsense_from_the_frontend(void **state)
{
    static const char *const refs[] = {"",   "-1", "4294967296",
                                       "3 ", "x",  "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        toolstack_adds();
        xs_fake_put(FE "/ring-ref", refs[i]);
        xs_fake_put(FE "/event-channel", "9");
        xs_fake_put(FE "/state", "3");
        run();
        assert_string_equal(xs_fake_get(BE "/state"), "5");
        xs_fake_rm(BE);
        xs_fake_rm(FE);
        run();
        assert_null(backend_find(w.host, 5, 7));
    }
    toolstack_adds();
    xs_fake_put(FE "/ring-page-order", "5"); /* more than we offer */
    frontend_offers_rings();
    assert_string_equal(xs_fake_get(BE "/state"), "5");
}

static void test_frontend_of_another_guest_is_not_served(void **state)
{
    (void)state;
    xs_fake_put("/local/domain/6/device/test/7/state", "3");
    xs_fake_put(BE "/online", "1");
    xs_fake_put(BE "/state", "1");
    xs_fake_put(BE "/frontend", "/local/domain/6/device/test/7");
    run();
    assert_int_equal(w.started, 0);
}

static void test_hot_remove(void **state)
{
    (void)state;
    connect_device();
    xs_fake_put(BE "/online", "0");
    xs_fake_put(BE "/state", "5");
    run();
    assert_int_equal(w.disconnected, 0);
    xs_fake_put(FE "/state", "6");
    run();
    assert_string_equal(xs_fake_get(BE "/state"), "6");
    assert_int_equal(w.disconnected, 1);
    assert_int_equal(w.stopped, 1);
    xs_fake_rm(BE);
    run();
    assert_null(backend_find(w.host, 5, 7));
}

static void test_frontend_comes_back(void **state)
{
    (void)state;
    connect_device();
    xs_fake_put(FE "/state", "5");
    run();
    assert_string_equal(xs_fake_get(BE "/state"), "5");
    xs_fake_put(FE "/state", "6");
    run();
    xs_fake_put(FE "/state", "1");
    run();
    assert_string_equal(xs_fake_get(BE "/state"), "2");
    frontend_offers_rings();
    assert_string_equal(xs_fake_get(BE "/state"), "4");
    assert_int_equal(w.connected, 2);
    assert_int_equal(w.started, 1);
}

static void test_guest_destroyed(void **state)
{
    (void)state;
    connect_device();
    xs_fake_rm("/local/domain/5");
    run();
    assert_string_equal(xs_fake_get(BE "/state"), "6");
    xs_fake_rm(BE);
    run();
    assert_null(backend_find(w.host, 5, 7));
}

static void test_successor_takes_over_silently(void **state)
{
    (void)state;
    connect_device();
    close_host();
    assert_string_equal(xs_fake_get(BE "/state"), "4"); /* as it was */
    open_host();
    assert_int_equal(w.adopted, 1);
    assert_int_equal(w.connected, 2);
    assert_string_equal(xs_fake_get(BE "/state"), "4");
}

static void test_store_that_goes_and_comes_back(void **state)
{
    (void)state;
    toolstack_adds();
    xs_fake_down();
    run();
    gnttab_fake_grant(3, 1);
    xs_fake_put(FE "/ring-ref", "3");
    xs_fake_put(FE "/event-channel", "9");
    xs_fake_put(FE "/state", "3"); /* nobody is told */
    run();
    xs_fake_up();
    run_for(300);
    assert_string_equal(xs_fake_get(BE "/state"), "4");
    assert_int_equal(w.connected, 1);
}

/* Who gave root up cannot reach it again: a successor can. */
static void test_store_that_lets_only_root_in_ends_us(void **state)
{
    (void)state;
    connect_device();
    xs_fake_refusal = EACCES;
    xs_fake_down();
    run_for(300);
    assert_true(event_base_got_break(w.loop->base));
    xs_fake_up();
    close_host();
    assert_string_equal(xs_fake_get(BE "/state"), "4"); /* as it was */
    open_host();
    assert_int_equal(w.adopted, 1);
}

#define DEV_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEV_TEST(test_connects),
        DEV_TEST(test_held_port_stays_silent),
        DEV_TEST(test_start_that_fails_says_why),
        DEV_TEST(test_start_that_takes_its_time),
        DEV_TEST(test_device_removed_while_it_starts),
        DEV_TEST(test_removed_device_is_not_written_again),
        DEV_TEST(test_ring_that_cannot_be_mapped),
        DEV_TEST(test_nonsense_from_the_frontend),
        DEV_TEST(test_frontend_of_another_guest_is_not_served),
        DEV_TEST(test_hot_remove),
        DEV_TEST(test_frontend_comes_back),
        DEV_TEST(test_guest_destroyed),
        DEV_TEST(test_successor_takes_over_silently),
        DEV_TEST(test_store_that_goes_and_comes_back),
        DEV_TEST(test_store_that_lets_only_root_in_ends_us),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
