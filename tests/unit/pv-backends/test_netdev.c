/*
 * Network cards as frontends meet them through the store, on taps of the real
 * kernel in a network namespace of the test's own: queues, frames to the host
 * and straight to the other guest, a rate that changes, a successor that
 * carries on. Skips where namespaces, taps or bridges are not to be had.
 *
 * sources: dom0/libs/latency/latency.c
 * sources: pv-backends/net/device.c pv-backends/net/queue.c
 * sources: pv-backends/net/netback.c pv-backends/net/nettx.c
 * sources: pv-backends/net/netrx.c pv-backends/net/netdecode.c
 * sources: pv-backends/net/netjournal.c pv-backends/net/netswitch.c
 * sources: pv-backends/net/packet.c pv-backends/net/tap.c
 * sources: pv-backends/net/link.c pv-backends/net/bridge.c
 * sources: pv-backends/runtime/backend.c pv-backends/runtime/xbstate.c
 * sources: pv-backends/runtime/spin.c pv-backends/runtime/bucket.c
 * sources: pv-backends/runtime/store.c pv-backends/runtime/loop.c
 * sources: pv-backends/runtime/log.c pv-backends/runtime/ringmap.c
 * sources: tests/unit/xs-fake.c dom0/libs/evtchn/evtchn-fake.c
 * sources: dom0/libs/gnttab/gnttab-fake.c
 * libs: -levent_core -lnl-route-3 -lnl-3
 */
#include "pv-backends/net/device.h"
#include "pv-backends/net/link.h"
#include "pv-backends/net/netback.h"
#include "pv-backends/runtime/loop.h"
#include "dom0/libs/evtchn/evtchn-fake.h"
#include "dom0/libs/gnttab/gnttab-fake.h"
#include "tests/unit/xs-fake.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Guest n is domain 5 + n; everything of it is numbered from n * STEP. */
enum { GUESTS = 2, QUEUES = 2, STEP = 10, RINGS = 8, PORTS = 1, DATA = 100 };
enum { RX_DATA = 1000, POSTED = 64 };

static struct {
    bool usable;
    char dir[32];
    struct loop *loop;
    struct backend_host *host;
    netif_tx_front_ring_t tx[GUESTS][QUEUES];
    netif_rx_front_ring_t rx[GUESTS][QUEUES];
} w;

static void run_for(unsigned int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};

    event_base_loopexit(w.loop->base, &tv);
    event_base_dispatch(w.loop->base);
}

static void run(void)
{
    run_for(30);
}

static void open_host(void)
{
    const struct net_settings s = {
        .state_dir = w.dir, .max_queues = QUEUES, .switching = true};

    assert_int_equal(loop_open(&w.loop, 0, 0), 0);
    net_device_setup(&s);
    netback_setup(w.loop->gnttab);
    assert_int_equal(backend_host_open(&w.host, w.loop, &net_class, -1), 0);
    run();
}

static void close_host(void)
{
    backend_host_close(w.host);
    loop_close(w.loop);
}

static int make_bridge(void **state)
{
    (void)state;
    w.usable = !unshare(CLONE_NEWNET) && !access("/dev/net/tun", W_OK) &&
               !system("ip link add brt type bridge 2> /dev/null && "
                       "ip link set brt up");
    return 0;
}

static int setup(void **state)
{
    (void)state;
    xs_fake_reset();
    gnttab_fake_reset();
    evtchn_fake_reset();
    strcpy(w.dir, "/tmp/netdev-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    open_host();
    return 0;
}

static int teardown(void **state)
{
    char line[64];

    (void)state;
    close_host();
    assert_int_equal(gnttab_fake_mapped(), 0);
    snprintf(line, sizeof(line), "rm -r %s", w.dir);
    assert_int_equal(system(line), 0);
    xs_fake_reset();
    gnttab_fake_reset();
    return 0;
}

static void put(int guest, const char *end, const char *key, const char *fmt,
                int value)
{
    char path[128], text[64];

    if (*end == 'b')
        snprintf(path, sizeof(path), "/local/domain/0/backend/pvif/%d/0/%s",
                 5 + guest, key);
    else
        snprintf(path, sizeof(path), "/local/domain/%d/device/vif/0/%s",
                 5 + guest, key);
    snprintf(text, sizeof(text), fmt, value);
    xs_fake_put(path, text);
}

static const char *get(int guest, const char *key)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/0/backend/pvif/%d/0/%s",
             5 + guest, key);
    return xs_fake_get(path);
}

static void toolstack_adds(int guest)
{
    put(guest, "front", "state", "%d", 1);
    put(guest, "back", "bridge", "brt", 0);
    put(guest, "back", "mac", "00:16:3e:00:00:%02x", 1 + guest);
    put(guest, "back", "online", "%d", 1);
    put(guest, "back", "state", "%d", 1);
    put(guest, "back", "frontend", "/local/domain/%d/device/vif/0", 5 + guest);
    run();
}

static void post_buffers(int guest, int queue)
{
    netif_rx_front_ring_t *f = &w.rx[guest][queue];

    for (int i = 0; i < POSTED; i++) {
        struct netif_rx_request *r = RING_GET_REQUEST(f, f->req_prod_pvt++);

        r->id = i;
        r->gref = RX_DATA + (guest * QUEUES + queue) * POSTED + i;
        gnttab_fake_grant(r->gref, 1);
    }
    RING_PUSH_REQUESTS(f);
}

static void offer_queue(int guest, int queue)
{
    int ref = RINGS + guest * STEP + queue * 2;
    int port = PORTS + guest * STEP + queue * 2;
    char key[64];

    XEN_FRONT_RING_INIT(&w.tx[guest][queue],
                        (netif_tx_sring_t *)gnttab_fake_grant(ref, 1), 4096);
    XEN_FRONT_RING_INIT(&w.rx[guest][queue],
                        (netif_rx_sring_t *)gnttab_fake_grant(ref + 1, 1),
                        4096);
    snprintf(key, sizeof(key), "queue-%d/tx-ring-ref", queue);
    put(guest, "front", key, "%d", ref);
    snprintf(key, sizeof(key), "queue-%d/rx-ring-ref", queue);
    put(guest, "front", key, "%d", ref + 1);
    snprintf(key, sizeof(key), "queue-%d/event-channel-tx", queue);
    put(guest, "front", key, "%d", port);
    snprintf(key, sizeof(key), "queue-%d/event-channel-rx", queue);
    put(guest, "front", key, "%d", port + 1);
    post_buffers(guest, queue);
}

static void connect_card(int guest)
{
    toolstack_adds(guest);
    put(guest, "front", "request-rx-copy", "%d", 1);
    put(guest, "front", "feature-rx-notify", "%d", 1);
    put(guest, "front", "feature-sg", "%d", 1);
    put(guest, "front", "multi-queue-num-queues", "%d", QUEUES);
    for (int q = 0; q < QUEUES; q++)
        offer_queue(guest, q);
    put(guest, "front", "state", "%d", 4);
    run();
    assert_string_equal(get(guest, "state"), "4");
}

/* A frame from guest 0 to the address that ends in `to`. */
static void send_frame(int queue, unsigned int to, unsigned int size)
{
    netif_tx_front_ring_t *f = &w.tx[0][queue];
    struct netif_tx_request *r = RING_GET_REQUEST(f, f->req_prod_pvt++);
    uint8_t *page = gnttab_fake_grant(DATA, 0);

    memcpy(page, (uint8_t[]){0, 0x16, 0x3e, 0, 0, to}, 6);
    memcpy(page + 6, (uint8_t[]){0, 0x16, 0x3e, 0, 0, 1, 0x88, 0xb5}, 8);
    *r = (struct netif_tx_request){.gref = DATA, .size = size};
    RING_PUSH_REQUESTS(f);
    evtchn_fake_raise(PORTS + queue * 2);
}

/* Is it one of ours? The bridge has words of its own. */
static bool is_ours(int guest, int queue, unsigned int at)
{
    struct netif_rx_response *r = RING_GET_RESPONSE(&w.rx[guest][queue], at);
    uint32_t ref = RX_DATA + (guest * QUEUES + queue) * POSTED + r->id;
    uint8_t *page;

    assert_int_equal(gnttab_map(NULL, 1, &ref, 1, 1, (void **)&page), 0);
    gnttab_unmap(NULL, page, 1);
    return r->status > 14 && page[12] == 0x88 && page[13] == 0xb5;
}

static unsigned int received(int guest)
{
    unsigned int n = 0;

    for (int q = 0; q < QUEUES; q++)
        for (unsigned int i = 0; i < w.rx[guest][q].sring->rsp_prod; i++)
            n += is_ours(guest, q, i);
    return n;
}

static void test_cards_of_two_queues(void **state)
{
    (void)state;
    if (!w.usable)
        skip();
    connect_card(0);
    connect_card(1);
    assert_string_equal(get(0, "multi-queue-max-queues"), "2");
    assert_int_equal(evtchn_fake_bound(), 8);
    send_frame(0, 2, 100);
    run();
    assert_int_equal(w.tx[0][0].sring->rsp_prod, 1);
    assert_int_equal(received(1), 1);
    send_frame(1, 2, 200);
    run();
    assert_int_equal(w.tx[0][1].sring->rsp_prod, 1);
    assert_int_equal(received(1), 2);
    assert_int_equal(received(0), 0);
}

/* An address nobody has: through the tap and the bridge to the other's tap. */
static void test_flooded_frame_comes_by_the_bridge(void **state)
{
    (void)state;
    if (!w.usable)
        skip();
    connect_card(0);
    connect_card(1);
    run_for(200); /* the bridge's ports come up */
    send_frame(0, 77, 100);
    run_for(100);
    assert_int_equal(received(1), 1);
    assert_int_equal(received(0), 0);
}

static void test_rate_changes_in_use(void **state)
{
    (void)state;
    if (!w.usable)
        skip();
    connect_card(0);
    connect_card(1);
    put(0, "back", "rate", "%d,1000000", 50); /* 50 bytes a second */
    run();
    for (int i = 0; i < 3; i++)
        send_frame(0, 2, 1000);
    run();
    assert_int_equal(received(1), 1);
    put(0, "back", "rate", "%d,1000000", 0);
    run();
    send_frame(0, 2, 1000);
    run();
    assert_int_equal(received(1), 4);
}

static void test_successor_carries_on(void **state)
{
    (void)state;
    if (!w.usable)
        skip();
    connect_card(0);
    connect_card(1);
    send_frame(0, 2, 100);
    run();
    close_host();
    assert_int_not_equal(link_mtu("vif5.0"), 0);
    send_frame(0, 2, 150); /* nobody is there */
    open_host();
    run();
    assert_int_equal(w.tx[0][0].sring->rsp_prod, 2);
    assert_int_equal(received(1), 2);
    assert_string_equal(get(0, "state"), "4");
}

/* The receiver's device goes while frames go to it. */
static void test_card_goes(void **state)
{
    (void)state;
    if (!w.usable)
        skip();
    connect_card(0);
    connect_card(1);
    send_frame(0, 2, 100);
    xs_fake_rm("/local/domain/0/backend/pvif/6");
    put(1, "front", "state", "%d", 6);
    run();
    assert_int_equal(link_mtu("vif6.0"), 0);
    send_frame(0, 2, 100);
    run();
    assert_int_equal(w.tx[0][0].sring->rsp_prod, 2);
}

static void test_antispoof_without_an_address(void **state)
{
    (void)state;
    if (!w.usable)
        skip();
    put(0, "back", "antispoof", "%d", 1);
    put(0, "back", "mac", "none", 0);
    put(0, "front", "state", "%d", 1);
    put(0, "back", "bridge", "brt", 0);
    put(0, "back", "online", "%d", 1);
    put(0, "back", "state", "%d", 1);
    put(0, "back", "frontend", "/local/domain/%d/device/vif/0", 5);
    run();
    assert_string_equal(get(0, "hotplug-status"), "error");
    assert_int_equal(link_mtu("vif5.0"), 0);
}

#define CARD_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARD_TEST(test_cards_of_two_queues),
        CARD_TEST(test_flooded_frame_comes_by_the_bridge),
        CARD_TEST(test_rate_changes_in_use),
        CARD_TEST(test_successor_carries_on),
        CARD_TEST(test_card_goes),
        CARD_TEST(test_antispoof_without_an_address),
    };

    return cmocka_run_group_tests(tests, make_bridge, NULL);
}
