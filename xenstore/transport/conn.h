/* Bytes to messages, whatever they came by. */
#ifndef XENSTORE_TRANSPORT_CONN_H
#define XENSTORE_TRANSPORT_CONN_H

#include "xenstore/core/store.h"

#include <sys/types.h>

/*
 * Answer the whole messages at the start of `data` (private memory), the first
 * of which may have begun in client_in(). Returns how many bytes they took, or
 * -EPROTO when a header announces more than a message may hold: the stream is
 * lost then.
 */
ssize_t conn_feed_whole(struct client *c, const char *data, size_t len);

/* The same, and what is left over begins the next message. 0 or -EPROTO. */
int conn_feed(struct client *c, const char *data, size_t len);

#endif
