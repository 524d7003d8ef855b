#include "pv-frontends/core/netfront.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/netqueue.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/shim/shim.h"

enum { MAX_ROUNDS = 8 };

static struct netfront *netfront_of(struct xbdev *dev)
{
    return container_of(dev, struct netfront, dev);
}

/* ---- the handshake ------------------------------------------------------- */

static void nf_lose(struct xbdev *dev)
{
    struct netfront *net = netfront_of(dev);

    for (unsigned int i = 0; i < net->nr_queues; i++)
        net_queue_drop(&net->queues[i]);
    net->nr_queues = 0;
}

static unsigned int queues_allowed(const struct netfront *net)
{
    uint64_t max =
        store_read_uint(0, net->dev.backend, "multi-queue-max-queues", 1);
    unsigned int nr = net->set.queues ? net->set.queues : 1;

    if (nr > NET_MAX_QUEUES)
        nr = NET_MAX_QUEUES;
    if (nr > max)
        nr = (unsigned int)max;
    return nr ? nr : 1;
}

static int nf_share(struct xbdev *dev)
{
    struct netfront *net = netfront_of(dev);
    int rc = 0;

    net->nr_queues = queues_allowed(net);
    for (unsigned int i = 0; i < net->nr_queues; i++) {
        memset(&net->queues[i], 0, sizeof(net->queues[i]));
        net->queues[i].net = net;
        net->queues[i].index = i;
    }
    for (unsigned int i = 0; !rc && i < net->nr_queues; i++)
        rc = net_queue_make(&net->queues[i]);
    if (rc)
        nf_lose(dev);
    return rc;
}

static int publish_queue(const struct net_queue *q, const char *dir,
                         store_tx_t tx)
{
    int rc = store_write_uint(tx, dir, "tx-ring-ref", q->tx_ref);

    if (!rc)
        rc = store_write_uint(tx, dir, "rx-ring-ref", q->rx_ref);
    if (!rc)
        rc = store_write_uint(tx, dir, "event-channel", (uint64_t)q->port);
    return rc;
}

static int publish_queues(const struct netfront *net, store_tx_t tx)
{
    char dir[80];
    int rc;

    if (net->nr_queues == 1)
        return publish_queue(&net->queues[0], net->dev.path, tx);
    rc = store_write_uint(tx, net->dev.path, "multi-queue-num-queues",
                          net->nr_queues);
    for (unsigned int i = 0; !rc && i < net->nr_queues; i++) {
        struct text t = text_in(dir, sizeof(dir));

        text_str(&t, net->dev.path);
        text_str(&t, "/queue-");
        text_uint(&t, i);
        rc = publish_queue(&net->queues[i], dir, tx);
    }
    return rc;
}

static int nf_publish(struct xbdev *dev, store_tx_t tx)
{
    static const char *const abilities[] = {
        "request-rx-copy",   "feature-rx-notify", "feature-sg",
        "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload",
    };
    struct netfront *net = netfront_of(dev);
    int rc = publish_queues(net, tx);

    for (size_t i = 0; !rc && i < ARRAY_SIZE(abilities); i++)
        rc = store_write_uint(tx, dev->path, abilities[i], 1);
    return rc;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "00:16:3e:..", exactly. */
static bool parse_mac(const char *s, uint8_t mac[6])
{
    for (unsigned int i = 0; i < 6; i++, s += 3) {
        int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);

        if (low < 0 || s[2] != (i < 5 ? ':' : 0))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int nf_work(struct xbdev *dev)
{
    struct netfront *net = netfront_of(dev);
    const char *dir = dev->backend;

    net->can_pieces = store_read_uint(0, dir, "feature-sg", 0);
    net->can_tcp4 = store_read_uint(0, dir, "feature-gso-tcpv4", 0);
    net->can_tcp6 = store_read_uint(0, dir, "feature-gso-tcpv6", 0);
    for (unsigned int i = 0; i < net->nr_queues; i++)
        if (net->set.wake)
            net->set.wake(net->set.arg, i);
    return 0;
}

static const struct xbdev_class net_class = {
    .type = "vif",
    /* A network backend waits for Connected, not Initialised. */
    .shared = XenbusStateConnected,
    .share = nf_share,
    .publish = nf_publish,
    .work = nf_work,
    .lose = nf_lose,
};

int netfront_open(struct netfront *net, unsigned int devid,
                  const struct net_settings *settings)
{
    char mac[24];
    int rc;

    net->set = *settings;
    if (!net->set.nr_buffers || net->set.nr_buffers > NET_SLOTS)
        net->set.nr_buffers = NET_SLOTS;
    rc = xbdev_open(&net->dev, &net_class, devid);
    if (!rc)
        rc = store_read_key(0, net->dev.path, "mac", mac, sizeof(mac));
    if (!rc && !parse_mac(mac, net->mac))
        rc = -XEN_EINVAL;
    return rc;
}

void netfront_close(struct netfront *net)
{
    xbdev_close(&net->dev);
}

bool net_queue_is_usable(const struct net_queue *q)
{
    return q->net->dev.working && !q->broken;
}

void net_queue_break(struct net_queue *q, const char *why)
{
    q->net->nr_bad++;
    q->broken = true;
    log_words(q->net->dev.path, why);
}

/* ---- sending ------------------------------------------------------------- */

static int check_frame(const struct netfront *net,
                       const struct net_frame *frame, unsigned int *size)
{
    unsigned int sum = 0;

    if (!frame->nr_pieces || frame->nr_pieces > NET_MAX_PIECES ||
        frame->pieces[0].length < NET_MIN_FIRST ||
        (frame->nr_pieces > 1 && !net->can_pieces))
        return -XEN_EINVAL;
    for (unsigned int i = 0; i < frame->nr_pieces; i++) {
        const struct net_piece *p = &frame->pieces[i];

        if (!p->length || p->offset + p->length > SHIM_PAGE_SIZE)
            return -XEN_EINVAL;
        sum += p->length;
    }
    if (frame->segmentation != NET_WHOLE &&
        (!frame->segment_size || !frame->checksum_blank ||
         !(frame->segmentation == NET_TCP4 ? net->can_tcp4 : net->can_tcp6)))
        return -XEN_EINVAL;
    *size = sum;
    return sum > NET_MAX_FRAME ? -XEN_EINVAL : 0;
}

static uint16_t tx_slot_take(struct net_queue *q, struct net_frame *frame)
{
    uint16_t id = q->tx_free;
    struct net_tx_slot *slot = &q->tx_slots[id];

    q->tx_free = slot->next_free;
    q->nr_tx_free--;
    *slot = (struct net_tx_slot){.frame = frame, .ref = GNT_NONE, .used = true};
    return id;
}

static void tx_slot_give(struct net_queue *q, uint16_t id)
{
    q->tx_slots[id].used = false;
    q->tx_slots[id].frame = NULL;
    q->tx_slots[id].next_free = q->tx_free;
    q->tx_free = id;
    q->nr_tx_free++;
}

static void put_extra(struct net_queue *q, const struct net_frame *frame)
{
    struct netif_extra_info extra = {
        .type = XEN_NETIF_EXTRA_TYPE_GSO,
        .u.gso =
            {
                .size = frame->segment_size,
                .type = frame->segmentation == NET_TCP4
                            ? XEN_NETIF_GSO_TYPE_TCPV4
                            : XEN_NETIF_GSO_TYPE_TCPV6,
            },
    };

    memcpy(RING_GET_REQUEST(&q->tx, q->tx.req_prod_pvt), &extra, sizeof(extra));
    q->tx.req_prod_pvt++;
}

static uint16_t piece_flags(const struct net_frame *frame, unsigned int i)
{
    uint16_t flags = i + 1 < frame->nr_pieces ? NETTXF_more_data : 0;

    if (i == 0 && frame->checksum_blank)
        flags |= NETTXF_csum_blank | NETTXF_data_validated;
    if (i == 0 && frame->segmentation != NET_WHOLE)
        flags |= NETTXF_extra_info;
    return flags;
}

static void put_piece(struct net_queue *q, struct net_frame *frame,
                      unsigned int i, grant_ref_t ref, unsigned int size)
{
    const struct net_piece *p = &frame->pieces[i];
    uint16_t id = tx_slot_take(q, frame);
    struct netif_tx_request request = {
        .gref = ref,
        .offset = p->offset,
        .flags = piece_flags(frame, i),
        .id = id,
        /* The first says how long the whole frame is. */
        .size = (uint16_t)(i ? p->length : size),
    };

    q->tx_slots[id].ref = ref;
    memcpy(RING_GET_REQUEST(&q->tx, q->tx.req_prod_pvt), &request,
           sizeof(request));
    q->tx.req_prod_pvt++;
}

static int grant_pieces(const struct netfront *net,
                        const struct net_frame *frame, grant_ref_t *refs)
{
    for (unsigned int i = 0; i < frame->nr_pieces; i++) {
        refs[i] = gnt_grant(net->dev.backend_id, frame->pieces[i].page, true);
        if (refs[i] != GNT_NONE)
            continue;
        while (i--)
            (void)gnt_end(refs[i]);
        return -XEN_EAGAIN;
    }
    return 0;
}

int netfront_send(struct netfront *net, unsigned int queue,
                  struct net_frame *frame)
{
    struct net_queue *q = &net->queues[queue];
    grant_ref_t refs[NET_MAX_PIECES];
    unsigned int size, extra = frame->segmentation != NET_WHOLE;
    int rc;

    if (queue >= net->nr_queues || !net_queue_is_usable(q))
        return -XEN_EAGAIN;
    rc = check_frame(net, frame, &size);
    if (rc)
        return rc;
    if (q->nr_tx_free < frame->nr_pieces ||
        RING_FREE_REQUESTS(&q->tx) < frame->nr_pieces + extra)
        return -XEN_EAGAIN;
    rc = grant_pieces(net, frame, refs);
    if (rc)
        return rc;
    frame->nr_unanswered = frame->nr_pieces;
    frame->rc = 0;
    for (unsigned int i = 0; i < frame->nr_pieces; i++) {
        put_piece(q, frame, i, refs[i], size);
        if (i == 0 && extra)
            put_extra(q, frame);
    }
    return 0;
}

void netfront_kick(struct netfront *net, unsigned int queue)
{
    struct net_queue *q = &net->queues[queue];
    RING_IDX before, now = q->tx.req_prod_pvt;

    if (queue >= net->nr_queues || !net_queue_is_usable(q))
        return;
    before = shared_read(q->tx.sring->req_prod);
    if (before == now)
        return;
    xen_wmb(); /* the slots before the index that covers them */
    shared_write(q->tx.sring->req_prod, now);
    xen_mb(); /* the index before we look whether the backend sleeps */
    if (ring_wants_event(before, now, shared_read(q->tx.sring->req_event)))
        evtchn_send((evtchn_port_t)q->port);
}

/* ---- answers to what was sent -------------------------------------------- */

/* One slot is answered; with the last of its frame the owner hears of it. */
static void tx_answered(struct net_queue *q, uint16_t id, int rc)
{
    struct net_frame *frame = q->tx_slots[id].frame;

    if (gnt_end(q->tx_slots[id].ref)) {
        gnt_end_page(q->tx_slots[id].ref, NULL);
        rc = -XEN_EIO;
    }
    tx_slot_give(q, id);
    if (rc)
        frame->rc = rc;
    if (!--frame->nr_unanswered && frame->sent)
        frame->sent(frame, frame->rc);
}

static void tx_take(struct net_queue *q, const struct netif_tx_response *answer)
{
    /* The slot of an extra piece of information is answered so. */
    if (answer->status == NETIF_RSP_NULL)
        return;
    if (answer->id >= NET_SLOTS || !q->tx_slots[answer->id].used) {
        q->net->nr_bad++;
        return;
    }
    tx_answered(q, answer->id, answer->status == NETIF_RSP_OKAY ? 0 : -XEN_EIO);
}

static unsigned int tx_poll(struct net_queue *q)
{
    RING_IDX end = shared_read(q->tx.sring->rsp_prod);
    unsigned int nr = 0;

    if (end - q->tx.rsp_cons > q->tx.req_prod_pvt - q->tx.rsp_cons) {
        net_queue_break(q, "impossible index of sent frames, queue given up");
        return 0;
    }
    xen_rmb(); /* the answers after the index that covers them */
    for (; q->tx.rsp_cons != end && net_queue_is_usable(q); nr++) {
        struct netif_tx_response answer;

        shared_copy_out(&answer, RING_GET_RESPONSE(&q->tx, q->tx.rsp_cons),
                        sizeof(answer));
        q->tx.rsp_cons++;
        tx_take(q, &answer);
    }
    return nr;
}

unsigned int netfront_poll(struct netfront *net, unsigned int queue)
{
    struct net_queue *q = &net->queues[queue];
    unsigned int nr = 0, took, rounds = 0;

    if (queue >= net->nr_queues)
        return 0;
    do {
        /* A flood must not keep our caller here: come back later. */
        if (rounds++ == MAX_ROUNDS) {
            if (net->set.wake)
                net->set.wake(net->set.arg, queue);
            break;
        }
        if (!net_queue_is_usable(q))
            return nr;
        took = tx_poll(q);
        if (!net_queue_is_usable(q))
            return nr;
        took += net_rx_poll(q);
        if (!net_queue_is_usable(q))
            return nr;
        net_rx_post(q);
        nr += took;
        shared_write(q->tx.sring->rsp_event, q->tx.rsp_cons + 1);
        shared_write(q->rx.sring->rsp_event, q->rx.rsp_cons + 1);
        xen_mb(); /* ask for the events, then look for what came before */
    } while (took || shared_read(q->tx.sring->rsp_prod) != q->tx.rsp_cons ||
             shared_read(q->rx.sring->rsp_prod) != q->rx.rsp_cons);
    return nr;
}
