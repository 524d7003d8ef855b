/* What the core's files share: the store, its clients, the layers between. */
#ifndef XENSTORE_CORE_INTERNAL_H
#define XENSTORE_CORE_INTERNAL_H

#include "xenstore/core/journal.h"
#include "xenstore/core/map.h"
#include "xenstore/core/node.h"
#include "xenstore/core/path.h"
#include "xenstore/core/store.h"

#include <xen/io/xs_wire.h>

enum special { SPECIAL_INTRODUCE, SPECIAL_RELEASE, SPECIAL_NR };

/* Something happened to `path`, and whoever watches it wants to know. */
struct change {
    char *path;
    struct node *gone; /* what was removed there: a reference, or NULL */
    struct perms *was; /* the list before it was set: a reference, or NULL */
};

struct store {
    const struct store_ops *ops;
    void *ctx;
    uint64_t seed, now_ms, ticked_ms;
    struct node *root;
    uint64_t gen;
    size_t nr_nodes;
    struct map perms;   /* all lists in use */
    struct map watched; /* path to struct watch_point */
    struct perms *special[SPECIAL_NR];
    struct domain **domains; /* by id; NULL: never heard of */
    struct client *clients;
    uint32_t next_client;
    int64_t limit[QUOTA_NR];
    struct change *changes;
    size_t nr_changes, cap_changes;
    bool journaling;    /* somebody takes the records */
    bool replaying;     /* what was allowed once is not refused again */
    struct buf records; /* of what changed since they were taken */
    struct buf reply;   /* empty: memory for the next request's */
    bool trace;         /* log each request */
    uint64_t nr_requests, nr_events, nr_starts, nr_aborts, nr_commits;
};

/* An event somebody has not read yet, and whose doing it was. */
struct debt {
    uint64_t end; /* where it ends in the receiver's output */
    uint64_t since_ms;
    uint16_t domid;
};

struct client {
    struct store *store;
    struct client *next, **link;
    struct domain *domain;
    uint32_t id;
    uint32_t key; /* its transport's */
    bool is_ring;
    bool privileged;
    bool durable; /* the journal holds its watches, transactions and output */
    struct buf in, out; /* a message's beginning; replies and events */
    uint32_t in_pos;    /* ring index up to which requests were consumed */
    uint64_t out_pos;   /* of the end of `out`; the low half is a ring index */
    bool lazy;    /* its transport keeps what it reads: see journal_turn() */
    bool repeats; /* the request in hand gives the same answer twice */
    bool behind;  /* the journal knows of neither input since kept_in ... */
    uint32_t kept_in; /* ... nor of what was put into `out` since then */
    struct debt *debts;
    size_t nr_debts, cap_debts;
    struct watch *watches;
    struct txn *txns;
    uint32_t next_txn;
    uint32_t nr_watches, nr_txns;
    uint32_t heat; /* commits until its last conflict is forgotten */
    uint64_t nr_requests;
    void *user;
};

/* The tree a request works on: the store's, or its transaction's. */
struct view {
    struct store *s;
    struct client *c; /* who asks */
    struct txn *t;    /* or NULL */
};

/* --- store.c ---
 */
bool client_is_limited(const struct client *c);
struct perms *store_perms(struct store *s, const struct perm *list, size_t nr);
unsigned int store_perm_bits(const struct client *c, const struct perms *p);
void store_note_change(struct store *s, const char *path, struct node *gone,
                       struct perms *was);
void store_fire_changes(struct store *s, struct client *by);
void store_drop_changes(struct store *s);
int store_special(const char *name); /* enum special, or -1 */
void store_fire_special(struct store *s, struct client *by, enum special which);

/* --- client.c ---
 */
struct client *client_new(struct store *s, struct domain *d, uint32_t id);
void client_put(struct client *c, uint32_t type, uint32_t req_id,
                uint32_t tx_id, const void *payload, size_t len);
/* An event caused by domain `by`; refused when too much waits already. */
bool client_put_event(struct client *c, const void *payload, size_t len,
                      const struct client *by);
void client_restore_out(struct client *c, const void *data, size_t len);
/* Forget what came in by parts and what waits; the streams go on from here. */
void client_go_to(struct client *c, uint32_t in_pos, uint64_t out_pos);
void client_forgive(struct client *c, uint64_t before_ms);

/* --- view.c: changes, for whoever has been found to be allowed ---
 */
struct node **view_root(struct view *v);
struct node *view_find(struct view *v, const char *path);
void view_write(struct view *v, const char *path, const void *value,
                size_t len);
/* The same, when it has just been looked up: `n`, or NULL. */
void view_write_at(struct view *v, struct node *n, const char *path,
                   const void *value, size_t len);
void view_mkdir(struct view *v, const char *path);
void view_remove(struct view *v, const char *path);
void view_set_perms(struct view *v, const char *path, struct perms *perms);
/* The list a new child of `parent` gets when `c` makes it. */
struct perms *view_inherit(struct client *c, const struct node *parent);
/* One node more (sign 1) or less (-1) for its owner; and: a tree less. */
void view_account(struct view *v, const struct node *n, int sign);
void view_discount(struct view *v, struct node *n);

#endif
