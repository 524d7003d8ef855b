/*
 * The form of the journal's records, and one writer for each kind. What a
 * record's fields are is said here; replay.c reads them in the same order.
 */
#ifndef XENSTORE_CORE_RECORD_H
#define XENSTORE_CORE_RECORD_H

#include "xenstore/core/internal.h"

struct txn;

/* A record: this, then `len` bytes made of fields. */
struct record {
    uint32_t kind;
    uint32_t len;
};

enum record_kind {
    REC_NODE = 1, /* path, perms, value: made or changed */
    REC_REMOVED,  /* path */
    REC_DOMAIN,   /* domain_fields */
    REC_SPECIAL,  /* which, perms */
    REC_LIMITS,   /* the store's limits */
    REC_CLIENT,   /* client_fields */
    REC_CLIENT_GONE,
    REC_WATCH,   /* client, home_len, path, token */
    REC_UNWATCH, /* the same */
    REC_TXN,     /* client, id: started */
    REC_TXN_END,
    REC_TXN_OP,  /* client, id, kind, path, perms, value */
    REC_INPUT,   /* client, position, a message's beginning */
    REC_OUTPUT,  /* client, bytes */
    REC_RESET,   /* client: no watches, no transactions */
    REC_TXN_SAW, /* client, id, what, path: learned in the snapshot */
    REC_CHILD,   /* depth, name, perms, value: the tree, parents first */
    REC_SKIP,    /* client, input position, output position: nothing waits */
};

struct domain_fields {
    uint32_t domid, incarnation, port, introduced, shutdown;
    int32_t target;
    uint64_t gfn;
    int64_t limit[QUOTA_NR];
};

struct client_fields {
    uint32_t id, domid, is_ring, in_pos, next_txn;
    uint32_t key;
    uint64_t out_pos; /* of the first byte that waits */
};

/* --- records and their fields, at the end of a buffer ----------------------
 */
size_t record_begin(struct buf *b, uint32_t kind);
void record_end(struct buf *b, size_t start);
void record_u32(struct buf *b, uint32_t v);
void record_bytes(struct buf *b, const void *data, size_t len);
void record_perms(struct buf *b, const struct perms *p); /* NULL: none */

/* --- whole records ----------------------------------------------------------
 */
void record_domain(struct buf *b, const struct domain *d);
void record_special(struct buf *b, const struct store *s, uint32_t which);
void record_limits(struct buf *b, const struct store *s);
void record_client(struct buf *b, const struct client *c);
void record_watch(struct buf *b, uint32_t kind, const struct client *c,
                  const char *path, size_t home_len, const char *token);
void record_txn(struct buf *b, uint32_t kind, const struct client *c,
                uint32_t id);
void record_txn_op(struct buf *b, const struct txn *t, unsigned int kind,
                   const char *path, const void *value, size_t len,
                   const struct perms *perms);
void record_txn_saw(struct buf *b, const struct txn *t, unsigned int what,
                    const char *path, size_t len);
void record_node(struct buf *b, const char *path, size_t len,
                 const struct node *n);
void record_removed(struct buf *b, const char *path, size_t len);
void record_output(struct buf *b, const struct client *c, const void *data,
                   size_t len);
void record_input(struct buf *b, const struct client *c);
void record_skip(struct buf *b, const struct client *c);

#endif
