#include "pv-backends/net/netdecode.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct netif_tx_request) == 12, "a slot");
_Static_assert(sizeof(struct netif_rx_request) == 8, "a slot");
_Static_assert(sizeof(struct netif_rx_response) == 8, "a slot");
_Static_assert(sizeof(struct netif_extra_info) == 8, "fits either");

/* The next slot's bytes; false at the end of what is there. */
static bool next_slot(struct net_view *view, union netif_tx_sring_entry *slot)
{
    if (view->cons == view->prod)
        return false;
    ring_copy_out(slot, &view->sring->ring[view->cons & (view->nr_entries - 1)],
                  sizeof(struct netif_tx_request));
    view->cons++;
    return true;
}

static int take_extra(const struct netif_extra_info *extra,
                      struct net_packet *packet)
{
    switch (extra->type) {
    case XEN_NETIF_EXTRA_TYPE_GSO:
        packet->gso_type = extra->u.gso.type;
        packet->gso_size = extra->u.gso.size;
        if (!packet->gso_size ||
            (packet->gso_type != XEN_NETIF_GSO_TYPE_TCPV4 &&
             packet->gso_type != XEN_NETIF_GSO_TYPE_TCPV6))
            return -EINVAL;
        return 0;
    case XEN_NETIF_EXTRA_TYPE_HASH:
        return 0; /* a hint we have no use for */
    default:
        return -EINVAL; /* nothing we have offered */
    }
}

/* The extras behind the first slot. Their errors are remembered in *bad. */
static int take_extras(struct net_view *view, struct net_packet *packet,
                       struct net_slot *slots, int *bad)
{
    union netif_tx_sring_entry slot;
    struct netif_extra_info extra;

    do {
        if (!next_slot(view, &slot))
            return -EPROTO;
        memcpy(&extra, &slot, sizeof(extra));
        slots[packet->nr_slots++] = (struct net_slot){0, true};
        if (take_extra(&extra, packet))
            *bad = -EINVAL;
    } while (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
    return 0;
}

static int take_frag(struct net_packet *packet,
                     const struct netif_tx_request *tx)
{
    if (packet->nr_frags == NET_MAX_FRAGS)
        return -EINVAL;
    packet->frags[packet->nr_frags++] =
        (struct net_frag){tx->gref, tx->offset, tx->size};
    return 0;
}

/* The first slot's size is the whole packet's; now that all are known, its own.
 */
static int settle_sizes(struct net_packet *packet)
{
    unsigned int rest = 0;

    for (unsigned int i = 1; i < packet->nr_frags; i++)
        rest += packet->frags[i].size;
    packet->size = packet->frags[0].size;
    if (rest > packet->size || packet->size < NET_MIN_FRAME)
        return -EINVAL;
    packet->frags[0].size = packet->size - rest;
    for (unsigned int i = 0; i < packet->nr_frags; i++)
        if (packet->frags[i].offset + packet->frags[i].size > NET_PAGE)
            return -EINVAL;
    return 0;
}

int net_gather(struct net_view *view, struct net_packet *packet,
               struct net_slot *slots)
{
    union netif_tx_sring_entry slot;
    bool first = true;
    int bad = 0, rc;

    memset(packet, 0, sizeof(*packet));
    do {
        if (!next_slot(view, &slot))
            return -EPROTO;
        slots[packet->nr_slots++] = (struct net_slot){slot.req.id, false};
        if (take_frag(packet, &slot.req))
            bad = -EINVAL;
        if (first && (slot.req.flags & NETTXF_extra_info)) {
            rc = take_extras(view, packet, slots, &bad);
            if (rc)
                return rc;
        }
        if (first)
            packet->csum_blank = slot.req.flags & NETTXF_csum_blank;
        first = false;
    } while (slot.req.flags & NETTXF_more_data);
    return bad ? bad : settle_sizes(packet);
}
