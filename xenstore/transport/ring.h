/*
 * A domain's ring: a page it shares with us and can change at any moment. Our
 * own positions are the client's, never the page's.
 *
 * Order matters for a daemon that may be killed: ring_take(), then the
 * journal, and only then ring_publish().
 */
#ifndef XENSTORE_TRANSPORT_RING_H
#define XENSTORE_TRANSPORT_RING_H

#include "xenstore/core/store.h"

#include <xen/io/xs_wire.h>

/*
 * Answer the requests in the ring; the peer is not told that they are gone. All
 * bytes are taken, also of a message that has only begun: Linux sends an event
 * for what it adds only when we had taken everything before.
 * Bytes taken, or -ERANGE (impossible index) or -EPROTO (oversized message).
 */
int ring_take(struct client *c, const struct xenstore_domain_interface *page);

/*
 * Show how far requests were taken, and put as much output as fits. True when
 * an index moved, and the peer wants an event. -ERANGE in *rc when its own
 * index is impossible.
 */
bool ring_publish(struct client *c, struct xenstore_domain_interface *page,
                  int *rc);

/* Whether there is something to take; ask again after ring_publish(). */
bool ring_has_input(const struct client *c,
                    const struct xenstore_domain_interface *page);

/* Whether the peer asks to start over; and: start over. */
bool ring_wants_reset(const struct xenstore_domain_interface *page);
void ring_reset(struct xenstore_domain_interface *page);

/* Tell the peer why it is ignored from now on: XENSTORE_ERROR_*. */
void ring_fail(struct xenstore_domain_interface *page, uint32_t error);

/* Say what we can do. Before the ring is used. */
void ring_announce(struct xenstore_domain_interface *page);

/*
 * After a restart: drop output that the former daemon had published already.
 * -ERANGE when the page's index cannot be ours.
 */
int ring_resume(struct client *c, const struct xenstore_domain_interface *page);

#endif
