#include "pv-frontends/core/netqueue.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/shim/shim.h"

enum {
    TX_PAGES = (NET_SLOTS * sizeof(struct net_tx_slot) + SHIM_PAGE_SIZE - 1) /
               SHIM_PAGE_SIZE,
    RX_PAGES = (NET_SLOTS * sizeof(struct net_rx_slot) + SHIM_PAGE_SIZE - 1) /
               SHIM_PAGE_SIZE,
};

static void on_event(void *arg)
{
    struct net_queue *q = arg;

    if (q->net->set.wake)
        q->net->set.wake(q->net->set.arg, q->index);
}

/* ---- making and dropping ------------------------------------------------- */

static void *shared_page(struct net_queue *q, grant_ref_t *ref)
{
    void *page = shim_pages_alloc(1);

    *ref = GNT_NONE;
    if (page)
        *ref = gnt_grant(q->net->dev.backend_id, page, false);
    if (page && *ref == GNT_NONE) {
        shim_pages_free(page, 1);
        return NULL;
    }
    return page;
}

static int rings_make(struct net_queue *q)
{
    netif_tx_sring_t *tx = shared_page(q, &q->tx_ref);
    netif_rx_sring_t *rx = shared_page(q, &q->rx_ref);

    if (tx) {
        SHARED_RING_INIT(tx);
        FRONT_RING_INIT(&q->tx, tx, SHIM_PAGE_SIZE);
    }
    if (rx) {
        SHARED_RING_INIT(rx);
        FRONT_RING_INIT(&q->rx, rx, SHIM_PAGE_SIZE);
    }
    return tx && rx ? 0 : -XEN_ENOMEM;
}

static int slots_make(struct net_queue *q)
{
    q->tx_slots = shim_pages_alloc(TX_PAGES);
    q->rx_slots = shim_pages_alloc(RX_PAGES);
    if (!q->tx_slots || !q->rx_slots)
        return -XEN_ENOMEM;
    for (unsigned int i = 0; i < NET_SLOTS; i++) {
        q->tx_slots[i].next_free = (uint16_t)(i + 1);
        q->rx_slots[i].ref = GNT_NONE;
    }
    q->tx_free = 0;
    q->nr_tx_free = NET_SLOTS;
    return 0;
}

int net_queue_make(struct net_queue *q)
{
    int rc = rings_make(q);

    if (!rc)
        rc = slots_make(q);
    if (rc)
        return rc;
    q->port = evtchn_alloc_unbound(q->net->dev.backend_id);
    if (q->port < 0)
        return q->port;
    net_rx_post(q);
    return evtchn_listen((evtchn_port_t)q->port, on_event, q);
}

static void tx_drop(struct net_queue *q)
{
    for (unsigned int i = 0; i < NET_SLOTS; i++) {
        struct net_tx_slot *slot = &q->tx_slots[i];

        if (!slot->used)
            continue;
        slot->used = false;
        gnt_end_page(slot->ref, NULL);
        if (!--slot->frame->nr_unanswered && slot->frame->sent)
            slot->frame->sent(slot->frame, -XEN_EIO);
    }
    shim_pages_free(q->tx_slots, TX_PAGES);
    q->tx_slots = NULL;
}

static void incoming_drop(struct net_queue *q)
{
    for (unsigned int i = 0; i < q->incoming.nr_pieces; i++)
        shim_pages_free(q->incoming.pieces[i].page, 1);
    memset(&q->incoming, 0, sizeof(q->incoming));
    q->drop_incoming = false;
}

static void rx_drop(struct net_queue *q)
{
    for (unsigned int i = 0; i < NET_SLOTS; i++)
        if (q->rx_slots[i].page)
            gnt_end_page(q->rx_slots[i].ref, q->rx_slots[i].page);
    shim_pages_free(q->rx_slots, RX_PAGES);
    q->rx_slots = NULL;
}

void net_queue_drop(struct net_queue *q)
{
    if (q->port > 0)
        evtchn_close((evtchn_port_t)q->port);
    q->port = 0;
    q->broken = true;
    if (q->tx_slots)
        tx_drop(q);
    if (q->rx_slots)
        rx_drop(q);
    incoming_drop(q);
    if (q->tx.sring)
        gnt_end_page(q->tx_ref, q->tx.sring);
    if (q->rx.sring)
        gnt_end_page(q->rx_ref, q->rx.sring);
    q->tx.sring = NULL;
    q->rx.sring = NULL;
}

/* ---- receiving ------------------------------------------------------------
 * A buffer's id is its place in the ring, and backends answer in order: so the
 * answer in a place is for the buffer of that place.
 */

static bool post_one(struct net_queue *q)
{
    RING_IDX at = q->rx.req_prod_pvt;
    struct net_rx_slot *slot = &q->rx_slots[at % NET_SLOTS];
    struct netif_rx_request request = {.id = (uint16_t)(at % NET_SLOTS)};

    slot->page = shared_page(q, &slot->ref);
    if (!slot->page)
        return false;
    request.gref = slot->ref;
    memcpy(RING_GET_REQUEST(&q->rx, at), &request, sizeof(request));
    q->rx.req_prod_pvt++;
    return true;
}

void net_rx_post(struct net_queue *q)
{
    RING_IDX before = shared_read(q->rx.sring->req_prod), now;

    while (q->rx.req_prod_pvt - q->rx.rsp_cons < q->net->set.nr_buffers &&
           post_one(q))
        ;
    now = q->rx.req_prod_pvt;
    if (now == before)
        return;
    xen_wmb(); /* the slots before the index that covers them */
    shared_write(q->rx.sring->req_prod, now);
    xen_mb(); /* the index before we look whether the backend sleeps */
    if (ring_wants_event(before, now, shared_read(q->rx.sring->req_event)))
        evtchn_send((evtchn_port_t)q->port);
}

/* Something more about the frame, in a buffer's answer slot. */
static bool take_extra(struct net_queue *q, const struct netif_rx_response *raw)
{
    struct netif_extra_info extra;

    memcpy(&extra, raw, sizeof(extra));
    if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO) {
        q->incoming.segmentation =
            extra.u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6 ? NET_TCP6 : NET_TCP4;
        q->incoming.segment_size = extra.u.gso.size;
    }
    return extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
}

/* The buffer of a place, ours again; NULL when the backend keeps it. */
static void *buffer_take(struct net_queue *q, unsigned int place)
{
    struct net_rx_slot *slot = &q->rx_slots[place];
    void *page = slot->page;

    slot->page = NULL;
    if (!gnt_end(slot->ref))
        return page;
    gnt_end_page(slot->ref, page);
    return NULL;
}

static bool answer_is_sane(const struct netif_rx_response *answer,
                           unsigned int place)
{
    return answer->id == place && answer->status > 0 &&
           answer->offset < SHIM_PAGE_SIZE &&
           answer->offset + answer->status <= (int)SHIM_PAGE_SIZE;
}

static void take_piece(struct net_queue *q,
                       const struct netif_rx_response *answer,
                       unsigned int place)
{
    void *page = buffer_take(q, place);
    struct net_frame *in = &q->incoming;

    if (!page || !answer_is_sane(answer, place) ||
        in->nr_pieces == NET_MAX_PIECES) {
        q->drop_incoming = true;
        if (page)
            shim_pages_free(page, 1);
        if (answer->status >= 0)
            q->net->nr_bad++;
        return;
    }
    if (!in->nr_pieces) {
        in->checksum_blank = answer->flags & NETRXF_csum_blank;
        in->data_good = answer->flags & NETRXF_data_validated;
    }
    in->pieces[in->nr_pieces++] = (struct net_piece){
        .page = page,
        .offset = answer->offset,
        .length = (uint16_t)answer->status,
    };
}

static void frame_done(struct net_queue *q)
{
    if (q->drop_incoming)
        q->net->nr_dropped++;
    else if (q->net->set.receive)
        q->net->set.receive(q->net->set.arg, q->index, &q->incoming);
    incoming_drop(q);
}

/* A frame may lie over several answers, and those over several polls. */
static bool frame_is_whole(struct net_queue *q, RING_IDX end, RING_IDX *next)
{
    bool more = true, extra = false;

    for (RING_IDX at = q->rx.rsp_cons; at != end; at++) {
        struct netif_rx_response answer;

        shared_copy_out(&answer, RING_GET_RESPONSE(&q->rx, at), sizeof(answer));
        if (extra) {
            struct netif_extra_info more_of_it;

            memcpy(&more_of_it, &answer, sizeof(more_of_it));
            extra = more_of_it.flags & XEN_NETIF_EXTRA_FLAG_MORE;
        } else {
            more = answer.flags & NETRXF_more_data;
            extra = answer.flags & NETRXF_extra_info;
        }
        if (!more && !extra) {
            *next = at + 1;
            return true;
        }
    }
    return false;
}

/*
 * The answers are read again here, one copy each: if they differ from what the
 * look ahead saw, the frame is what they say now, up to the same end.
 */
static void frame_take(struct net_queue *q, RING_IDX next)
{
    bool extra = false;

    for (; q->rx.rsp_cons != next; q->rx.rsp_cons++) {
        unsigned int place = q->rx.rsp_cons % NET_SLOTS;
        struct netif_rx_response answer;

        shared_copy_out(&answer, RING_GET_RESPONSE(&q->rx, q->rx.rsp_cons),
                        sizeof(answer));
        if (extra) {
            void *page = buffer_take(q, place);

            /* No data came in this one. */
            if (page)
                shim_pages_free(page, 1);
            extra = take_extra(q, &answer);
            continue;
        }
        take_piece(q, &answer, place);
        extra = answer.flags & NETRXF_extra_info;
    }
    frame_done(q);
}

unsigned int net_rx_poll(struct net_queue *q)
{
    RING_IDX end = shared_read(q->rx.sring->rsp_prod), next;
    unsigned int nr = 0;

    if (end - q->rx.rsp_cons > q->rx.req_prod_pvt - q->rx.rsp_cons) {
        net_queue_break(q, "impossible index of received frames, "
                           "queue given up");
        return 0;
    }
    xen_rmb(); /* the answers after the index that covers them */
    while (q->rx.rsp_cons != end && frame_is_whole(q, end, &next)) {
        nr += next - q->rx.rsp_cons;
        frame_take(q, next);
        if (!net_queue_is_usable(q))
            return nr;
    }
    if (end != q->rx.rsp_cons && end == q->rx.req_prod_pvt)
        net_queue_break(q, "a frame without end, queue given up");
    return nr;
}
