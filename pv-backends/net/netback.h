/*
 * The ring side of a network card: frames between a guest's two rings and a
 * descriptor that takes and gives one frame (behind a virtio_net_hdr) per call.
 * Knows nothing of the store.
 */
#ifndef PARAVANE_NET_NETBACK_H
#define PARAVANE_NET_NETBACK_H

#include "pv-backends/net/netdecode.h"
#include "pv-backends/runtime/log.h"

struct gnttab;

struct netback_config {
    const char *name; /* for the log; the caller's */
    uint32_t domid;
    struct gnttab *gnttab;
    int tap_fd; /* non-blocking */
    void *tx_page, *rx_page;
    bool scatter;   /* the guest takes frames in several slots */
    bool ipv6_csum; /* and IPv6 with blank checksums */
    void (*notify_tx)(void *arg);
    void (*notify_rx)(void *arg);
    void *arg;
};

struct netback_stats {
    uint64_t tx_frames, tx_bytes, tx_errors;
    uint64_t rx_frames, rx_bytes, rx_dropped;
};

struct netback {
    struct netback_config cfg;
    netif_tx_back_ring_t tx;
    netif_rx_back_ring_t rx;
    bool broken;
    struct log_limit log_limit;
    struct netback_stats stats;
};

/* Both rings as they are: what is unanswered is taken again. */
void netback_open(struct netback *nb, const struct netback_config *cfg);

/* A turn of sending; true when there is more for another. */
bool netback_tx_poll(struct netback *nb);

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

/* Are there buffers for the largest frame? */
bool netback_rx_ready(struct netback *nb);

#endif
