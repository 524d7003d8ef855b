/*
 * A network card: frames of several pieces in both directions, with checksums
 * and segmentation left to the other side where it can, over one or several
 * queues.
 *
 * Opening, closing and the handshake belong to the store's thread; each queue
 * to one owner at a time, kept away while the other is in store_poll(). What a
 * queue had not sent when its backend died is dropped, as a network may do:
 * `sent` is called for it with an error.
 */
#ifndef PARAVANE_CORE_NETFRONT_H
#define PARAVANE_CORE_NETFRONT_H

#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/core/gnt.h"
#include "pv-frontends/core/ring.h"
#include "pv-frontends/core/xenbus.h"

#include <xen/io/netif.h>

#define NET_MAX_QUEUES 4u
#define NET_MAX_PIECES 18u /* what every backend takes */
#define NET_MIN_FIRST  14u /* bytes of the first: backends refuse less */
#define NET_SLOTS      256u
#define NET_MAX_FRAME  65535u

/* A piece of a frame, within one page. */
struct net_piece {
    void *page; /* the page's address */
    uint16_t offset, length;
};

enum net_segmentation { NET_WHOLE, NET_TCP4, NET_TCP6 };

struct net_frame {
    unsigned int nr_pieces;
    struct net_piece pieces[NET_MAX_PIECES];
    /*
     * Sending: the TCP or UDP checksum field has the pseudo-header's only, the
     * rest is left undone. Received: the same, and the data is good.
     */
    bool checksum_blank;
    bool data_good; /* received: the checksum was verified by somebody */
    enum net_segmentation segmentation;
    uint16_t segment_size; /* payload bytes per packet, if it is to be cut */
    /* Sending: from netfront_poll(), when the pages are the owner's again. */
    void (*sent)(struct net_frame *frame, int rc);
    void *arg;
    /* private */
    unsigned int nr_unanswered;
    int rc;
};

struct netfront;

struct net_tx_slot {
    struct net_frame *frame; /* NULL: free, or an extra slot's */
    grant_ref_t ref;
    uint16_t next_free;
    bool used;
};

struct net_rx_slot {
    void *page;
    grant_ref_t ref;
};

struct net_queue {
    struct netfront *net;
    unsigned int index;
    bool broken;
    int port;
    netif_tx_front_ring_t tx;
    netif_rx_front_ring_t rx;
    grant_ref_t tx_ref, rx_ref;
    struct net_tx_slot *tx_slots;
    struct net_rx_slot *rx_slots;
    uint16_t tx_free;
    unsigned int nr_tx_free, nr_posted;
    /* A frame that is coming in over several answers. */
    struct net_frame incoming;
    bool drop_incoming;
};

struct net_settings {
    unsigned int queues; /* wanted; 0: one */
    /* From the event of queue `index`: netfront_poll() is due. */
    void (*wake)(void *arg, unsigned int index);
    /*
     * A frame has come in, whose pages are the callee's until it returns, and
     * no longer shared with anybody.
     */
    void (*receive)(void *arg, unsigned int index,
                    const struct net_frame *frame);
    void *arg;
    unsigned int nr_buffers; /* posted per queue; 0: all 256 */
};

struct netfront {
    struct xbdev dev; /* first */
    struct net_settings set;
    uint8_t mac[6];
    /* What the backend takes. */
    bool can_pieces, can_tcp4, can_tcp6;
    unsigned int nr_queues;
    struct net_queue queues[NET_MAX_QUEUES];
    uint64_t nr_bad, nr_dropped; /* senseless answers; frames we dropped */
};

/* The structure is the caller's, zeroed. 0 or a negative error. */
int netfront_open(struct netfront *net, unsigned int devid,
                  const struct net_settings *settings);
void netfront_close(struct netfront *net);

/*
 * Send a frame, which stays the caller's until `sent`. 0; -XEN_EAGAIN when
 * there is no room or no backend now; -XEN_EINVAL for what the backend cannot
 * take.
 */
int netfront_send(struct netfront *net, unsigned int queue,
                  struct net_frame *frame);
/* Tell the backend of what was sent since: once per batch. */
void netfront_kick(struct netfront *net, unsigned int queue);

/* Take answers and frames of a queue, post buffers again; how many answers. */
unsigned int netfront_poll(struct netfront *net, unsigned int queue);

#endif
