/* From a guest: its frames go to the tap, or into another guest's buffers. */
#include "pv-backends/net/turn.h"

#include "pv-backends/net/netswitch.h"
#include "pv-backends/net/packet.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { ETH_HEADER = 14, ETH_TYPE_AT = 12 };

/* --- what there is to send --------------------------------------------------
 */

/*
 * Decode everything between the indices, touching nothing but the turn's
 * scratch space. -EPROTO when the last frame has no end.
 */
static int decode(struct netback *nb, RING_IDX req_prod)
{
    struct net_view view = {nb->tx.sring, NET_RING_ENTRIES, nb->tx.req_cons,
                            req_prod};
    int rc;

    while (view.cons != view.prod) {
        struct frame *f = &turn.frames[turn.nr_frames];

        memset(f, 0, offsetof(struct frame, packet));
        f->from = view.cons;
        f->first_slot = turn.nr_slots;
        rc = net_gather(&view, &f->packet, turn.slots + turn.nr_slots);
        if (rc == -EPROTO)
            return rc;
        f->error = rc;
        turn.nr_slots += f->packet.nr_slots;
        turn.nr_frames++;
    }
    return 0;
}

/* The first bytes of every frame, with one call: they decide its way. */
static int fetch_heads(struct netback *nb)
{
    int rc;

    for (unsigned int i = 0; i < turn.nr_frames; i++) {
        struct frame *f = &turn.frames[i];
        const struct net_frag *frag = &f->packet.frags[0];

        if (f->error)
            continue;
        f->head = turn.heads[i];
        f->head_size = frag->size < TURN_HEAD ? frag->size : TURN_HEAD;
        f->first_op = turn.nr_ops;
        gnttab_copy_in(&turn.ops[turn.nr_ops++], f->head, nb->cfg.domid,
                       frag->ref, frag->offset, f->head_size);
    }
    rc = gnttab_copy(nb->cfg.gnttab, turn.ops, turn.nr_ops);
    for (unsigned int i = 0; i < turn.nr_frames; i++) {
        struct frame *f = &turn.frames[i];

        if (!f->error && !rc && !turn_copied(f->first_op, 1))
            f->error = -EFAULT;
    }
    turn.nr_ops = 0; /* these are done */
    return rc;
}

/* --- where a frame goes -----------------------------------------------------
 */

static unsigned int type_of(const uint8_t *frame)
{
    return (unsigned int)frame[ETH_TYPE_AT] << 8 | frame[ETH_TYPE_AT + 1];
}

/* Small enough for the cable, once it is cut, and what it says it is? */
static bool is_sound(struct frame *f, unsigned int mtu)
{
    const struct net_packet *p = &f->packet;
    struct virtio_net_hdr hdr;

    if (!p->csum_blank)
        return !p->gso_type && p->size <= mtu + ETH_HEADER;
    if (packet_to_host(f->head, f->head_size, true, p->gso_type, p->gso_size,
                       &hdr))
        return false;
    if (p->gso_type)
        return hdr.hdr_len + hdr.gso_size <= mtu + ETH_HEADER;
    return p->size <= mtu + ETH_HEADER;
}

/*
 * The guest that takes this frame straight from its sender's pages, or NULL.
 * What is out of the ordinary is the host's network's business, which knows
 * about tags, checksums and segments all there is to know.
 */
static struct netback *choose(struct netback *nb, struct frame *f)
{
    struct netport *port;
    struct netback *to;

    if (!f->head || f->head_size < ETH_HEADER)
        return NULL;
    port = netport_find(nb->cfg.port, f->head);
    if (!port || type_of(f->head) == PACKET_TYPE_VLAN ||
        type_of(f->head) == PACKET_TYPE_QINQ)
        return NULL;
    to = port->queues[packet_flow(f->head, f->head_size) % port->nr_queues];
    if (to->broken ||
        !rx_takes(to, &f->packet, type_of(f->head) == PACKET_TYPE_IPV6) ||
        !is_sound(f, port->place.mtu))
        return NULL;
    return to;
}

/* --- the bytes --------------------------------------------------------------
 */

/*
 * Into the receiver's buffers: the head that was looked at from our copy of it,
 * the rest from page to page, each piece whole in one buffer.
 */
static void to_guest(struct netback *nb, struct frame *f, struct netback *to)
{
    const struct net_packet *p = &f->packet;
    unsigned int skip = f->head_size, domid = to->cfg.domid;
    struct rx_slot *slot;

    rx_begin(to, f);
    slot = rx_buffer(to, f);
    f->first_op = turn.nr_ops;
    gnttab_copy_out(rx_fill(slot, skip), f->head, domid, slot->ref, 0, skip);
    for (unsigned int i = 0; i < p->nr_frags; i++, skip = 0) {
        const struct net_frag *frag = &p->frags[i];
        unsigned int size = frag->size - skip, at;

        if (!size)
            continue;
        if (slot->size + size > NET_PAGE)
            slot = rx_buffer(to, f);
        at = slot->size;
        gnttab_copy_over(rx_fill(slot, size), nb->cfg.domid, frag->ref,
                         frag->offset + skip, domid, slot->ref, at, size);
    }
    f->nr_ops = turn.nr_ops - f->first_op;
    f->validated = p->csum_blank;
    nb->stats.copied_bytes += p->size + f->head_size;
}

/* Where in a page a frame begins if its pieces lie in pages as the sender's do:
 * the second and those after it, which are the large ones. */
static unsigned int tap_offset(const struct net_packet *p)
{
    return p->nr_frags < 2
               ? TURN_ANYWHERE
               : (unsigned int)(p->frags[1].offset - p->frags[0].size) %
                     NET_PAGE;
}

/* Into our memory. */
static int to_tap(struct netback *nb, struct frame *f)
{
    unsigned int skip = f->head ? f->head_size : 0;
    uint8_t *at = turn_room(f->packet.size, tap_offset(&f->packet));

    if (!at)
        return -ENOMEM;
    f->data = at;
    f->first_op = turn.nr_ops;
    if (skip)
        memcpy(at, f->head, skip);
    at += skip;
    for (unsigned int i = 0; i < f->packet.nr_frags; i++, skip = 0) {
        const struct net_frag *frag = &f->packet.frags[i];

        if (frag->size == skip)
            continue;
        gnttab_copy_in(&turn.ops[turn.nr_ops++], at, nb->cfg.domid, frag->ref,
                       frag->offset + skip, frag->size - skip);
        at += frag->size - skip;
    }
    f->nr_ops = turn.nr_ops - f->first_op;
    nb->stats.copied_bytes += f->packet.size;
    return 0;
}

/* This and all later frames stay in the ring for another turn. */
static void cut(unsigned int at)
{
    turn.nr_slots = turn.frames[at].first_slot;
    turn.nr_frames = at;
}

static void wait_for(struct netback *nb, struct netback *to)
{
    nb->wait_for = to;
    LIST_INSERT_HEAD(&to->waiters, nb, waiter);
}

/* One frame on its way; NETBACK_TX_WAITS: not yet. */
static enum netback_tx send_one(struct netback *nb, struct frame *f)
{
    struct netback *to = choose(nb, f);

    if (f->head && f->head_size >= ETH_HEADER &&
        !netport_may_send(nb->cfg.port, f->head)) {
        f->error = -EPERM;
        return NETBACK_TX_IDLE;
    }
    if (!to) {
        f->error = to_tap(nb, f);
    } else if (rx_has_room(to)) {
        to_guest(nb, f, to);
    } else if (to->dry || to->broken) {
        to->stats.rx_dropped++;
        f->dropped = true;
    } else {
        wait_for(nb, to);
        return NETBACK_TX_WAITS;
    }
    return NETBACK_TX_IDLE;
}

/* Send all frames on their way, or as many as may go now. */
static enum netback_tx send_all(struct netback *nb, uint64_t *wait_ns)
{
    struct bucket *limit = nb->cfg.limit;
    uint64_t now_ns = limit && limit->per_second ? bucket_now_ns() : 0;

    for (unsigned int i = 0; i < turn.nr_frames; i++) {
        struct frame *f = &turn.frames[i];

        if (f->error)
            continue;
        *wait_ns = limit ? bucket_wait_ns(limit, now_ns) : 0;
        if (*wait_ns) {
            cut(i);
            return NETBACK_TX_LIMITED;
        }
        if (send_one(nb, f) == NETBACK_TX_WAITS) {
            cut(i);
            return NETBACK_TX_WAITS;
        }
        if (limit && !f->error)
            bucket_take(limit, f->packet.size);
    }
    return NETBACK_TX_IDLE;
}

/* --- what became of it ------------------------------------------------------
 */

static int write_to_tap(struct netback *nb, struct frame *f)
{
    const struct net_packet *p = &f->packet;
    struct virtio_net_hdr hdr;
    int rc;

    if (!netport_may_send(nb->cfg.port, f->data))
        return -EPERM;
    rc = packet_to_host(f->data, p->size, p->csum_blank, p->gso_type,
                        p->gso_size, &hdr);
    if (rc)
        return rc;
    memcpy(f->data - TURN_HEADER, &hdr, TURN_HEADER);
    if (write(nb->cfg.tap_fd, f->data - TURN_HEADER, TURN_HEADER + p->size) < 0)
        return -errno;
    return 0;
}

/*
 * A frame did not get from page to page: if it is the sender's page that cannot
 * be read, the receiver was given an empty answer for nothing, and that shall
 * not happen again.
 */
static void find_blame(struct netback *nb, const struct frame *f)
{
    const struct net_packet *p = &f->packet;
    gnttab_op_t ops[NET_MAX_FRAGS];
    uint8_t byte;
    int rc;

    for (unsigned int i = 0; i < p->nr_frags; i++)
        gnttab_copy_in(&ops[i], &byte, nb->cfg.domid, p->frags[i].ref,
                       p->frags[i].offset, !!p->frags[i].size);
    rc = gnttab_copy(nb->cfg.gnttab, ops, p->nr_frags);
    for (unsigned int i = 0; i < p->nr_frags && !nb->long_way; i++)
        nb->long_way = rc || ops[i].status != GNTST_okay;
}

static void finish(struct netback *nb, struct frame *f, int copy_rc)
{
    if (!f->error && (copy_rc || !turn_copied(f->first_op, f->nr_ops))) {
        f->error = -EFAULT;
        if (f->to)
            find_blame(nb, f);
    }
    if (!f->error && !f->to && !f->dropped)
        f->error = write_to_tap(nb, f);
    if (!f->error) {
        nb->stats.tx_frames++;
        nb->stats.tx_bytes += f->packet.size;
        nb->stats.tx_switched += !!f->to;
        return;
    }
    /* A host that refuses a good frame (its queue is full) has dropped it. */
    nb->stats.tx_errors++;
    nb->stats.tx_spoofed += f->error == -EPERM;
    log_limited(&nb->log_limit, LOG_LEVEL_WARNING,
                "%s: a frame to send was refused: %s", nb->cfg.name,
                f->error == -EPERM ? "not from the card's own address"
                                   : strerror(-f->error));
}

static RING_IDX note_frame(struct netback *nb, const struct frame *f,
                           RING_IDX at)
{
    for (unsigned int i = 0; i < f->packet.nr_slots; i++) {
        const struct net_slot *slot = &turn.slots[f->first_slot + i];
        struct netif_tx_response *rsp =
            &netjournal_at(&nb->cfg.journal->tx, at++)->tx;

        rsp->id = slot->id;
        rsp->status = slot->extra ? NETIF_RSP_NULL
                      : f->error  ? NETIF_RSP_ERROR
                                  : NETIF_RSP_OKAY;
    }
    return at;
}

static void answer(struct netback *nb)
{
    struct netjournal_answers *noted = &nb->cfg.journal->tx;
    netif_tx_sring_t *sring = nb->tx.sring;
    RING_IDX before = nb->tx.rsp_prod_pvt, at = before;

    for (unsigned int i = 0; i < turn.nr_frames; i++)
        at = note_frame(nb, &turn.frames[i], at);
    nb->tx.req_cons = at;
    if (at == before)
        return;
    latency_add(nb->cfg.sent, turn.since, at - before);
    netjournal_note(noted, at);
    for (RING_IDX i = before; i != at; i++)
        *RING_GET_RESPONSE(&nb->tx, i) = netjournal_at(noted, i)->tx;
    nb->tx.rsp_prod_pvt = at;
    if (ring_publish(&sring->rsp_prod, &sring->rsp_event, at, at - before))
        nb->cfg.notify_tx(nb->cfg.arg);
}

/* --- a turn -----------------------------------------------------------------
 */

/* After the last frame: ask to be woken, then look again. */
static bool has_more(struct netback *nb)
{
    if (nb->polled)
        return false; /* somebody looks anyway */
    RING_WRITE(nb->tx.sring->req_event, nb->tx.req_cons + 1);
    xen_mb();
    return netback_tx_wanted(nb);
}

bool netback_tx_wanted(const struct netback *nb)
{
    return !nb->broken && !nb->wait_for &&
           RING_READ(nb->tx.sring->req_prod) != nb->tx.req_cons;
}

static void stop_waiting(struct netback *nb)
{
    if (nb->wait_for)
        LIST_REMOVE(nb, waiter);
    nb->wait_for = NULL;
}

void netback_tx_give_up(struct netback *nb)
{
    if (nb->wait_for)
        nb->wait_for->dry = true;
    stop_waiting(nb);
}

enum netback_tx netback_tx_poll(struct netback *nb, uint64_t *wait_ns)
{
    RING_IDX req_prod = RING_READ(nb->tx.sring->req_prod);
    enum netback_tx result;
    bool endless;
    int rc = 0;

    stop_waiting(nb);
    if (nb->broken)
        return NETBACK_TX_IDLE;
    xen_rmb(); /* the index before the slots */
    if (RING_REQUEST_PROD_OVERFLOW(&nb->tx, req_prod)) {
        ring_broken(nb, "impossible index of the sending ring");
        return NETBACK_TX_IDLE;
    }
    turn_reset();
    endless = decode(nb, req_prod) == -EPROTO;
    if (!nb->long_way && netport_has_company(nb->cfg.port))
        rc = fetch_heads(nb);
    result = rc ? NETBACK_TX_IDLE : send_all(nb, wait_ns);
    if (!rc)
        rc = gnttab_copy(nb->cfg.gnttab, turn.ops, turn.nr_ops);
    for (unsigned int i = 0; i < turn.nr_frames; i++)
        finish(nb, &turn.frames[i], rc);
    rx_answer_all(rc);
    answer(nb);
    if (result != NETBACK_TX_IDLE)
        return result;
    if (endless) {
        ring_broken(nb, "a frame to send has no end");
        return NETBACK_TX_IDLE;
    }
    return has_more(nb) ? NETBACK_TX_MORE : NETBACK_TX_IDLE;
}
