/*
 * Which guest's card answers to an address: the short way between two guests
 * that one process serves. Frames for an address that is in here go from page
 * to page; all others (broadcast, multicast, addresses beyond the host, or made
 * up inside a guest) take the tap, and the host's bridge does what bridges do.
 * Only the addresses that the toolstack gave are in here, so there is nothing
 * a guest could make us learn. Pure.
 */
#ifndef PARAVANE_NET_NETSWITCH_H
#define PARAVANE_NET_NETSWITCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct netback;

enum { NET_MAC_BYTES = 6, NET_BRIDGE_BYTES = 16 };

/* Where a card is plugged in. */
struct netplace {
    char bridge[NET_BRIDGE_BYTES]; /* "": nowhere, nobody is near */
    uint16_t vlan;                 /* 0: the bridge's own */
    uint8_t mac[NET_MAC_BYTES];
    bool isolated; /* speaks with no other isolated card */
    bool filtered; /* may send from its own address only */
    unsigned int mtu;
};

/* A card in the table. */
struct netport {
    LIST_ENTRY(netport) link;
    struct netplace place;
    bool listed;
    struct netback **queues; /* its rings, while it is connected */
    unsigned int nr_queues;
    bool company; /* as of the table's `looked_at`th change */
    uint64_t looked_at;
};

/* `place` is set; may be listed already. */
void netport_list(struct netport *port);

/* Fine on one that is not listed. */
void netport_unlist(struct netport *port);

/* Its rings come (they stay the caller's), or go with `nr` 0. */
void netport_connect(struct netport *port, struct netback **queues,
                     unsigned int nr);

/* Has `port` anybody to speak with by the short way? */
bool netport_has_company(struct netport *port);

/*
 * Whose card a frame from `port` goes to; NULL: to the tap. `to` begins the
 * frame. A card that is not connected, and an address that two cards have, are
 * the bridge's business.
 */
struct netport *netport_find(const struct netport *port, const uint8_t *to);

/* May `port` send a frame that begins with these 14 bytes? */
bool netport_may_send(const struct netport *port, const uint8_t *frame);

#endif
