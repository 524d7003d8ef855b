/* One queue's rings. Private to netfront. */
#ifndef PARAVANE_CORE_NETQUEUE_H
#define PARAVANE_CORE_NETQUEUE_H

#include "pv-frontends/core/netfront.h"

/* Rings, buffers and the event channel. 0 or a negative error, and then
 * net_queue_drop() is still the caller's. */
int net_queue_make(struct net_queue *q);
void net_queue_drop(struct net_queue *q);

/* Post buffers until `nr_buffers` are. */
void net_rx_post(struct net_queue *q);
/* Take what has come in; how many answers. */
unsigned int net_rx_poll(struct net_queue *q);

bool net_queue_is_usable(const struct net_queue *q);
/* The other side is out of its mind: nothing more on this queue. */
void net_queue_break(struct net_queue *q, const char *why);

#endif
