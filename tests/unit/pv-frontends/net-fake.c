#include "tests/unit/pv-frontends/net-fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(const char *key, unsigned int value)
{
    char path[100], text[16];

    snprintf(path, sizeof(path), "%s/%s", NET_BACK, key);
    snprintf(text, sizeof(text), "%u", value);
    fake_store_set(path, text);
}

static long get(const char *dir, const char *key)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", dir, key);
    return fake_store_number(path);
}

void net_begin(struct net_fake *n)
{
    fake_store_set(NET_FRONT "/backend", NET_BACK);
    fake_store_set(NET_FRONT "/backend-id", "0");
    fake_store_set(NET_FRONT "/mac", "00:16:3E:0a:0b:0c");
    fake_store_set(NET_FRONT "/state", "1");
    net_restart(n);
}

void net_restart(struct net_fake *n)
{
    n->connected = false;
    n->just_begun = true;
    set("multi-queue-max-queues", n->max_queues);
    set("feature-sg", n->sg);
    set("feature-gso-tcpv4", !n->no_tso);
    set("state", XenbusStateInitWait);
}

static void connect(struct net_fake *n)
{
    long nr = get(NET_FRONT, "multi-queue-num-queues");

    n->nr_queues = nr > 0 ? (unsigned int)nr : 1;
    for (unsigned int i = 0; i < n->nr_queues; i++) {
        char dir[100] = NET_FRONT;
        netif_tx_sring_t *tx;
        netif_rx_sring_t *rx;

        if (n->nr_queues > 1)
            snprintf(dir, sizeof(dir), "%s/queue-%u", NET_FRONT, i);
        tx = fake_grant_map((grant_ref_t)get(dir, "tx-ring-ref"), true);
        rx = fake_grant_map((grant_ref_t)get(dir, "rx-ring-ref"), true);
        if (!tx || !rx)
            return;
        BACK_RING_INIT(&n->q[i].tx, tx, 4096);
        BACK_RING_INIT(&n->q[i].rx, rx, 4096);
        n->q[i].port = (unsigned int)get(dir, "event-channel");
    }
    set("state", XenbusStateConnected);
    n->connected = true;
}

static bool gather(struct net_fake *n, unsigned int q, struct net_packet *g)
{
    netif_tx_back_ring_t *tx = &n->q[q].tx;
    struct netif_tx_request rq;
    struct netif_extra_info extra = {0};
    unsigned int size = 0, rest = 0;
    uint16_t ids[20];

    memset(g, 0, sizeof(*g));
    if (!RING_HAS_UNCONSUMED_REQUESTS(tx))
        return false;
    do {
        rq = *RING_GET_REQUEST(tx, tx->req_cons);
        tx->req_cons++;
        if (!g->nr) {
            rest = size = rq.size;
            g->flags = rq.flags;
        }
        ids[g->nr++] = rq.id;
        if (g->nr == 1 && rq.flags & NETTXF_extra_info) {
            memcpy(&extra, RING_GET_REQUEST(tx, tx->req_cons), sizeof(extra));
            tx->req_cons++;
            g->segment = extra.u.gso.size;
            g->segmentation = extra.u.gso.type;
        }
        /* Later pieces say their own length; the first has what is left. */
        if (g->nr > 1)
            rest -= rq.size;
        memcpy(g->data + g->size,
               (uint8_t *)fake_grant_map(rq.gref, false) + rq.offset,
               g->nr > 1 ? rq.size : 0);
        if (g->nr > 1)
            g->size += rq.size;
        else
            g->size = 0;
    } while (rq.flags & NETTXF_more_data);
    /* The first piece goes to the front, now that its length is known. */
    {
        RING_IDX first = tx->req_cons - g->nr - (extra.type != 0);
        struct netif_tx_request *f = RING_GET_REQUEST(tx, first);

        memmove(g->data + rest, g->data, g->size);
        memcpy(g->data, (uint8_t *)fake_grant_map(f->gref, false) + f->offset,
               rest);
        g->size += rest;
    }
    for (unsigned int i = 0; i < g->nr + (extra.type != 0); i++) {
        struct netif_tx_response *a = RING_GET_RESPONSE(tx, tx->rsp_prod_pvt);
        bool is_extra = extra.type && i == 1;

        tx->rsp_prod_pvt++;
        a->id = is_extra ? 0 : ids[i > 1 && extra.type ? i - 1 : i];
        a->status = is_extra ? NETIF_RSP_NULL : NETIF_RSP_OKAY;
    }
    n->last_size = (uint16_t)size;
    n->nr_frames++;
    n->nr_slots += g->nr;
    return g->size == size;
}

bool net_give(struct net_fake *n, unsigned int q, const struct net_packet *g)
{
    netif_rx_back_ring_t *rx = &n->q[q].rx;
    unsigned int need = (g->size + 4095) / 4096 + (g->segment != 0), at = 0;

    if (!n->connected || rx->sring->req_prod - rx->req_cons < need) {
        n->nr_dropped++;
        return false;
    }
    for (bool first = true; at < g->size; first = false) {
        struct netif_rx_request rq = *RING_GET_REQUEST(rx, rx->req_cons);
        unsigned int size = g->size - at < 4096 ? g->size - at : 4096;
        struct netif_rx_response a = {.id = rq.id, .status = (int16_t)size};

        memcpy(fake_grant_map(rq.gref, true), g->data + at, size);
        at += size;
        if (at < g->size)
            a.flags |= NETRXF_more_data;
        if (first && g->flags & NETTXF_csum_blank)
            a.flags |= NETRXF_csum_blank | NETRXF_data_validated;
        if (first && g->segment)
            a.flags |= NETRXF_extra_info;
        *RING_GET_RESPONSE(rx, rx->rsp_prod_pvt) = a;
        rx->req_cons++;
        rx->rsp_prod_pvt++;
        if (first && g->segment) {
            struct netif_extra_info extra = {
                .type = XEN_NETIF_EXTRA_TYPE_GSO,
                .u.gso = {.size = g->segment, .type = g->segmentation},
            };

            memcpy(RING_GET_RESPONSE(rx, rx->rsp_prod_pvt), &extra, 8);
            rx->req_cons++;
            rx->rsp_prod_pvt++;
        }
    }
    return true;
}

static void serve(struct net_fake *n, unsigned int q)
{
    static struct net_packet g;
    int tx, rx;

    while (gather(n, q, &g)) {
        n->last_flags = g.flags;
        n->last_segment = g.segment;
        n->last_segmentation = g.segmentation;
        if (n->forward)
            n->forward(n, q, &g);
        else if (!n->mute)
            (void)net_give(n, q, &g);
    }
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&n->q[q].tx, tx);
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&n->q[q].rx, rx);
    if (tx || rx)
        fake_raise(n->q[q].port);
}

void net_turn(struct net_fake *n)
{
    long peer = get(NET_FRONT, "state"), own = get(NET_BACK, "state");

    /* What the frontend says of itself now is of its last backend. */
    if (n->just_begun) {
        n->just_begun = false;
        return;
    }
    if (own == XenbusStateInitWait && peer == XenbusStateConnected)
        connect(n);
    else if (own == XenbusStateConnected && peer == XenbusStateClosing)
        set("state", XenbusStateClosing), n->connected = false;
    else if (own == XenbusStateClosing && peer == XenbusStateClosed)
        set("state", XenbusStateClosed);
    else if (own == XenbusStateClosed && peer == XenbusStateInitialising)
        net_restart(n);
    for (unsigned int i = 0; n->connected && i < n->nr_queues; i++)
        serve(n, i);
}
