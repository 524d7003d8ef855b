/*
 * From ring slots to one packet a guest wants sent: which pages hold it and
 * what shall be done to it. Pure; every slot is copied once.
 */
#ifndef PARAVANE_NET_NETDECODE_H
#define PARAVANE_NET_NETDECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "pv-backends/runtime/ring.h"

#include <xen/grant_table.h>
#include <xen/io/netif.h>

enum {
    NET_MAX_FRAGS = XEN_NETIF_NR_SLOTS_MIN, /* data slots of one packet */
    NET_PAGE = 4096,
    NET_MIN_FRAME = 14, /* an Ethernet header */
};

/* One consumed slot, to be answered in its turn. */
struct net_slot {
    uint16_t id;
    bool extra; /* not a request: answered with NETIF_RSP_NULL */
};

struct net_frag {
    uint32_t ref;
    uint16_t offset, size;
};

struct net_packet {
    unsigned int nr_slots; /* consumed, extras included */
    unsigned int nr_frags;
    unsigned int size; /* bytes in all */
    bool csum_blank;
    uint8_t gso_type; /* XEN_NETIF_GSO_TYPE_* */
    uint16_t gso_size;
    struct net_frag frags[NET_MAX_FRAGS];
};

/* The part of a ring that may be read: [cons, prod). */
struct net_view {
    const netif_tx_sring_t *sring;
    unsigned int nr_entries;
    RING_IDX cons, prod;
};

/*
 * Take the next packet off `view` (which moves past it) and its slots into
 * `slots`, which has room for all that the ring holds. 0; -EINVAL: the slots
 * are consumed, and to be answered with an error; -EPROTO: the packet does not
 * end within the ring, which means that the ring cannot be served any more.
 */
int net_gather(struct net_view *view, struct net_packet *packet,
               struct net_slot *slots);

#endif
