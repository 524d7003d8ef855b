/*
 * The ring side of a network card: one pair of rings of a guest. Frames go
 * between them and a descriptor that takes and gives one frame (behind a
 * virtio_net_hdr) per call, or straight into the rings of another guest that
 * the same process serves. Knows nothing of the store.
 */
#ifndef PARAVANE_NET_NETBACK_H
#define PARAVANE_NET_NETBACK_H

#include "pv-backends/net/netdecode.h"
#include "pv-backends/net/netjournal.h"
#include "pv-backends/runtime/bucket.h"
#include "pv-backends/runtime/log.h"
#include "dom0/libs/latency/latency.h"

#include <sys/queue.h>

struct gnttab;
struct netport;

struct netback_config {
    const char *name; /* for the log; the caller's */
    uint32_t domid;
    struct gnttab *gnttab;
    int tap_fd; /* non-blocking */
    void *tx_page, *rx_page;
    struct netjournal *journal; /* the caller's */
    struct netport *port;       /* its place among the other guests' cards */
    struct bucket *limit;       /* of what the guest sends, bytes */
    struct latency *sent, *received; /* the caller's; NULL: not counted */
    bool scatter;         /* the guest takes frames in several slots */
    bool csum, ipv6_csum; /* with blank checksums */
    bool tso4, tso6;      /* uncut */
    void (*notify_tx)(void *arg);
    void (*notify_rx)(void *arg);
    void (*wake_tx)(void *arg); /* the card it waited for has room again */
    void *arg;
};

struct netback_stats {
    uint64_t tx_frames, tx_bytes, tx_errors, tx_spoofed, tx_switched;
    uint64_t rx_frames, rx_bytes, rx_dropped;
    uint64_t copied_bytes; /* by grant copies, of the frames sent */
};

struct netback {
    struct netback_config cfg;
    netif_tx_back_ring_t tx;
    netif_rx_back_ring_t rx;
    bool broken;
    bool polled;              /* somebody looks: events need not be sent */
    bool long_way;            /* its pages cannot be trusted to be there */
    bool dry;                 /* let its guest wait for no more frames */
    struct netback *wait_for; /* the card that has no room for its next frame */
    LIST_ENTRY(netback) waiter;
    LIST_HEAD(, netback) waiters;
    struct netback *next_receiver; /* of a turn */
    bool receives;
    struct log_limit log_limit;
    struct netback_stats stats;
};

/* Once, before the first: memory for the frames under way, while the devices
 * may still be opened that it takes. */
void netback_setup(struct gnttab *gt);

/*
 * Both rings as they are: what is unanswered is taken again, what a predecessor
 * had answered and not published is published.
 */
void netback_open(struct netback *nb, const struct netback_config *cfg);

/* Let go of others, and others of it. */
void netback_close(struct netback *nb);

enum netback_tx {
    NETBACK_TX_IDLE,
    NETBACK_TX_MORE,    /* another turn, please */
    NETBACK_TX_WAITS,   /* for another card's room: wake_tx() is called, or
                           after a while netback_tx_give_up() */
    NETBACK_TX_LIMITED, /* for its rate: a turn after *wait_ns */
};

/* A turn of sending. */
enum netback_tx netback_tx_poll(struct netback *nb, uint64_t *wait_ns);

/* Does the guest want to send, as far as the ring tells? */
bool netback_tx_wanted(const struct netback *nb);

/* The card it waits for gets no more frames until it has buffers again. */
void netback_tx_give_up(struct netback *nb);

enum netback_rx {
    NETBACK_RX_IDLE, /* nothing more to receive */
    NETBACK_RX_MORE, /* another turn, please */
    NETBACK_RX_FULL, /* the guest has too few buffers posted; it was asked to
                        send an event when it has more */
};

/* A turn of receiving. */
enum netback_rx netback_rx_push(struct netback *nb);

/* Read frames and forget them, so that nobody waits for this guest. */
void netback_rx_drop(struct netback *nb);

/* Are there buffers for the largest frame? Then senders that wait go on. */
bool netback_rx_ready(struct netback *nb);

#endif
