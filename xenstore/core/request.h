/*
 * Requests: one table says what there is to ask, one function asks it.
 */
#ifndef XENSTORE_CORE_REQUEST_H
#define XENSTORE_CORE_REQUEST_H

#include "xenstore/core/internal.h"

/*
 * Answer one whole message of `c`: exactly one reply is queued for it, then
 * the events it caused, for whoever watches. msg->len is at most
 * XENSTORE_PAYLOAD_MAX and `payload` is private memory.
 */
void request_handle(struct client *c, const struct xsd_sockmsg *msg,
                    const char *payload);

/* --- for the handlers ------------------------------------------------------
 */

struct request {
    struct store *s;
    struct client *c;
    struct view v;
    const struct xsd_sockmsg *msg;
    const char *payload;
    size_t len;
    struct buf reply; /* "OK" when the handler leaves it empty */
    bool empty_reply; /* really nothing */
    bool answered;    /* the handler did it itself */
    int special;      /* to be fired afterwards, or -1 */
    const char *first_path, *first_token; /* a watch that was just set */
    struct path path; /* that of the request, for the handlers */
};

/* Send "OK" before what follows. */
void request_ok(struct request *r);
void request_reply(struct request *r, const void *data, size_t len);

/* The payload is one path, or `nr` strings of which the first is: into
 * r->path. 0 or -EINVAL. */
int request_path(struct request *r, const char *name, enum path_kind kind);
int request_only_path(struct request *r);

typedef int request_fn(struct request *r); /* 0 or -errno */

/* req-node.c */
request_fn req_read, req_directory, req_directory_part, req_write, req_mkdir,
    req_rm, req_get_perms, req_set_perms;
/* req-watch.c */
request_fn req_watch, req_unwatch, req_reset_watches;
/* req-txn.c */
request_fn req_transaction_start, req_transaction_end;
/* req-domain.c */
request_fn req_introduce, req_release, req_resume, req_set_target,
    req_is_introduced, req_get_domain_path;
/* control.c */
request_fn req_control;

#endif
