/*
 * Two guests' cards that one process serves: a frame for the other's address
 * goes from page to page with its flags, whole, and checked bytes stay the
 * checked ones; everything else takes the tap; who has no room is waited for a
 * while and then costs its senders nothing.
 *
 * sources: dom0/libs/latency/latency.c
 * sources: pv-backends/net/netback.c pv-backends/net/nettx.c
 * sources: pv-backends/net/netrx.c pv-backends/net/netdecode.c
 * sources: pv-backends/net/netswitch.c pv-backends/net/netjournal.c
 * sources: pv-backends/net/packet.c pv-backends/runtime/log.c
 * sources: pv-backends/runtime/bucket.c dom0/libs/gnttab/gnttab-fake.c
 */
#include "pv-backends/net/netback.h"
#include "pv-backends/net/netswitch.h"
#include "dom0/libs/gnttab/gnttab-fake.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { RINGS = 1, TX_DATA = 100, RX_DATA = 1000, HDR = 10, CARDS = 3 };

static struct card {
    struct netback nb, *rings[1];
    struct netjournal journal;
    struct netport port;
    int wire;
    netif_tx_front_ring_t txf;
    netif_rx_front_ring_t rxf;
    unsigned int tx_events, rx_events, woken;
    uint64_t wait_ns;
} cards[CARDS];

static void on_tx(void *arg)
{
    ((struct card *)arg)->tx_events++;
}

static void on_rx(void *arg)
{
    ((struct card *)arg)->rx_events++;
}

static void on_wake(void *arg)
{
    ((struct card *)arg)->woken++;
}

static void open_card(unsigned int n)
{
    struct card *c = &cards[n];
    struct netback_config cfg = {.name = "test",
                                 .domid = n + 1,
                                 .scatter = true,
                                 .csum = true,
                                 .ipv6_csum = true,
                                 .tso4 = true,
                                 .tso6 = true,
                                 .journal = &c->journal,
                                 .port = &c->port,
                                 .notify_tx = on_tx,
                                 .notify_rx = on_rx,
                                 .wake_tx = on_wake,
                                 .arg = c};
    int pair[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    gnttab_open(&cfg.gnttab);
    netback_setup(cfg.gnttab);
    cfg.tap_fd = pair[0];
    c->wire = pair[1];
    cfg.tx_page = gnttab_fake_grant(RINGS + 2 * n, 1);
    cfg.rx_page = gnttab_fake_grant(RINGS + 2 * n + 1, 1);
    XEN_FRONT_RING_INIT(&c->txf, (netif_tx_sring_t *)cfg.tx_page, 4096);
    XEN_FRONT_RING_INIT(&c->rxf, (netif_rx_sring_t *)cfg.rx_page, 4096);
    netback_open(&c->nb, &cfg);
    c->rings[0] = &c->nb;
    c->port.place = (struct netplace){.bridge = "br", .mtu = 1500};
    memset(c->port.place.mac, 0x20 + n * 2, NET_MAC_BYTES);
    netport_list(&c->port);
    netport_connect(&c->port, c->rings, 1);
}

static int setup(void **state)
{
    (void)state;
    memset(cards, 0, sizeof(cards));
    gnttab_fake_reset();
    for (unsigned int n = 0; n < CARDS; n++)
        open_card(n);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned int n = 0; n < CARDS; n++) {
        netport_unlist(&cards[n].port);
        netback_close(&cards[n].nb);
        close(cards[n].nb.cfg.tap_fd);
        close(cards[n].wire);
    }
    gnttab_fake_reset();
    return 0;
}

static void tx(unsigned int ref, unsigned int offset, unsigned int size,
               unsigned int flags)
{
    netif_tx_front_ring_t *f = &cards[0].txf;
    struct netif_tx_request *r = RING_GET_REQUEST(f, f->req_prod_pvt);

    *r = (struct netif_tx_request){.gref = ref,
                                   .offset = offset,
                                   .flags = flags,
                                   .id = f->req_prod_pvt,
                                   .size = size};
    f->req_prod_pvt++;
}

static enum netback_tx run(void)
{
    enum netback_tx result;

    RING_PUSH_REQUESTS(&cards[0].txf);
    do {
        result = netback_tx_poll(&cards[0].nb, &cards[0].wait_ns);
    } while (result == NETBACK_TX_MORE);
    return result;
}

static void post(unsigned int n, unsigned int nr)
{
    netif_rx_front_ring_t *f = &cards[n].rxf;

    for (unsigned int i = 0; i < nr; i++) {
        struct netif_rx_request *r = RING_GET_REQUEST(f, f->req_prod_pvt);

        r->id = f->req_prod_pvt & 255;
        r->gref = RX_DATA + 300 * n + (f->req_prod_pvt & 255);
        gnttab_fake_grant(r->gref, 1);
        f->req_prod_pvt++;
    }
    RING_PUSH_REQUESTS(f);
}

static struct netif_rx_response *received(unsigned int n, unsigned int at)
{
    assert_true(cards[n].rxf.sring->rsp_prod > at);
    return RING_GET_RESPONSE(&cards[n].rxf, at);
}

static unsigned int nr_received(unsigned int n)
{
    return cards[n].rxf.sring->rsp_prod;
}

static uint8_t *buffer(unsigned int n, unsigned int at)
{
    uint32_t ref = RX_DATA + 300 * n + at;
    void *page;

    assert_int_equal(gnttab_map(NULL, 1, &ref, 1, 1, &page), 0);
    gnttab_unmap(NULL, page, 1);
    return page;
}

/* A page that begins a frame from card 0 to card `n`. */
static uint8_t *frame_to(unsigned int n)
{
    uint8_t *page = gnttab_fake_grant(TX_DATA, 0);

    for (unsigned int i = 0; i < 4096; i++)
        page[i] = i;
    memset(page, 0x20 + n * 2, 6);
    memset(page + 6, 0x20, 6);
    page[12] = 8;
    page[13] = 0;
    return page;
}

static bool on_wire(void)
{
    uint8_t buf[70000];

    return read(cards[0].wire, buf, sizeof(buf)) > 0;
}

static void test_frame_goes_straight(void **state)
{
    uint8_t *page = frame_to(1);

    (void)state;
    post(1, 64);
    tx(TX_DATA, 0, 1400, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_false(on_wire());
    assert_int_equal(received(1, 0)->status, 1400);
    assert_int_equal(received(1, 0)->flags, 0);
    assert_memory_equal(buffer(1, 0), page, 1400);
    assert_int_equal(cards[1].rx_events, 1);
    assert_int_equal(cards[0].tx_events, 1);
    assert_int_equal(nr_received(2), 0);
    assert_int_equal(gnttab_fake_mapped(), 0);
    /* 128 bytes of it were looked at: the only ones copied twice. */
    assert_int_equal(cards[0].nb.stats.copied_bytes, 1400 + 128);
}

static void test_burst_takes_two_batches(void **state)
{
    (void)state;
    frame_to(1);
    post(1, 200);
    for (int i = 0; i < 100; i++)
        tx(TX_DATA, 0, 200, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(nr_received(1), 100);
    assert_int_equal(gnttab_fake_copies(), 2);
    assert_int_equal(cards[1].rx_events, 1);
}

/* An IPv4 TCP header to be segmented and summed, then three pages. */
static void test_segmentation_is_passed_through(void **state)
{
    uint8_t *page = frame_to(1);
    struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

    (void)state;
    post(1, 64);
    memset(page + 14, 0, 40);
    page[14] = 0x45;
    page[14 + 9] = 6;
    page[34 + 12] = 0x50;
    extra.u.gso.size = 1448;
    extra.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
    tx(TX_DATA, 0, 54 + 3 * 4096,
       NETTXF_csum_blank | NETTXF_extra_info | NETTXF_more_data);
    memcpy(RING_GET_REQUEST(&cards[0].txf, cards[0].txf.req_prod_pvt++), &extra,
           sizeof(extra));
    for (unsigned int i = 1; i <= 3; i++) {
        memset(gnttab_fake_grant(TX_DATA + i, 0), i, 4096);
        tx(TX_DATA + i, 0, 4096, i < 3 ? NETTXF_more_data : 0);
    }
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_false(on_wire());
    assert_int_equal(nr_received(1), 5);
    assert_int_equal(received(1, 0)->status, 54);
    assert_int_equal(received(1, 0)->flags,
                     NETRXF_csum_blank | NETRXF_data_validated |
                         NETRXF_extra_info | NETRXF_more_data);
    memcpy(&extra, received(1, 1), sizeof(extra));
    assert_int_equal(extra.u.gso.size, 1448);
    assert_int_equal(received(1, 2)->status, 4096);
    assert_int_equal(received(1, 4)->status, 4096);
    assert_int_equal(received(1, 4)->flags, 0);
    assert_int_equal(buffer(1, 4)[4095], 3);
}

static void test_what_takes_the_tap(void **state)
{
    uint8_t *page = frame_to(1);

    (void)state;
    post(1, 64);
    page[0] |= 1; /* a group's address */
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_true(on_wire());
    frame_to(9); /* nobody here */
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_true(on_wire());
    page = frame_to(1);
    page[12] = 0x81; /* a tag of its own */
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_true(on_wire());
    frame_to(1);
    tx(TX_DATA, 0, 1600, 0); /* more than the cable takes */
    run();
    assert_true(on_wire());
    cards[1].nb.cfg.csum = false;
    page = frame_to(1);
    memset(page + 14, 0, 40);
    page[14] = 0x45;
    page[14 + 9] = 6;
    tx(TX_DATA, 0, 60, NETTXF_csum_blank); /* the receiver wants it summed */
    run();
    assert_true(on_wire());
    assert_int_equal(nr_received(1), 0);
}

static void place(unsigned int n, const char *bridge, unsigned int vlan,
                  bool isolated)
{
    struct netplace *p = &cards[n].port.place;

    snprintf(p->bridge, sizeof(p->bridge), "%s", bridge);
    p->vlan = vlan;
    p->isolated = isolated;
    netport_list(&cards[n].port);
}

static void test_networks_are_apart(void **state)
{
    (void)state;
    frame_to(1);
    post(1, 250);
    place(1, "other", 0, false);
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_true(on_wire());
    place(1, "br", 7, false);
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_true(on_wire());
    place(0, "br", 0, true);
    place(1, "br", 0, true);
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_true(on_wire());
    place(0, "br", 0, false); /* only one of them is */
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_false(on_wire());
    assert_int_equal(nr_received(1), 1);
    memcpy(cards[2].port.place.mac, cards[1].port.place.mac, 6);
    netport_list(&cards[2].port); /* whose address is it? */
    tx(TX_DATA, 0, 60, 0);
    run();
    assert_true(on_wire());
    assert_int_equal(nr_received(1), 1);
}

static void test_receiver_without_room(void **state)
{
    (void)state;
    frame_to(1);
    post(1, 20);
    for (int i = 0; i < 5; i++)
        tx(TX_DATA, 0, 60, 0);
    assert_int_equal(run(), NETBACK_TX_WAITS);
    assert_int_equal(nr_received(1), 2); /* 19 must be left for the largest */
    assert_int_equal(cards[0].txf.sring->rsp_prod, 2);
    post(1, 64);
    assert_true(netback_rx_ready(&cards[1].nb));
    assert_int_equal(cards[0].woken, 1);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(nr_received(1), 5);
}

static void test_receiver_that_stands_still(void **state)
{
    (void)state;
    frame_to(1);
    tx(TX_DATA, 0, 60, 0);
    tx(TX_DATA, 0, 60, 0);
    assert_int_equal(run(), NETBACK_TX_WAITS);
    netback_tx_give_up(&cards[0].nb);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(cards[0].txf.sring->rsp_prod, 2);
    assert_int_equal(cards[1].nb.stats.rx_dropped, 2);
    tx(TX_DATA, 0, 60, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE); /* no more waiting */
    post(1, 64);
    tx(TX_DATA, 0, 60, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(nr_received(1), 1);
}

static void test_receiver_goes_while_it_is_waited_for(void **state)
{
    (void)state;
    frame_to(1);
    tx(TX_DATA, 0, 60, 0);
    assert_int_equal(run(), NETBACK_TX_WAITS);
    netport_connect(&cards[1].port, NULL, 0);
    netback_close(&cards[1].nb);
    assert_int_equal(cards[0].woken, 1);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_true(on_wire());
}

/* A page that is not there costs the receiver one empty answer, not many. */
static void test_revoked_page(void **state)
{
    (void)state;
    frame_to(1);
    post(1, 64);
    tx(TX_DATA, 0, 1000, NETTXF_more_data);
    tx(77, 0, 500, 0); /* granted to nobody */
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(received(1, 0)->status, NETIF_RSP_ERROR);
    assert_int_equal(RING_GET_RESPONSE(&cards[0].txf, 0)->status,
                     NETIF_RSP_ERROR);
    tx(TX_DATA, 0, 1000, NETTXF_more_data);
    tx(77, 0, 500, 0);
    tx(TX_DATA, 0, 300, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(nr_received(1), 1);
    assert_true(on_wire());
}

static void test_receiver_without_pages_is_not_the_senders_fault(void **state)
{
    (void)state;
    frame_to(1);
    post(1, 64);
    gnttab_fake_revoke(RX_DATA + 300);
    tx(TX_DATA, 0, 1000, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(received(1, 0)->status, NETIF_RSP_ERROR);
    tx(TX_DATA, 0, 1000, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(received(1, 1)->status, 1000);
}

static void test_false_address_goes_nowhere(void **state)
{
    uint8_t *page = frame_to(1);

    (void)state;
    post(1, 64);
    cards[0].port.place.filtered = true;
    page[8] = 0;
    tx(TX_DATA, 0, 60, 0);
    assert_int_equal(run(), NETBACK_TX_IDLE);
    assert_int_equal(nr_received(1), 0);
    assert_false(on_wire());
    assert_int_equal(cards[0].nb.stats.tx_spoofed, 1);
}

#define RING_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_frame_goes_straight),
        RING_TEST(test_burst_takes_two_batches),
        RING_TEST(test_segmentation_is_passed_through),
        RING_TEST(test_what_takes_the_tap),
        RING_TEST(test_networks_are_apart),
        RING_TEST(test_receiver_without_room),
        RING_TEST(test_receiver_that_stands_still),
        RING_TEST(test_receiver_goes_while_it_is_waited_for),
        RING_TEST(test_revoked_page),
        RING_TEST(test_receiver_without_pages_is_not_the_senders_fault),
        RING_TEST(test_false_address_goes_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
