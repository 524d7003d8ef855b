#include "pv-backends/net/netback.h"

#include "pv-backends/net/packet.h"
#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RING_ENTRIES = 256, /* one page of either ring */
    FRAME_ROOM = 65536 + NET_PAGE,
    ARENA_BYTES = RING_ENTRIES * NET_PAGE + RING_ENTRIES * 64,
    HEADER = sizeof(struct virtio_net_hdr),
    RX_FRAMES = 64,                /* of one turn */
    DROP_FRAMES = 1024,            /* of one turn of dropping */
    MAX_SLOTS = NET_MAX_FRAGS + 1, /* of a received frame: data and one extra */
};

_Static_assert(__CONST_RING_SIZE(netif_tx, NET_PAGE) == RING_ENTRIES, "");
_Static_assert(__CONST_RING_SIZE(netif_rx, NET_PAGE) == RING_ENTRIES, "");

/* A frame on its way, somewhere in the arena, and its slots. */
struct frame {
    uint8_t *data; /* room for a header lies before it */
    unsigned int first_op, first_slot;
    int error;
    bool validated; /* received: its checksum holds */
    struct net_packet packet;
};

/*
 * Scratch space of one turn. One process serves its guests one after the other,
 * so they share it.
 */
static struct {
    uint8_t arena[ARENA_BYTES] __attribute__((aligned(64)));
    size_t used;
    gnttab_op_t ops[RING_ENTRIES];
    unsigned int nr_ops;
    struct frame frames[RING_ENTRIES];
    unsigned int nr_frames;
    struct net_slot slots[RING_ENTRIES];
    unsigned int nr_slots;
} turn;

static void turn_reset(void)
{
    turn.used = turn.nr_ops = turn.nr_frames = turn.nr_slots = 0;
}

/* Room for a header and `size` bytes, the frame aligned as kernels like it. */
static uint8_t *arena_get(size_t size)
{
    size_t at = ((turn.used + HEADER + 63) & ~(size_t)63) - HEADER;

    if (at + HEADER + size > ARENA_BYTES)
        return NULL;
    turn.used = at + HEADER + size;
    return turn.arena + at + HEADER;
}

static void ring_broken(struct netback *nb, const char *why)
{
    if (!nb->broken)
        log_warning("%s: %s: no longer served", nb->cfg.name, why);
    nb->broken = true;
}

/* --- guest to host ----------------------------------------------------------
 */

/* Ask for the bytes of a decoded frame. */
static int tx_request_bytes(struct netback *nb, struct frame *f)
{
    uint8_t *at = arena_get(f->packet.size);

    if (!at)
        return -ENOMEM;
    f->data = at;
    for (unsigned int i = 0; i < f->packet.nr_frags; i++) {
        const struct net_frag *frag = &f->packet.frags[i];

        gnttab_copy_in(&turn.ops[turn.nr_ops++], at, nb->cfg.domid, frag->ref,
                       frag->offset, frag->size);
        at += frag->size;
    }
    return 0;
}

/* Decode everything between the indices; -EPROTO when the ring is beyond it. */
static int tx_decode(struct netback *nb, RING_IDX req_prod)
{
    struct net_view view = {nb->tx.sring, RING_ENTRIES, nb->tx.req_cons,
                            req_prod};
    int rc;

    while (view.cons != view.prod) {
        struct frame *f = &turn.frames[turn.nr_frames];

        f->first_op = turn.nr_ops;
        f->first_slot = turn.nr_slots;
        rc = net_gather(&view, &f->packet, turn.slots + turn.nr_slots);
        if (rc == -EPROTO)
            return rc;
        f->error = rc ? rc : tx_request_bytes(nb, f);
        if (f->error)
            f->packet.nr_frags = 0; /* nothing of it is copied */
        turn.nr_slots += f->packet.nr_slots;
        turn.nr_frames++;
        nb->tx.req_cons = view.cons;
    }
    return 0;
}

static int tx_copied(const struct frame *f)
{
    for (unsigned int i = 0; i < f->packet.nr_frags; i++)
        if (turn.ops[f->first_op + i].status != GNTST_okay)
            return -EFAULT;
    return 0;
}

static int tx_write(struct netback *nb, struct frame *f)
{
    const struct net_packet *p = &f->packet;
    struct virtio_net_hdr hdr;
    int rc = packet_to_host(f->data, p->size, p->csum_blank, p->gso_type,
                            p->gso_size, &hdr);

    if (rc)
        return rc;
    memcpy(f->data - HEADER, &hdr, HEADER);
    if (write(nb->cfg.tap_fd, f->data - HEADER, HEADER + p->size) < 0)
        return -errno;
    nb->stats.tx_frames++;
    nb->stats.tx_bytes += p->size;
    return 0;
}

static void tx_respond(struct netback *nb, const struct frame *f)
{
    for (unsigned int i = 0; i < f->packet.nr_slots; i++) {
        const struct net_slot *slot = &turn.slots[f->first_slot + i];
        struct netif_tx_response *rsp =
            RING_GET_RESPONSE(&nb->tx, nb->tx.rsp_prod_pvt);

        rsp->id = slot->id;
        rsp->status = slot->extra ? NETIF_RSP_NULL
                      : f->error  ? NETIF_RSP_ERROR
                                  : NETIF_RSP_OKAY;
        nb->tx.rsp_prod_pvt++;
    }
}

static void tx_publish(struct netback *nb)
{
    netif_tx_sring_t *sring = nb->tx.sring;

    if (turn.nr_slots && ring_publish(&sring->rsp_prod, &sring->rsp_event,
                                      nb->tx.rsp_prod_pvt, turn.nr_slots))
        nb->cfg.notify_tx(nb->cfg.arg);
}

/* A host that refuses a good frame (its queue is full) has dropped it. */
static void tx_finish(struct netback *nb, struct frame *f, int copy_rc)
{
    if (!f->error)
        f->error = copy_rc ? copy_rc : tx_copied(f);
    if (!f->error)
        f->error = tx_write(nb, f);
    if (f->error) {
        nb->stats.tx_errors++;
        log_limited(&nb->log_limit, LOG_LEVEL_WARNING,
                    "%s: a frame to send was refused: %s", nb->cfg.name,
                    strerror(-f->error));
    }
    tx_respond(nb, f);
}

/* After the last frame: ask to be woken, then look again. */
static bool tx_more(struct netback *nb)
{
    RING_WRITE(nb->tx.sring->req_event, nb->tx.req_cons + 1);
    xen_mb();
    return RING_READ(nb->tx.sring->req_prod) != nb->tx.req_cons;
}

bool netback_tx_poll(struct netback *nb)
{
    RING_IDX req_prod = RING_READ(nb->tx.sring->req_prod);
    int rc;

    if (nb->broken)
        return false;
    xen_rmb(); /* the index before the slots */
    if (RING_REQUEST_PROD_OVERFLOW(&nb->tx, req_prod)) {
        ring_broken(nb, "impossible index of the sending ring");
        return false;
    }
    turn_reset();
    if (tx_decode(nb, req_prod))
        ring_broken(nb, "a frame to send has no end");
    rc = gnttab_copy(nb->cfg.gnttab, turn.ops, turn.nr_ops);
    for (unsigned int i = 0; i < turn.nr_frames; i++)
        tx_finish(nb, &turn.frames[i], rc);
    tx_publish(nb);
    return !nb->broken && tx_more(nb);
}

/* --- host to guest ----------------------------------------------------------
 */

static unsigned int rx_posted(struct netback *nb)
{
    unsigned int posted = RING_READ(nb->rx.sring->req_prod) - nb->rx.req_cons;

    if (posted > RING_ENTRIES) {
        ring_broken(nb, "impossible index of the receiving ring");
        return 0;
    }
    xen_rmb(); /* the index before the slots */
    return posted;
}

static unsigned int rx_needed(const struct netback *nb)
{
    return nb->cfg.scatter ? MAX_SLOTS : 1;
}

bool netback_rx_ready(struct netback *nb)
{
    return !nb->broken && rx_posted(nb) >= rx_needed(nb);
}

/* Too few buffers: an event when there are enough, unless there are by now. */
static bool rx_ask(struct netback *nb)
{
    RING_WRITE(nb->rx.sring->req_event, nb->rx.req_cons + rx_needed(nb));
    xen_mb();
    return netback_rx_ready(nb);
}

/* One posted buffer; its answer goes into the same slot later. */
static void rx_take_slot(struct netback *nb, struct netif_rx_request *req)
{
    ring_copy_out(req, RING_GET_REQUEST(&nb->rx, nb->rx.req_cons),
                  sizeof(*req));
    nb->rx.req_cons++;
}

static struct netif_rx_response *rx_response(struct netback *nb, RING_IDX at)
{
    return RING_GET_RESPONSE(&nb->rx, at);
}

/*
 * Spread a frame over buffers: asks for the copies now and keeps the slots'
 * ids; rx_respond() writes the answers when the copies are done.
 */
static void rx_spread(struct netback *nb, struct frame *f)
{
    unsigned int left = f->packet.size;
    const uint8_t *at = f->data;
    struct netif_rx_request req;

    f->first_op = turn.nr_ops;
    f->first_slot = turn.nr_slots;
    do {
        unsigned int size = left < NET_PAGE ? left : NET_PAGE;

        rx_take_slot(nb, &req);
        turn.slots[turn.nr_slots++] = (struct net_slot){req.id, false};
        gnttab_copy_out(&turn.ops[turn.nr_ops++], at, nb->cfg.domid, req.gref,
                        0, size);
        if (at == f->data && f->packet.gso_type) {
            rx_take_slot(nb, &req); /* its buffer stays unused */
            turn.slots[turn.nr_slots++] = (struct net_slot){req.id, true};
        }
        at += size;
        left -= size;
    } while (left);
    f->packet.nr_slots = turn.nr_slots - f->first_slot;
}

static void rx_write_extra(struct netback *nb, RING_IDX at,
                           const struct net_packet *p)
{
    struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

    extra.u.gso.size = p->gso_size;
    extra.u.gso.type = p->gso_type;
    memcpy(rx_response(nb, at), &extra, sizeof(extra));
}

static uint16_t rx_first_flags(const struct frame *f)
{
    uint16_t flags = 0;

    if (f->packet.csum_blank)
        flags |= NETRXF_csum_blank;
    if (f->validated)
        flags |= NETRXF_data_validated;
    if (f->packet.gso_type)
        flags |= NETRXF_extra_info;
    return flags;
}

static void rx_respond(struct netback *nb, const struct frame *f, int copy_rc)
{
    unsigned int op = f->first_op;

    for (unsigned int i = 0; i < f->packet.nr_slots; i++) {
        const struct net_slot *slot = &turn.slots[f->first_slot + i];
        RING_IDX at = nb->rx.rsp_prod_pvt++;
        struct netif_rx_response *rsp = rx_response(nb, at);
        bool last;

        if (slot->extra) {
            rx_write_extra(nb, at, &f->packet);
            continue;
        }
        last = op + 1 == f->first_op + f->packet.nr_frags;
        rsp->id = slot->id;
        rsp->offset = 0;
        rsp->flags =
            (i ? 0 : rx_first_flags(f)) | (last ? 0 : NETRXF_more_data);
        rsp->status = copy_rc || turn.ops[op].status != GNTST_okay
                          ? NETIF_RSP_ERROR
                          : (int16_t)turn.ops[op].len;
        op++;
    }
}

static void rx_publish(struct netback *nb)
{
    netif_rx_sring_t *sring = nb->rx.sring;

    if (turn.nr_slots && ring_publish(&sring->rsp_prod, &sring->rsp_event,
                                      nb->rx.rsp_prod_pvt, turn.nr_slots))
        nb->cfg.notify_rx(nb->cfg.arg);
}

/* What the tap says of the frame, in the ring's words. */
static void rx_mark(struct netback *nb, struct frame *f,
                    const struct virtio_net_hdr *hdr)
{
    struct packet_marks marks;

    packet_to_guest(f->data, f->packet.size, hdr, nb->cfg.ipv6_csum, &marks);
    f->packet.csum_blank = marks.csum_blank;
    f->packet.gso_type = marks.gso_type;
    f->packet.gso_size = marks.gso_size;
    f->validated = marks.validated;
}

/* The next frame from the tap into the arena; false when there is none. */
static bool rx_read(struct netback *nb, struct frame *f)
{
    struct virtio_net_hdr hdr;
    uint8_t *data;
    ssize_t n;

    data = arena_get(FRAME_ROOM);
    if (!data)
        return false;
    n = read(nb->cfg.tap_fd, data - HEADER, HEADER + FRAME_ROOM);
    if (n <= HEADER) {
        turn.used -= FRAME_ROOM;
        return false;
    }
    turn.used -= FRAME_ROOM - (n - HEADER);
    memset(f, 0, sizeof(*f));
    memcpy(&hdr, data - HEADER, HEADER);
    f->data = data;
    f->packet.size = n - HEADER;
    f->packet.nr_frags = (f->packet.size + NET_PAGE - 1) / NET_PAGE;
    rx_mark(nb, f, &hdr);
    return true;
}

/* Frames for which the guest has no use are dropped, not kept. */
static bool rx_fits(struct netback *nb, const struct frame *f)
{
    unsigned int slots = f->packet.nr_frags + !!f->packet.gso_type;

    return slots <= rx_needed(nb) && f->packet.size <= UINT16_MAX;
}

enum netback_rx netback_rx_push(struct netback *nb)
{
    enum netback_rx result = NETBACK_RX_MORE;
    int rc;

    turn_reset();
    while (turn.nr_frames < RX_FRAMES) {
        struct frame *f = &turn.frames[turn.nr_frames];

        if (!netback_rx_ready(nb) && !rx_ask(nb)) {
            result = NETBACK_RX_FULL;
            break;
        }
        if (turn.nr_slots + MAX_SLOTS > RING_ENTRIES ||
            turn.used + FRAME_ROOM + 128 > ARENA_BYTES)
            break; /* the rest in another turn */
        if (!rx_read(nb, f)) {
            result = NETBACK_RX_IDLE;
            break;
        }
        if (!rx_fits(nb, f)) {
            nb->stats.rx_dropped++;
            continue;
        }
        rx_spread(nb, f);
        turn.nr_frames++;
        nb->stats.rx_frames++;
        nb->stats.rx_bytes += f->packet.size;
    }
    rc = gnttab_copy(nb->cfg.gnttab, turn.ops, turn.nr_ops);
    for (unsigned int i = 0; i < turn.nr_frames; i++)
        rx_respond(nb, &turn.frames[i], rc);
    rx_publish(nb);
    return result;
}

void netback_rx_drop(struct netback *nb)
{
    for (unsigned int i = 0; i < DROP_FRAMES; i++) {
        if (read(nb->cfg.tap_fd, turn.arena, sizeof(turn.arena)) <= 0)
            return;
        nb->stats.rx_dropped++;
    }
}

/* --- beginning --------------------------------------------------------------
 */

void netback_open(struct netback *nb, const struct netback_config *cfg)
{
    RING_IDX tx_at, rx_at;

    memset(nb, 0, sizeof(*nb));
    nb->cfg = *cfg;
    nb->tx.sring = cfg->tx_page;
    nb->rx.sring = cfg->rx_page;
    nb->tx.nr_ents = nb->rx.nr_ents = RING_ENTRIES;
    tx_at = RING_READ(nb->tx.sring->rsp_prod);
    rx_at = RING_READ(nb->rx.sring->rsp_prod);
    nb->tx.req_cons = nb->tx.rsp_prod_pvt = tx_at;
    nb->rx.req_cons = nb->rx.rsp_prod_pvt = rx_at;
}
