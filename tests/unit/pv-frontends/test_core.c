/*
 * The smaller parts of the frontends: the handshake as a decision, console,
 * balloon, control, grants.
 *
 * sources: pv-frontends/core/xbstate.c pv-frontends/core/consfront.c
 * sources: pv-frontends/core/balloon.c pv-frontends/core/control.c
 * sources: pv-frontends/core/store.c pv-frontends/core/wire.c
 * sources: pv-frontends/core/text.c pv-frontends/core/evtchn.c
 * sources: pv-frontends/core/gnt.c
 * sources: tests/unit/pv-frontends/shim-fake.c
 */
#include "pv-frontends/core/balloon.h"
#include "pv-frontends/core/consfront.h"
#include "pv-frontends/core/control.h"
#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/core/gnt.h"
#include "pv-frontends/core/store.h"
#include "pv-frontends/core/xbstate.h"
#include "tests/unit/pv-frontends/shim-fake.h"

#include <string.h>
#include <xen/io/console.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int begin(void **state)
{
    (void)state;
    fake_reset();
    store_timeout(0);
    return store_init() || gnt_init(8) || cons_init();
}

/* ---- the handshake --------------------------------------------------------
 */

static void test_handshake_always_comes_to_rest(void **state)
{
    struct xbf_view v = {.wanted = true};

    (void)state;
    /* Whatever is found, acting on it ends, and never begins in a circle. */
    for (unsigned int peer = 0; peer <= XenbusStateReconfigured; peer++)
        for (unsigned int own = 0; own <= XenbusStateReconfigured; own++)
            for (unsigned int bits = 0; bits < 8; bits++) {
                unsigned int steps = 0;
                enum xbf_action action;

                v.peer = peer, v.own = own;
                v.wanted = bits & 1, v.holding = bits & 2;
                v.working = (bits & 6) == 6;
                v.failed = false;
                while ((action = xbfront_next(&v)) != XBF_NONE) {
                    assert_true(steps++ < 4);
                    if (action == XBF_BEGIN)
                        v.own = XenbusStateInitialising;
                    if (action == XBF_SHARE)
                        v.holding = true, v.own = XenbusStateInitialised;
                    if (action == XBF_WORK)
                        v.working = true, v.own = XenbusStateConnected;
                    if (action == XBF_CLOSING)
                        v.own = XenbusStateClosing;
                    if (action == XBF_LOSE || action == XBF_CLOSE)
                        v.holding = v.working = false;
                    if (action == XBF_LOSE)
                        v.own = XenbusStateUnknown;
                    if (action == XBF_CLOSE)
                        v.own = XenbusStateClosed;
                }
            }
}

static void test_closed_by_both_is_the_end(void **state)
{
    struct xbf_view v = {
        .wanted = true, .own = XenbusStateClosed, .peer = XenbusStateClosed};

    (void)state;
    assert_int_equal(xbfront_next(&v), XBF_NONE);
    v.peer = XenbusStateInitWait;
    assert_int_equal(xbfront_next(&v), XBF_BEGIN);
    /* Unless that was to begin anew. */
    v.peer = XenbusStateClosed;
    v.again = true;
    assert_int_equal(xbfront_next(&v), XBF_BEGIN);
}

/* Of an earlier life of this domain, or of a suspend that was cancelled. */
static void test_backend_lets_go_of_old_rings_first(void **state)
{
    struct xbf_view v = {.wanted = true, .peer = XenbusStateConnected};

    (void)state;
    assert_int_equal(xbfront_next(&v), XBF_CLOSING);
    v.own = XenbusStateClosing;
    assert_int_equal(xbfront_next(&v), XBF_NONE);
    v.peer = XenbusStateClosing;
    assert_int_equal(xbfront_next(&v), XBF_CLOSE);
}

/* ---- console --------------------------------------------------------------
 */

static char printed[8192];
static size_t nr_printed;
static void console_daemon(void)
{
    struct xencons_interface *r = fake_console_ring();

    for (unsigned int i = 0; i < 300 && r->out_cons != r->out_prod; i++)
        printed[nr_printed++] = r->out[MASK_XENCONS_IDX(r->out_cons++, r->out)];
}

static void test_long_text_waits_for_the_daemon(void **state)
{
    static char text[5000];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    nr_printed = 0;
    fake_on_wait = console_daemon;
    cons_write_all(text, sizeof(text));
    assert_true(cons_drain(1000000000));
    assert_int_equal(nr_printed, sizeof(text));
    assert_memory_equal(printed, text, sizeof(text));
}

static void test_full_console_takes_what_fits(void **state)
{
    static char text[5000];

    (void)state;
    assert_int_equal(cons_write(text, sizeof(text)), 2048);
    assert_int_equal(cons_write(text, sizeof(text)), 0);
    assert_false(cons_drain(5000000));
}

static void test_typed_text_is_read(void **state)
{
    struct xencons_interface *r = fake_console_ring();
    char text[16];

    (void)state;
    memcpy(r->in, "hello", 5);
    r->in_prod = 5;
    assert_int_equal(cons_read(text, 2), 2);
    assert_int_equal(cons_read(text + 2, 14), 3);
    assert_memory_equal(text, "hello", 5);
    r->in_prod = 0x80000000; /* cannot be */
    assert_int_equal(cons_read(text, 16), 0);
}

/* ---- balloon, control -----------------------------------------------------
 */

static void test_balloon_follows_the_target(void **state)
{
    (void)state;
    assert_int_equal(balloon_init(2000, 500), 0);
    store_poll();
    assert_false(balloon_step());                            /* no target yet */
    fake_store_set("/local/domain/1/memory/target", "4000"); /* KiB */
    store_poll();
    while (balloon_step())
        ;
    assert_int_equal(balloon_pages(), 1000);
    assert_int_equal(fake_ballooned, 1000);
    fake_store_set("/local/domain/1/memory/target", "7000");
    store_poll();
    while (balloon_step())
        ;
    assert_int_equal(balloon_pages(), 1750);
    assert_int_equal(fake_ballooned, 250);
    fake_store_set("/local/domain/1/memory/target", "4");
    store_poll();
    while (balloon_step())
        ;
    assert_int_equal(balloon_pages(), 500);
}

static enum control_request asked;
static void on_control(void *arg, enum control_request request)
{
    (void)arg;
    asked = request;
}

static void test_control_hears_and_acknowledges(void **state)
{
    (void)state;
    assert_int_equal(control_init(on_control, NULL), 0);
    store_poll();
    assert_int_equal(asked, CONTROL_NONE);
    fake_store_set("/local/domain/1/control/shutdown", "reboot");
    store_poll();
    assert_int_equal(asked, CONTROL_REBOOT);
    assert_string_equal(fake_store_get("/local/domain/1/control/shutdown"), "");
    fake_store_set("/local/domain/1/control/shutdown", "dance");
    store_poll();
    assert_int_equal(asked, CONTROL_REBOOT);
}

/* ---- grants, events -------------------------------------------------------
 */

static void test_grants_run_out_and_come_back(void **state)
{
    static grant_ref_t refs[8 * 512];
    unsigned int nr = 0, free = gnt_free_count();
    void *page = shim_pages_alloc(1);

    (void)state;
    while ((refs[nr] = gnt_grant(0, page, true)) != GNT_NONE)
        nr++;
    assert_int_equal(nr, free);
    assert_int_equal(nr, 8 * 512 - GNTTAB_NR_RESERVED_ENTRIES);
    fake_grant_hold(refs[5], true);
    assert_int_equal(gnt_end(refs[5]), -XEN_EBUSY);
    fake_grant_hold(refs[5], false);
    while (nr--)
        assert_int_equal(gnt_end(refs[nr]), 0);
    assert_int_equal(gnt_free_count(), free);
    shim_pages_free(page, 1);
}

static unsigned int heard;
static void on_port(void *arg)
{
    heard += (unsigned int)(uintptr_t)arg;
}

static void test_ignored_ports_are_silent(void **state)
{
    int a = evtchn_alloc_unbound(0), b = evtchn_alloc_unbound(0);

    (void)state;
    assert_int_equal(evtchn_listen((evtchn_port_t)a, on_port, (void *)1), 0);
    assert_int_equal(evtchn_listen((evtchn_port_t)b, on_port, (void *)16), 0);
    fake_raise((unsigned int)a);
    fake_raise((unsigned int)b);
    assert_int_equal(heard, 17);
    evtchn_ignore((evtchn_port_t)a);
    fake_raise((unsigned int)a);
    assert_int_equal(heard, 17);
    assert_int_equal(evtchn_listen(EVTCHN_MAX_PORT, on_port, NULL),
                     -XEN_ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup(fn, begin)
        T(test_handshake_always_comes_to_rest),
        T(test_closed_by_both_is_the_end),
        T(test_backend_lets_go_of_old_rings_first),
        T(test_long_text_waits_for_the_daemon),
        T(test_full_console_takes_what_fits),
        T(test_typed_text_is_read),
        T(test_balloon_follows_the_target),
        T(test_control_hears_and_acknowledges),
        T(test_grants_run_out_and_come_back),
        T(test_ignored_ports_are_silent),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
