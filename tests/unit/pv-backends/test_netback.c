/*
 * A network card's rings (<xen/io/netif.h>) with a tap that is a socket pair:
 * frames arrive whole, every slot is answered in its place, and hostile slots
 * cost their sender an error, nobody else anything.
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

#include <fcntl.h>
#include <linux/virtio_net.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TX_REF = 8, RX_REF = 9, TX_DATA = 100, RX_DATA = 1000, HDR = 10 };

static struct {
    struct netback nb;
    struct netport port;
    struct netjournal journal;
    int wire; /* the other end of the tap */
    netif_tx_sring_t *tx;
    netif_rx_sring_t *rx;
    netif_tx_front_ring_t txf;
    netif_rx_front_ring_t rxf;
    unsigned int tx_events, rx_events;
} w;

static void on_tx(void *arg)
{
    (void)arg;
    w.tx_events++;
}

static void on_rx(void *arg)
{
    (void)arg;
    w.rx_events++;
}

static int setup(void **state)
{
    struct netback_config cfg = {.name = "test",
                                 .domid = 1,
                                 .scatter = true,
                                 .csum = true,
                                 .ipv6_csum = true,
                                 .tso4 = true,
                                 .tso6 = true,
                                 .port = &w.port,
                                 .journal = &w.journal,
                                 .notify_tx = on_tx,
                                 .notify_rx = on_rx};
    int pair[2], size = 4 << 20;

    (void)state;
    memset(&w, 0, sizeof(w));
    gnttab_fake_reset();
    gnttab_open(&cfg.gnttab);
    netback_setup(cfg.gnttab);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    cfg.tap_fd = pair[0];
    w.wire = pair[1];
    cfg.tx_page = w.tx = gnttab_fake_grant(TX_REF, 1);
    cfg.rx_page = w.rx = gnttab_fake_grant(RX_REF, 1);
    XEN_FRONT_RING_INIT(&w.txf, w.tx, 4096);
    XEN_FRONT_RING_INIT(&w.rxf, w.rx, 4096);
    netback_open(&w.nb, &cfg);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(w.nb.cfg.tap_fd);
    close(w.wire);
    gnttab_fake_reset();
    return 0;
}

static void tx(unsigned int ref, unsigned int offset, unsigned int size,
               unsigned int flags)
{
    struct netif_tx_request *r = RING_GET_REQUEST(&w.txf, w.txf.req_prod_pvt);

    *r = (struct netif_tx_request){.gref = ref,
                                   .offset = offset,
                                   .flags = flags,
                                   .id = w.txf.req_prod_pvt,
                                   .size = size};
    w.txf.req_prod_pvt++;
}

static void tx_extra(uint8_t type, uint8_t gso, uint16_t size, uint8_t flags)
{
    struct netif_extra_info extra = {.type = type, .flags = flags};

    extra.u.gso.type = gso;
    extra.u.gso.size = size;
    memcpy(RING_GET_REQUEST(&w.txf, w.txf.req_prod_pvt++), &extra,
           sizeof(extra));
}

static void tx_run(void)
{
    uint64_t wait_ns;

    RING_PUSH_REQUESTS(&w.txf);
    while (netback_tx_poll(&w.nb, &wait_ns) == NETBACK_TX_MORE)
        ;
}

static int tx_status(unsigned int index)
{
    assert_true((RING_IDX)(w.tx->rsp_prod - index - 1) < 256);
    return RING_GET_RESPONSE(&w.txf, index)->status;
}

static ssize_t wire_read(uint8_t *buf, size_t size)
{
    return read(w.wire, buf, size);
}

static void test_frame_of_two_pages(void **state)
{
    uint8_t buf[8192];

    (void)state;
    memset(gnttab_fake_grant(TX_DATA, 0), 0x11, 4096);
    memset(gnttab_fake_grant(TX_DATA + 1, 0), 0x22, 4096);
    tx(TX_DATA, 96, 4000 + 500, NETTXF_more_data);
    tx(TX_DATA + 1, 10, 500, 0);
    tx_run();
    assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 4500);
    assert_int_equal(buf[HDR], 0x11);
    assert_int_equal(buf[HDR + 3999], 0x11);
    assert_int_equal(buf[HDR + 4000], 0x22);
    assert_int_equal(tx_status(0), NETIF_RSP_OKAY);
    assert_int_equal(tx_status(1), NETIF_RSP_OKAY);
    assert_int_equal(w.tx_events, 1);
    assert_int_equal(gnttab_fake_copies(), 1);
}

/* A large frame as Linux sends it: headers, then what fills whole pages. */
static void test_pieces_are_copied_within_pages_of_ours(void **state)
{
    enum { SIZE = 66 + 3000 + 10 * 4096 + 77 };
    static uint8_t buf[70000];

    (void)state;
    for (unsigned int i = 0; i < 12; i++)
        memset(gnttab_fake_grant(TX_DATA + i, 0), (int)i + 1, 4096);
    for (int frames = 0; frames < 3; frames++) {
        tx(TX_DATA, 0x5be, SIZE, NETTXF_more_data);
        tx(TX_DATA + 1, 1096, 3000, NETTXF_more_data);
        for (unsigned int i = 2; i < 12; i++)
            tx(TX_DATA + i, 0, 4096, NETTXF_more_data);
        tx(TX_DATA + 5, 0, 77, 0);
    }
    tx_run();
    for (int frames = 0; frames < 3; frames++) {
        assert_int_equal(wire_read(buf, sizeof(buf)), HDR + SIZE);
        assert_int_equal(buf[HDR + 65], 1);
        assert_int_equal(buf[HDR + 66], 2);
        assert_int_equal(buf[HDR + 66 + 2999], 2);
        assert_int_equal(buf[HDR + 66 + 3000], 3);
        assert_int_equal(buf[HDR + SIZE - 1], 6);
    }
    assert_int_equal(gnttab_fake_slow_copies(), 0);
}

static void test_many_frames_in_one_copy(void **state)
{
    uint8_t buf[256];

    (void)state;
    gnttab_fake_grant(TX_DATA, 0);
    for (int i = 0; i < 100; i++)
        tx(TX_DATA, 0, 60, 0);
    tx_run();
    for (int i = 0; i < 100; i++)
        assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 60);
    assert_int_equal(gnttab_fake_slow_copies(), 0);
    assert_int_equal(gnttab_fake_copies(), 1);
    assert_int_equal(w.tx_events, 1);
}

static void test_hostile_slots_get_errors(void **state)
{
    uint8_t buf[8192];

    (void)state;
    gnttab_fake_grant(TX_DATA, 0);
    tx(TX_DATA, 4090, 60, 0);             /* over the page's end */
    tx(TX_DATA, 0, 13, 0);                /* no header's worth */
    tx(77, 0, 60, 0);                     /* granted to nobody */
    tx(TX_DATA, 0, 60, NETTXF_more_data); /* parts longer than all */
    tx(TX_DATA, 0, 61, 0);
    tx(TX_DATA, 65535, 65535, 0);
    tx(TX_DATA, 0, 60, NETTXF_extra_info); /* an extra of no kind */
    tx_extra(99, 0, 0, 0);
    tx(TX_DATA, 0, 60, NETTXF_extra_info); /* segments of no size */
    tx_extra(XEN_NETIF_EXTRA_TYPE_GSO, XEN_NETIF_GSO_TYPE_TCPV4, 0, 0);
    tx(TX_DATA, 0, 60, NETTXF_csum_blank); /* zeros are no TCP */
    tx(TX_DATA, 0, 60, 0);                 /* and a good one */
    tx_run();
    assert_int_equal(tx_status(0), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(1), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(2), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(3), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(4), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(5), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(6), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(7), NETIF_RSP_NULL);
    assert_int_equal(tx_status(8), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(9), NETIF_RSP_NULL);
    assert_int_equal(tx_status(10), NETIF_RSP_ERROR);
    assert_int_equal(tx_status(11), NETIF_RSP_OKAY);
    assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 60);
    assert_true(wire_read(buf, sizeof(buf)) < 0);
    assert_false(w.nb.broken);
}

static void test_chain_of_too_many_slots_is_refused_whole(void **state)
{
    (void)state;
    gnttab_fake_grant(TX_DATA, 0);
    for (int i = 0; i < 40; i++)
        tx(TX_DATA, 0, i ? 10 : 1000, i < 39 ? NETTXF_more_data : 0);
    tx_run();
    for (int i = 0; i < 40; i++)
        assert_int_equal(tx_status(i), NETIF_RSP_ERROR);
    assert_false(w.nb.broken);
}

static void test_chain_without_end_is_not_served(void **state)
{
    (void)state;
    gnttab_fake_grant(TX_DATA, 0);
    for (int i = 0; i < 256; i++)
        tx(TX_DATA, 0, 60, NETTXF_more_data);
    tx_run();
    assert_true(w.nb.broken);
    tx_run();
    assert_int_equal(w.tx_events, 0);
}

static void test_impossible_indices(void **state)
{
    uint64_t wait_ns;

    (void)state;
    w.tx->req_prod = 257;
    assert_int_equal(netback_tx_poll(&w.nb, &wait_ns), NETBACK_TX_IDLE);
    assert_true(w.nb.broken);
    w.nb.broken = false;
    w.rx->req_prod = 1u << 31;
    assert_int_equal(netback_rx_push(&w.nb), NETBACK_RX_FULL);
    assert_true(w.nb.broken);
}

/* --- receiving --------------------------------------------------------------
 */

static void post(unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++) {
        struct netif_rx_request *r =
            RING_GET_REQUEST(&w.rxf, w.rxf.req_prod_pvt);
        unsigned int ref = RX_DATA + (w.rxf.req_prod_pvt & 255);

        gnttab_fake_grant(ref, 1);
        r->id = w.rxf.req_prod_pvt & 255;
        r->gref = ref;
        w.rxf.req_prod_pvt++;
    }
    RING_PUSH_REQUESTS(&w.rxf);
}

static void wire_write(const struct virtio_net_hdr *hdr, size_t size)
{
    static uint8_t buf[70000];

    memcpy(buf, hdr, HDR);
    for (size_t i = 0; i < size; i++)
        buf[HDR + i] = i >> 8;
    assert_int_equal(write(w.wire, buf, HDR + size), HDR + size);
}

static void test_received_frame_in_its_slot(void **state)
{
    const struct virtio_net_hdr hdr = {0};
    struct netif_rx_response *rsp;

    (void)state;
    post(64);
    wire_write(&hdr, 60);
    assert_int_equal(netback_rx_push(&w.nb), NETBACK_RX_IDLE);
    rsp = RING_GET_RESPONSE(&w.rxf, 0);
    assert_int_equal(w.rx->rsp_prod, 1);
    assert_int_equal(rsp->id, 0);
    assert_int_equal(rsp->status, 60);
    assert_int_equal(rsp->flags, 0);
    assert_int_equal(w.rx_events, 1);
}

static void test_large_segmented_frame(void **state)
{
    const struct virtio_net_hdr hdr = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                       .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                       .gso_size = 1448};
    struct netif_rx_response *rsp;
    struct netif_extra_info extra;

    (void)state;
    post(64);
    wire_write(&hdr, 10000);
    assert_int_equal(netback_rx_push(&w.nb), NETBACK_RX_IDLE);
    assert_int_equal(w.rx->rsp_prod, 4); /* three pages and an extra */
    rsp = RING_GET_RESPONSE(&w.rxf, 0);
    assert_int_equal(rsp->flags, NETRXF_csum_blank | NETRXF_data_validated |
                                     NETRXF_extra_info | NETRXF_more_data);
    assert_int_equal(rsp->status, 4096);
    memcpy(&extra, RING_GET_RESPONSE(&w.rxf, 1), sizeof(extra));
    assert_int_equal(extra.type, XEN_NETIF_EXTRA_TYPE_GSO);
    assert_int_equal(extra.u.gso.size, 1448);
    assert_int_equal(RING_GET_RESPONSE(&w.rxf, 2)->flags, NETRXF_more_data);
    rsp = RING_GET_RESPONSE(&w.rxf, 3);
    assert_int_equal(rsp->flags, 0);
    assert_int_equal(rsp->status, 10000 - 8192);
    assert_int_equal(rsp->id, 3);
    assert_int_equal(gnttab_fake_slow_copies(), 0);
}

static void test_no_buffers_no_reading(void **state)
{
    const struct virtio_net_hdr hdr = {0};

    (void)state;
    wire_write(&hdr, 60);
    assert_int_equal(netback_rx_push(&w.nb), NETBACK_RX_FULL);
    assert_int_equal(w.rx->req_event, NET_MAX_FRAGS + 1); /* asked for */
    netback_rx_drop(&w.nb);
    assert_int_equal(w.nb.stats.rx_dropped, 1);
    post(64);
    assert_true(netback_rx_ready(&w.nb));
    assert_int_equal(netback_rx_push(&w.nb), NETBACK_RX_IDLE);
}

static void test_buffer_that_is_not_granted(void **state)
{
    const struct virtio_net_hdr hdr = {0};

    (void)state;
    post(64);
    gnttab_fake_revoke(RX_DATA);
    wire_write(&hdr, 60);
    netback_rx_push(&w.nb);
    assert_int_equal(RING_GET_RESPONSE(&w.rxf, 0)->status, NETIF_RSP_ERROR);
}

static void test_successor_takes_unanswered_slots_again(void **state)
{
    struct netback_config cfg = w.nb.cfg;
    uint8_t buf[256];

    (void)state;
    gnttab_fake_grant(TX_DATA, 0);
    tx(TX_DATA, 0, 60, 0);
    tx_run();
    tx(TX_DATA, 0, 70, 0);
    RING_PUSH_REQUESTS(&w.txf);
    netback_open(&w.nb, &cfg); /* the first one was killed here */
    tx_run();
    assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 60);
    assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 70);
    assert_int_equal(tx_status(1), NETIF_RSP_OKAY);
}

/*
 * Killed between writing answers and publishing them: the slots hold answers
 * where requests were. The successor publishes them and sends nothing anew.
 */
static void test_successor_publishes_what_was_answered(void **state)
{
    struct netback_config cfg = w.nb.cfg;
    uint8_t buf[256];

    (void)state;
    gnttab_fake_grant(TX_DATA, 0);
    tx(TX_DATA, 0, 60, 0);
    tx(TX_DATA, 0, 13, 0); /* refused */
    tx_run();
    assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 60);
    w.tx->rsp_prod = 0;
    memset(RING_GET_RESPONSE(&w.txf, 1), 0xff, 4); /* half written */
    netback_open(&w.nb, &cfg);
    assert_int_equal(w.tx->rsp_prod, 2);
    assert_int_equal(tx_status(0), NETIF_RSP_OKAY);
    assert_int_equal(tx_status(1), NETIF_RSP_ERROR);
    tx_run();
    assert_true(wire_read(buf, sizeof(buf)) < 0);
}

static void test_successor_publishes_what_was_received(void **state)
{
    const struct virtio_net_hdr hdr = {0};
    struct netback_config cfg = w.nb.cfg;

    (void)state;
    post(64);
    wire_write(&hdr, 60);
    wire_write(&hdr, 5000);
    netback_rx_push(&w.nb);
    assert_int_equal(w.rx->rsp_prod, 3);
    w.rx->rsp_prod = 0;
    memset(RING_GET_RESPONSE(&w.rxf, 2), 0xff, 8);
    netback_open(&w.nb, &cfg);
    assert_int_equal(w.rx->rsp_prod, 3);
    assert_int_equal(RING_GET_RESPONSE(&w.rxf, 2)->status, 5000 - 4096);
    wire_write(&hdr, 61);
    netback_rx_push(&w.nb);
    assert_int_equal(RING_GET_RESPONSE(&w.rxf, 3)->status, 61);
    assert_int_equal(RING_GET_RESPONSE(&w.rxf, 3)->id, 3);
}

static void test_rate_is_held(void **state)
{
    struct bucket limit = {0};
    uint64_t wait_ns = 0;
    uint8_t buf[2048];

    (void)state;
    bucket_set(&limit, 1000, 2000); /* slow: the host may be busy */
    w.nb.cfg.limit = &limit;
    gnttab_fake_grant(TX_DATA, 0);
    for (int i = 0; i < 4; i++)
        tx(TX_DATA, 0, 1500, 0);
    RING_PUSH_REQUESTS(&w.txf);
    assert_int_equal(netback_tx_poll(&w.nb, &wait_ns), NETBACK_TX_LIMITED);
    /* 2000 at once let two frames begin; the debt is a second. */
    assert_in_range(wait_ns, 1, 1100000000);
    assert_int_equal(w.tx->rsp_prod, 2);
    limit.level = 1; /* as time would have it */
    assert_int_equal(netback_tx_poll(&w.nb, &wait_ns), NETBACK_TX_LIMITED);
    assert_int_equal(w.tx->rsp_prod, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 1500);
    assert_true(wire_read(buf, sizeof(buf)) < 0);
}

static void test_only_its_own_address(void **state)
{
    uint8_t *page = gnttab_fake_grant(TX_DATA, 0), buf[256];

    (void)state;
    w.port.place.filtered = true;
    memset(w.port.place.mac, 0x22, 6);
    memset(page + 6, 0x22, 6);
    tx(TX_DATA, 0, 60, 0);
    tx_run();
    assert_int_equal(tx_status(0), NETIF_RSP_OKAY);
    page[11] = 0x23;
    tx(TX_DATA, 0, 61, 0);
    tx_run();
    assert_int_equal(tx_status(1), NETIF_RSP_ERROR);
    assert_int_equal(w.nb.stats.tx_spoofed, 1);
    assert_int_equal(wire_read(buf, sizeof(buf)), HDR + 60);
    assert_true(wire_read(buf, sizeof(buf)) < 0);
}

#define RING_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(test_frame_of_two_pages),
        RING_TEST(test_pieces_are_copied_within_pages_of_ours),
        RING_TEST(test_many_frames_in_one_copy),
        RING_TEST(test_hostile_slots_get_errors),
        RING_TEST(test_chain_of_too_many_slots_is_refused_whole),
        RING_TEST(test_chain_without_end_is_not_served),
        RING_TEST(test_impossible_indices),
        RING_TEST(test_received_frame_in_its_slot),
        RING_TEST(test_large_segmented_frame),
        RING_TEST(test_no_buffers_no_reading),
        RING_TEST(test_buffer_that_is_not_granted),
        RING_TEST(test_successor_takes_unanswered_slots_again),
        RING_TEST(test_successor_publishes_what_was_answered),
        RING_TEST(test_successor_publishes_what_was_received),
        RING_TEST(test_rate_is_held),
        RING_TEST(test_only_its_own_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
