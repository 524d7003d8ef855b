/*
 * Taps and bridges of the real kernel, in a network namespace of the test's
 * own: made with several queues, taken over, in their place on a bridge, and
 * frames go between two of them as their places allow. Skips where namespaces,
 * taps or bridges are not to be had.
 *
 * sources: pv-backends/net/tap.c pv-backends/net/link.c
 * sources: pv-backends/net/bridge.c pv-backends/runtime/log.c
 * libs: -lnl-route-3 -lnl-3
 */
#include "pv-backends/net/link.h"
#include "pv-backends/net/tap.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { HEADER = 10 };

static bool usable;
static struct backend_why why;

/* The runtime's, which this test has no use for otherwise. */
int backend_fail(struct backend_why *to, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(to->text, sizeof(to->text), fmt, ap);
    va_end(ap);
    return rc;
}

static int make_bridge(void **state)
{
    (void)state;
    usable = !unshare(CLONE_NEWNET) && !access("/dev/net/tun", W_OK) &&
             !system("ip link add brt type bridge 2> /dev/null && "
                     "ip link set brt mtu 1400 up");
    return 0;
}

static struct netplace place_of(unsigned int n)
{
    struct netplace place = {.bridge = "brt"};

    memset(place.mac, 0x20 + 2 * n, NET_MAC_BYTES);
    return place;
}

static void open_tap(struct tap *tap, unsigned int n,
                     const struct netplace *place)
{
    char name[TAP_NAME_BYTES];

    snprintf(name, sizeof(name), "vift%u", n);
    assert_int_equal(tap_open(tap, name, place, 1, n, &why), 0);
    tap_set_carrier(tap, true);
}

static void test_place_and_takeover(void **state)
{
    struct netplace place = place_of(0);
    struct tap tap, other;
    int more;

    (void)state;
    if (!usable)
        skip();
    open_tap(&tap, 0, &place);
    assert_int_equal(link_mtu("vift0"), 1400);
    assert_int_equal(tap_more("vift0", &more), 0);
    close(more);
    assert_int_equal(tap_open(&other, "vift0", &place, 2, 0, &why), -EEXIST);
    tap_close(&tap, false); /* killed: it stays */
    assert_int_equal(link_mtu("vift0"), 1400);
    place.mtu = 1300;
    open_tap(&tap, 0, &place);
    assert_int_equal(link_mtu("vift0"), 1300);
    tap_close(&tap, true);
    assert_int_equal(link_mtu("vift0"), 0);
}

static void send_frame(const struct tap *from, unsigned int to)
{
    uint8_t frame[HEADER + 60] = {0};

    memset(frame + HEADER, 0x20 + 2 * to, 6);
    frame[HEADER + 6] = 2;
    frame[HEADER + 12] = 0x88; /* an experiment's type */
    frame[HEADER + 13] = 0xb5;
    assert_int_equal(write(from->fd, frame, sizeof(frame)), sizeof(frame));
}

/* Does a frame of that type arrive? (The host's own are passed over.) */
static bool arrives(const struct tap *at)
{
    struct pollfd pfd = {at->fd, POLLIN, 0};
    uint8_t frame[2048];

    while (poll(&pfd, 1, 300) > 0) {
        ssize_t n = read(at->fd, frame, sizeof(frame));

        if (n >= HEADER + 14 && frame[HEADER + 12] == 0x88 &&
            frame[HEADER + 13] == 0xb5)
            return true;
    }
    return false;
}

static void test_unicast_goes_to_its_port_alone(void **state)
{
    struct netplace places[3] = {place_of(0), place_of(1), place_of(2)};
    struct tap taps[3];

    (void)state;
    if (!usable)
        skip();
    for (unsigned int n = 0; n < 3; n++)
        open_tap(&taps[n], n, &places[n]);
    send_frame(&taps[0], 2); /* whose port never said a word */
    assert_true(arrives(&taps[2]));
    assert_false(arrives(&taps[1]));
    for (unsigned int n = 0; n < 3; n++)
        tap_close(&taps[n], true);
}

static void test_isolated_ports_do_not_meet(void **state)
{
    struct netplace places[2] = {place_of(0), place_of(1)};
    struct tap taps[2];

    (void)state;
    if (!usable)
        skip();
    places[0].isolated = places[1].isolated = true;
    open_tap(&taps[0], 0, &places[0]);
    open_tap(&taps[1], 1, &places[1]);
    send_frame(&taps[0], 1);
    assert_false(arrives(&taps[1]));
    tap_close(&taps[1], false);
    places[1].isolated = false; /* and the other way round */
    open_tap(&taps[1], 1, &places[1]);
    send_frame(&taps[0], 1);
    assert_true(arrives(&taps[1]));
    tap_close(&taps[0], true);
    tap_close(&taps[1], true);
}

static void test_vlan_wants_a_bridge_that_filters(void **state)
{
    struct netplace place = place_of(0);
    struct tap tap;

    (void)state;
    if (!usable)
        skip();
    place.vlan = 12;
    assert_int_equal(tap_open(&tap, "vift0", &place, 1, 0, &why), -EOPNOTSUPP);
    assert_non_null(strstr(why.text, "does not filter VLANs"));
    assert_int_equal(link_mtu("vift0"), 0);
}

static void test_vlans_are_apart(void **state)
{
    struct netplace places[3] = {place_of(0), place_of(1), place_of(2)};
    struct tap taps[3];

    (void)state;
    if (!usable || system("ip link set brt type bridge vlan_filtering 1 2> "
                          "/dev/null"))
        skip();
    places[0].vlan = places[1].vlan = 12;
    places[2].vlan = 13;
    for (unsigned int n = 0; n < 3; n++)
        open_tap(&taps[n], n, &places[n]);
    send_frame(&taps[0], 1);
    assert_true(arrives(&taps[1]));
    send_frame(&taps[0], 2);
    assert_false(arrives(&taps[2]));
    for (unsigned int n = 0; n < 3; n++)
        tap_close(&taps[n], true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place_and_takeover),
        cmocka_unit_test(test_unicast_goes_to_its_port_alone),
        cmocka_unit_test(test_isolated_ports_do_not_meet),
        cmocka_unit_test(test_vlan_wants_a_bridge_that_filters),
        cmocka_unit_test(test_vlans_are_apart),
    };

    return cmocka_run_group_tests(tests, make_bridge, NULL);
}
