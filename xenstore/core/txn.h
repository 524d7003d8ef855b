/*
 * Transactions. A transaction is a snapshot of the tree it started from, its
 * own tree with its writes, and two notes: what it did, in order, and what it
 * learned of each path. At its end what it learned is looked up again in the
 * store's tree; if all is as in the snapshot, what it did is done there, and
 * the result is as if the whole had happened at that instant.
 */
#ifndef XENSTORE_CORE_TXN_H
#define XENSTORE_CORE_TXN_H

#include "xenstore/core/internal.h"

/* What a request learned of a path. */
#define SAW_EXISTENCE 1 /* that it is there, or is not */
#define SAW_VALUE     2
#define SAW_PERMS     4
#define SAW_NAMES     8 /* of its children */
#define SAW_ANYTHING  15
#define DID_WRITE     16 /* its value is the transaction's own */

struct access {
    struct map_entry entry;
    unsigned int what;
    size_t write_op; /* the op that wrote it, if DID_WRITE */
    bool told;       /* at commit: its watchers will be */
    char path[];
};

enum txn_op_kind { OP_WRITE, OP_MKDIR, OP_REMOVE, OP_PERMS };

struct txn_op {
    enum txn_op_kind kind;
    char *path;
    void *value;
    size_t len;
    struct perms *perms;
};

/* What a transaction would add to a domain's account. */
struct txn_due {
    unsigned int domid;
    int64_t nodes, bytes;
};

struct txn {
    struct txn *next;
    struct client *client;
    uint32_t id;
    uint64_t serial; /* in the order of starting, of all clients */
    struct node *base, *root;
    struct map seen;
    struct txn_op *ops;
    size_t nr_ops, cap_ops;
    size_t barrier; /* ops before this one are not merged into any more */
    struct txn_due *dues;
    size_t nr_dues, cap_dues;
    int64_t bytes; /* charged to the client's domain for notes */
};

/* The new transaction's id (never 0), or -ENOSPC beyond the quota. */
int64_t txn_start(struct client *c);
struct txn *txn_find(struct client *c, uint32_t id);

/* End it: 0, or -EAGAIN or -ENOSPC and nothing is done. It is gone. */
int txn_commit(struct txn *t);
void txn_abort(struct txn *t);
void txn_drop_all(struct client *c);

/* Note what was learned of path[0..len). No effect without a transaction. */
void txn_note(struct view *v, const char *path, size_t len, unsigned int what);

/* -ENOSPC when a guest's transaction touches too much. */
int txn_check_size(struct view *v, const char *path);

/* Note what was done, to do again at the end; the change itself is made by
 * view_*(). */
void txn_did(struct view *v, enum txn_op_kind kind, const char *path,
             const void *value, size_t len, struct perms *perms);

void txn_account(struct txn *t, unsigned int domid, int64_t nodes,
                 int64_t bytes);
/* Nodes it would add to what the domain owns. */
int64_t txn_due_nodes(const struct txn *t, unsigned int domid);

/*
 * For the journal: a transaction of a former life, started when the store's
 * tree is what it was then; what it did is done again, what it learned noted.
 */
struct txn *txn_restore(struct client *c, uint32_t id);
void txn_recall(struct txn *t, const char *path, size_t len, unsigned int what);
void txn_redo(struct txn *t, enum txn_op_kind kind, const char *path,
              const void *value, size_t len, struct perms *perms);

#endif
