/*
 * One pair of rings of a network card and what drives it: event channels, the
 * tap's queue, timers.
 */
#ifndef PARAVANE_NET_QUEUE_H
#define PARAVANE_NET_QUEUE_H

#include "pv-backends/net/netback.h"
#include "pv-backends/net/netswitch.h"
#include "pv-backends/runtime/backend.h"
#include "pv-backends/runtime/ringmap.h"
#include "pv-backends/runtime/spin.h"

/* What the frontend says it can do; what it does not say it cannot. */
struct net_abilities {
    uint64_t rx_copy, rx_notify, scatter, tso4, tso6, no_csum, ipv6_csum;
};

struct netqueue {
    struct backend *be;
    int tap_fd; /* the card's, or with `own_fd` this queue's alone */
    bool own_fd;
    char *directory; /* of the store, where the frontend describes it */
    char *journal;   /* path */
    char *latency_path;
    struct latency_file *latency;
    struct netjournal *answers;
    struct event *readable, *stalled, *sender;
    struct ringmap tx_ring, rx_ring;
    struct loop_port *tx_port, *rx_port; /* the same when not split */
    struct spin_source source;           /* of what the guest sends */
    bool full;                           /* waiting for buffers */
    bool paced;                          /* waiting for its rate */
    struct netback back;
};

/* How a card's queues are opened. */
struct netqueue_setup {
    unsigned int index;
    bool alone;          /* the frontend's keys lie in its own directory */
    const char *tap;     /* the tap's name, to get another queue of it */
    int tap_fd;          /* queue 0's */
    const char *run_dir; /* where journals are */
    const struct net_abilities *can;
    struct netport *port;
    struct bucket *limit;
};

/* 0 or -errno with `why`; then nothing is held. */
int netqueue_open(struct netqueue **out, struct backend *be,
                  const struct netqueue_setup *setup, struct backend_why *why);

/* The other end may have missed events: look, and make it look. */
void netqueue_nudge(struct netqueue *q);

void netqueue_close(struct netqueue *q);

#endif
