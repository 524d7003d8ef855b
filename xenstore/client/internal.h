/* What the client library's files share. */
#ifndef XENSTORE_CLIENT_INTERNAL_H
#define XENSTORE_CLIENT_INTERNAL_H

#include "xenstore/client/xs.h"

#include <sys/uio.h>

#define XS_MESSAGE_MAX (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)

/* A watch event that waits for its reader. */
struct xs_event {
    struct xs_event *next;
    char **vec; /* {path, token}, one block */
};

struct xs_handle {
    int fd;      /* the daemon */
    int poll_fd; /* epoll: readable when fd or wake_fd is */
    int wake_fd; /* eventfd: readable while events are queued */
    unsigned long flags;
    bool broken; /* out of step or cut off: every call fails with EIO */
    uint32_t next_id;
    struct xs_event *events, **events_end;
    size_t in_start, in_end; /* what was received and is not yet cut */
    char in[4 * XS_MESSAGE_MAX];
};

/* A request's or reply's payload in parts. */
struct xs_request {
    uint32_t type;
    xs_transaction_t tx;
    struct iovec part[3];
    unsigned int nr_parts;
};

/* Connect and fill in the descriptors; 0 or -errno. */
int xs_connect(struct xs_handle *h);

/*
 * Send a request and wait for its reply; events that arrive first are queued.
 * The reply's payload with a NUL behind it, to free(); NULL and errno.
 */
void *xs_talk(struct xs_handle *h, const struct xs_request *req,
              unsigned int *len);

/*
 * The halves of xs_talk(), for several requests on their way at once: send
 * one, whose number is h->next_id then; take the reply to it, in the order of
 * sending, whose payload is of no interest. 0, -EIO, -E2BIG, the daemon's
 * error.
 */
int xs_send(struct xs_handle *h, const struct xs_request *req);
int xs_receive(struct xs_handle *h, uint32_t id, uint32_t type);

/* Take in one message that is not a reply. 0, -EAGAIN (unless `wait`), -EIO. */
int xs_take_event(struct xs_handle *h, bool wait);

/* Queue the event of a WATCH_EVENT's payload; malformed ones are dropped. */
void xs_queue_event(struct xs_handle *h, const char *payload, size_t len);
void xs_drop_events(struct xs_handle *h);

#endif
