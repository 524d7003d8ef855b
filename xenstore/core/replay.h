/* What the files that read the journal's records share. */
#ifndef XENSTORE_CORE_REPLAY_H
#define XENSTORE_CORE_REPLAY_H

#include "xenstore/core/record.h"

#define DEPTH_MAX (PATH_BYTES / 2)

struct replay {
    struct store *s;
    const char *p, *end; /* of the record */
    bool bad;            /* a field was not there */
    struct node
        *stack[DEPTH_MAX + 1]; /* of REC_CHILD: the last of each depth */
    uint32_t depth;
};

/*
 * The record's next field. One that is not there, or makes no sense, sets
 * r->bad, and what is returned is harmless.
 */
void replay_take(struct replay *r, void *out, size_t len);
uint32_t replay_take_u32(struct replay *r);
const char *replay_take_bytes(struct replay *r, size_t *len);
/* A string without a NUL in it, into a buffer of `size`. */
void replay_take_string(struct replay *r, char *out, size_t size);
void replay_take_path(struct replay *r, struct path *p);
struct perms *replay_take_perms(struct replay *r); /* a reference, or NULL */
struct client *replay_take_client(struct replay *r);

/* One record of each kind. */
typedef void replay_fn(struct replay *r);
/* replay-tree.c */
replay_fn replay_node, replay_removed, replay_child;
/* replay-client.c */
replay_fn replay_client, replay_client_gone, replay_reset, replay_watch,
    replay_unwatch, replay_txn, replay_txn_end, replay_txn_op, replay_txn_saw,
    replay_input, replay_output, replay_skip;

#endif
