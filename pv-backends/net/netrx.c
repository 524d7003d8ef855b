/* Towards a guest: buffers it has posted are filled and answered. */
#include "pv-backends/net/turn.h"

#include "pv-backends/net/packet.h"

#include <string.h>
#include <unistd.h>

enum {
    RX_FRAMES = 64,     /* of one turn */
    DROP_FRAMES = 1024, /* of one turn of dropping */
};

/* --- buffers ----------------------------------------------------------------
 */

static unsigned int posted(struct netback *nb)
{
    unsigned int nr = RING_READ(nb->rx.sring->req_prod) - nb->rx.req_cons;

    if (nr > NET_RING_ENTRIES) {
        ring_broken(nb, "impossible index of the receiving ring");
        return 0;
    }
    xen_rmb(); /* the index before the slots */
    return nr;
}

static unsigned int needed(const struct netback *nb)
{
    return nb->cfg.scatter ? TURN_RX_SLOTS : 1;
}

static void wake_waiters(struct netback *nb)
{
    struct netback *waiter;

    while ((waiter = LIST_FIRST(&nb->waiters))) {
        LIST_REMOVE(waiter, waiter);
        waiter->wait_for = NULL;
        waiter->cfg.wake_tx(waiter->cfg.arg);
    }
}

bool netback_rx_ready(struct netback *nb)
{
    if (nb->broken || posted(nb) < needed(nb))
        return false;
    nb->dry = false;
    wake_waiters(nb);
    return true;
}

/* Too few buffers: an event when there are enough, unless there are by now. */
bool rx_has_room(struct netback *nb)
{
    if (netback_rx_ready(nb))
        return true;
    if (nb->broken)
        return false;
    RING_WRITE(nb->rx.sring->req_event, nb->rx.req_cons + needed(nb));
    xen_mb();
    return netback_rx_ready(nb);
}

/* One posted buffer; its answer goes into the same slot later. */
static struct rx_slot *take_slot(struct netback *nb, struct frame *f,
                                 bool extra)
{
    struct rx_slot *slot = &turn.rx_slots[turn.nr_rx_slots++];
    struct netif_rx_request req;

    ring_copy_out(&req, RING_GET_REQUEST(&nb->rx, nb->rx.req_cons),
                  sizeof(req));
    nb->rx.req_cons++;
    *slot = (struct rx_slot){.ref = req.gref, .id = req.id, .extra = extra};
    f->nr_rx_slots++;
    return slot;
}

void rx_begin(struct netback *nb, struct frame *f)
{
    f->to = nb;
    f->first_rx_slot = turn.nr_rx_slots;
    f->nr_rx_slots = 0;
    if (!nb->receives) {
        nb->receives = true;
        nb->next_receiver = turn.receivers;
        turn.receivers = nb;
    }
}

struct rx_slot *rx_buffer(struct netback *nb, struct frame *f)
{
    bool first = !f->nr_rx_slots;
    struct rx_slot *slot = take_slot(nb, f, false);

    if (first && f->packet.gso_type)
        take_slot(nb, f, true); /* its buffer stays unused */
    return slot;
}

gnttab_op_t *rx_fill(struct rx_slot *slot, unsigned int size)
{
    if (!slot->nr_ops++)
        slot->first_op = turn.nr_ops;
    slot->size += size;
    return &turn.ops[turn.nr_ops++];
}

bool rx_takes(const struct netback *nb, const struct net_packet *p, bool ipv6)
{
    const struct netback_config *c = &nb->cfg;

    if (p->csum_blank && (!c->csum || (ipv6 && !c->ipv6_csum)))
        return false;
    if (p->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 && !c->tso4)
        return false;
    if (p->gso_type == XEN_NETIF_GSO_TYPE_TCPV6 && !c->tso6)
        return false;
    return c->scatter || (p->size <= NET_PAGE && !p->gso_type);
}

/* --- answers ----------------------------------------------------------------
 */

static struct netif_extra_info extra_of(const struct net_packet *p)
{
    struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

    extra.u.gso.size = p->gso_size;
    extra.u.gso.type = p->gso_type;
    return extra;
}

static uint16_t first_flags(const struct frame *f)
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

static bool is_last(const struct frame *f, unsigned int i)
{
    for (i++; i < f->nr_rx_slots; i++)
        if (!turn.rx_slots[f->first_rx_slot + i].extra)
            return false;
    return true;
}

/* Note the answers to one frame's buffers, from `at` on. */
static RING_IDX note_frame(struct netback *nb, const struct frame *f,
                           int copy_rc, RING_IDX at)
{
    for (unsigned int i = 0; i < f->nr_rx_slots; i++) {
        const struct rx_slot *slot = &turn.rx_slots[f->first_rx_slot + i];
        union netjournal_answer *a = netjournal_at(&nb->cfg.journal->rx, at++);

        if (slot->extra) {
            a->extra = extra_of(&f->packet);
            continue;
        }
        a->rx.id = slot->id;
        a->rx.offset = 0;
        a->rx.flags =
            (i ? 0 : first_flags(f)) | (is_last(f, i) ? 0 : NETRXF_more_data);
        a->rx.status = copy_rc || !turn_copied(slot->first_op, slot->nr_ops)
                           ? NETIF_RSP_ERROR
                           : (int16_t)slot->size;
    }
    return at;
}

static void answer(struct netback *nb, int copy_rc)
{
    struct netjournal_answers *noted = &nb->cfg.journal->rx;
    netif_rx_sring_t *sring = nb->rx.sring;
    RING_IDX before = nb->rx.rsp_prod_pvt, at = before;

    for (unsigned int i = 0; i < turn.nr_frames; i++) {
        const struct frame *f = &turn.frames[i];

        if (f->to != nb)
            continue;
        at = note_frame(nb, f, copy_rc, at);
        nb->stats.rx_frames++;
        nb->stats.rx_bytes += f->packet.size;
    }
    latency_add(nb->cfg.received, turn.since, at - before);
    netjournal_note(noted, at);
    for (RING_IDX i = before; i != at; i++)
        *RING_GET_RESPONSE(&nb->rx, i) = netjournal_at(noted, i)->rx;
    nb->rx.rsp_prod_pvt = at;
    if (ring_publish(&sring->rsp_prod, &sring->rsp_event, at, at - before))
        nb->cfg.notify_rx(nb->cfg.arg);
}

void rx_answer_all(int copy_rc)
{
    struct netback *nb = turn.receivers, *next;

    for (; nb; nb = next) {
        next = nb->next_receiver;
        nb->receives = false;
        answer(nb, copy_rc);
    }
    turn.receivers = NULL;
}

/* --- from the tap -----------------------------------------------------------
 */

/* What the tap says of the frame, in the ring's words. */
static void mark(struct netback *nb, struct frame *f,
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
static bool read_frame(struct netback *nb, struct frame *f)
{
    struct virtio_net_hdr hdr;
    uint8_t *data;
    ssize_t n;

    data = turn_room(TURN_FRAME_ROOM, 0);
    if (!data)
        return false;
    n = read(nb->cfg.tap_fd, data - TURN_HEADER, TURN_HEADER + TURN_FRAME_ROOM);
    if (n <= TURN_HEADER) {
        turn.used -= TURN_FRAME_ROOM;
        return false;
    }
    turn.used -= TURN_FRAME_ROOM - (n - TURN_HEADER);
    memset(f, 0, sizeof(*f));
    memcpy(&hdr, data - TURN_HEADER, TURN_HEADER);
    f->data = data;
    f->packet.size = n - TURN_HEADER;
    f->packet.nr_frags = (f->packet.size + NET_PAGE - 1) / NET_PAGE;
    mark(nb, f, &hdr);
    return true;
}

/* Frames for which the guest has no use are dropped, not kept. */
static bool fits(struct netback *nb, const struct frame *f)
{
    unsigned int slots = f->packet.nr_frags + !!f->packet.gso_type;

    return slots <= needed(nb) && f->packet.size <= UINT16_MAX;
}

/* Spread a frame over buffers, page by page. */
static void spread(struct netback *nb, struct frame *f)
{
    unsigned int left = f->packet.size;
    const uint8_t *from = f->data;

    rx_begin(nb, f);
    do {
        unsigned int size = left < NET_PAGE ? left : NET_PAGE;
        struct rx_slot *slot = rx_buffer(nb, f);

        gnttab_copy_out(rx_fill(slot, size), from, nb->cfg.domid, slot->ref, 0,
                        size);
        from += size;
        left -= size;
    } while (left);
}

enum netback_rx netback_rx_push(struct netback *nb)
{
    enum netback_rx result = NETBACK_RX_MORE;

    turn_reset();
    while (turn.nr_frames < RX_FRAMES) {
        struct frame *f = &turn.frames[turn.nr_frames];

        if (!rx_has_room(nb)) {
            result = NETBACK_RX_FULL;
            break;
        }
        if (turn.nr_rx_slots + TURN_RX_SLOTS > NET_RING_ENTRIES ||
            turn.used + TURN_FRAME_ROOM + 2 * NET_PAGE > TURN_ARENA)
            break; /* the rest in another turn */
        if (!read_frame(nb, f)) {
            result = NETBACK_RX_IDLE;
            break;
        }
        if (!fits(nb, f)) {
            nb->stats.rx_dropped++;
            continue;
        }
        spread(nb, f);
        turn.nr_frames++;
    }
    rx_answer_all(gnttab_copy(nb->cfg.gnttab, turn.ops, turn.nr_ops));
    return result;
}

void netback_rx_drop(struct netback *nb)
{
    for (unsigned int i = 0; i < DROP_FRAMES; i++) {
        if (read(nb->cfg.tap_fd, turn.arena, TURN_ARENA) <= 0)
            return;
        nb->stats.rx_dropped++;
    }
}
