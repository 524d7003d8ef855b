/*
 * A sending ring full of foreign bytes, over pages full of foreign bytes: the
 * network backend answers every slot it takes, writes only whole frames to the
 * tap, and fills another guest's buffers only with whole frames.
 *
 * sources: dom0/libs/latency/latency.c
 * sources: pv-backends/net/netback.c pv-backends/net/nettx.c
 * sources: pv-backends/net/netrx.c pv-backends/net/netdecode.c
 * sources: pv-backends/net/netswitch.c pv-backends/net/netjournal.c
 * sources: pv-backends/net/packet.c pv-backends/runtime/bucket.c
 * sources: dom0/libs/gnttab/gnttab-fake.c
 */
#include "pv-backends/net/netback.h"
#include "pv-backends/net/netswitch.h"
#include "dom0/libs/gnttab/gnttab-fake.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 4, FIRST_REF = 16, RX_REF = 100, SLOT = 12 };

/* The log would be all there is to see. */
void log_line(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
                 ...)
{
    (void)limit, (void)level, (void)fmt;
}

static void notify(void *arg)
{
    (void)arg;
}

/* Two cards on one bridge: the first is the fuzzer's, the second listens. */
static struct card {
    struct netback nb, *rings[1];
    struct netback_config cfg;
    struct netjournal journal;
    struct netport port;
} cards[2];

static void prepare_card(struct card *c, uint32_t ref, uint8_t address)
{
    c->cfg = (struct netback_config){.name = "fuzz",
                                     .domid = 1,
                                     .scatter = true,
                                     .csum = true,
                                     .ipv6_csum = true,
                                     .tso4 = true,
                                     .tso6 = true,
                                     .journal = &c->journal,
                                     .port = &c->port,
                                     .notify_tx = notify,
                                     .notify_rx = notify,
                                     .wake_tx = notify};
    gnttab_open(&c->cfg.gnttab);
    netback_setup(c->cfg.gnttab);
    c->cfg.tap_fd = open("/dev/null", O_RDWR);
    c->cfg.tx_page = gnttab_fake_grant(ref, 1);
    c->cfg.rx_page = gnttab_fake_grant(ref + 1, 1);
    c->port.place = (struct netplace){.bridge = "br", .mtu = 1500};
    memset(c->port.place.mac, address, NET_MAC_BYTES);
    c->rings[0] = &c->nb;
    netport_list(&c->port);
    netport_connect(&c->port, c->rings, 1);
}

static void prepare(void)
{
    if (cards[0].cfg.tx_page)
        return;
    prepare_card(&cards[0], 1, 0x22);
    prepare_card(&cards[1], 3, 0x44);
    gnttab_fake_grant_run(FIRST_REF, PAGES);
    gnttab_fake_grant_run(RX_REF, NET_RING_ENTRIES);
}

static void open_card(struct card *c)
{
    memset(c->cfg.tx_page, 0, 4096);
    memset(c->cfg.rx_page, 0, 4096);
    memset(&c->journal, 0, sizeof(c->journal));
    netback_open(&c->nb, &c->cfg);
}

/* The listener has a full ring of buffers. */
static void post_all(struct card *c)
{
    netif_rx_sring_t *ring = c->cfg.rx_page;

    for (unsigned int i = 0; i < NET_RING_ENTRIES; i++)
        ring->ring[i].req =
            (struct netif_rx_request){.id = i, .gref = RX_REF + i};
    ring->req_prod = NET_RING_ENTRIES;
}

/* Every frame the listener was given ends, and has sane pieces. */
static void check_received(const struct card *c)
{
    const netif_rx_sring_t *ring = c->cfg.rx_page;
    bool more = false;

    for (RING_IDX i = 0; i < ring->rsp_prod; i++) {
        const struct netif_rx_response *rsp = &ring->ring[i].rsp;

        if (rsp->status > NET_PAGE || rsp->offset)
            abort();
        if (!more && (rsp->flags & NETRXF_extra_info))
            i++;
        more = rsp->flags & NETRXF_more_data;
    }
    if (more)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number of slots, the slots, then what the pages begin with. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    netif_tx_sring_t *ring;
    enum netback_tx result;
    uint64_t wait_ns;
    unsigned int nr;
    void *pages;

    if (!size)
        return 0;
    prepare();
    open_card(&cards[0]);
    open_card(&cards[1]);
    post_all(&cards[1]);
    ring = cards[0].cfg.tx_page;
    nr = data[0];
    data++, size--;
    for (unsigned int i = 0; i < nr && size; i++) {
        size_t n = size < SLOT ? size : SLOT;

        memcpy(&ring->ring[i], data, n);
        /* Mostly references that exist. */
        ring->ring[i].req.gref = FIRST_REF + ring->ring[i].req.gref % 5;
        data += n;
        size -= n;
    }
    if (gnttab_map(cards[0].cfg.gnttab, 1, (uint32_t[]){FIRST_REF}, 1, 1,
                   &pages))
        abort();
    memset(pages, 0x44, NET_MAC_BYTES); /* what was there, or the listener */
    memcpy(pages, data, size < 4096 ? size : 4096);
    gnttab_unmap(cards[0].cfg.gnttab, pages, 1);
    ring->req_prod = nr;
    while ((result = netback_tx_poll(&cards[0].nb, &wait_ns)) ==
           NETBACK_TX_MORE)
        ;
    if (result == NETBACK_TX_WAITS) { /* the listener's buffers are used up */
        netback_tx_give_up(&cards[0].nb);
        result = netback_tx_poll(&cards[0].nb, &wait_ns);
    }
    if (result != NETBACK_TX_IDLE)
        abort();
    if (!cards[0].nb.broken && ring->rsp_prod != nr)
        abort();
    check_received(&cards[1]);
    netback_close(&cards[0].nb);
    netback_close(&cards[1].nb);
    return 0;
}
