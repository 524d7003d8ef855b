#include "xenstore/core/txn.h"
#include "xenstore/core/mem.h"
#include "xenstore/core/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- life -------------------------------------------------------------------
 */

struct txn *txn_find(struct client *c, uint32_t id)
{
    struct txn *t;

    for (t = c->txns; t; t = t->next)
        if (t->id == id)
            return t;
    return NULL;
}

static uint32_t free_id(struct client *c)
{
    uint32_t id;

    do {
        id = c->next_txn++;
        if (!c->next_txn)
            c->next_txn = 1;
    } while (txn_find(c, id));
    return id;
}

static struct txn *make(struct client *c, uint32_t id)
{
    struct txn *t = mem_zalloc(sizeof(*t));

    t->client = c;
    t->id = id;
    t->serial = ++c->store->nr_starts;
    t->base = node_get(c->store->root);
    t->root = node_get(c->store->root);
    map_init(&t->seen, c->store->seed);
    t->next = c->txns;
    c->txns = t;
    c->nr_txns++;
    c->domain->used[QUOTA_TRANSACTIONS]++;
    return t;
}

int64_t txn_start(struct client *c)
{
    struct domain *d = c->domain;
    struct txn *t;

    if (client_is_limited(c) &&
        !quota_allows(c->store, d, QUOTA_TRANSACTIONS,
                      d->used[QUOTA_TRANSACTIONS] + 1, "a transaction"))
        return -ENOSPC;
    t = make(c, free_id(c));
    journal_txn(c, t->id, true);
    return t->id;
}

static void free_access(struct map_entry *e, void *arg)
{
    (void)arg;
    free(e);
}

static void free_op(struct txn_op *op)
{
    free(op->path);
    free(op->value);
    perms_put(op->perms);
}

/* Off its client's list; its trees let go, so that commits change in place. */
static void unhook(struct txn *t)
{
    struct client *c = t->client;
    struct txn **link = &c->txns;

    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    c->nr_txns--;
    c->domain->used[QUOTA_TRANSACTIONS]--;
    c->domain->used[QUOTA_MEMORY] -= t->bytes;
    node_put(t->base);
    node_put(t->root);
    t->base = t->root = NULL;
    journal_txn(c, t->id, false);
}

static void destroy(struct txn *t)
{
    size_t i;

    for (i = 0; i < t->nr_ops; i++)
        free_op(&t->ops[i]);
    free(t->ops);
    free(t->dues);
    map_each(&t->seen, free_access, NULL);
    map_free(&t->seen);
    free(t);
}

void txn_abort(struct txn *t)
{
    unhook(t);
    destroy(t);
}

void txn_drop_all(struct client *c)
{
    while (c->txns)
        txn_abort(c->txns);
}

/* --- notes ------------------------------------------------------------------
 */

static void charge(struct txn *t, size_t bytes)
{
    t->bytes += (int64_t)bytes;
    t->client->domain->used[QUOTA_MEMORY] += (int64_t)bytes;
}

static struct access *access_of(struct txn *t, const char *path, size_t len)
{
    struct access *a = (struct access *)map_find(&t->seen, path, len);

    if (a)
        return a;
    a = mem_zalloc(sizeof(*a) + len + 1);
    memcpy(a->path, path, len);
    map_add(&t->seen, &a->entry, a->path, len);
    charge(t, sizeof(*a) + len);
    return a;
}

void txn_note(struct view *v, const char *path, size_t len, unsigned int what)
{
    struct access *a;

    if (!v->t)
        return;
    a = access_of(v->t, path, len);
    if ((a->what & DID_WRITE) && a->write_op >= v->t->barrier)
        what &= ~(unsigned int)SAW_VALUE; /* it saw its own */
    if (what & ~a->what)
        journal_txn_saw(v->t, what, path, len);
    a->what |= what;
}

int txn_check_size(struct view *v, const char *path)
{
    struct domain *d;

    if (!v->t || !client_is_limited(v->c))
        return 0;
    d = v->c->domain;
    if (!quota_allows(v->s, d, QUOTA_TRANSACTION_NODES, (int64_t)v->t->seen.nr,
                      path) ||
        !quota_allows(v->s, d, QUOTA_MEMORY, d->used[QUOTA_MEMORY], path))
        return -ENOSPC;
    return 0;
}

static void push_op(struct txn *t, const struct txn_op *op)
{
    t->ops = mem_grow(t->ops, t->nr_ops, &t->cap_ops, sizeof(*op));
    t->ops[t->nr_ops++] = *op;
    charge(t, sizeof(*op) + strlen(op->path) + op->len);
}

/* A value written again replaces the first, unless something was removed. */
static bool merge_write(struct txn *t, const struct access *a,
                        const void *value, size_t len)
{
    struct txn_op *op;

    if (!(a->what & DID_WRITE) || a->write_op < t->barrier)
        return false;
    op = &t->ops[a->write_op];
    free(op->value);
    op->value = mem_dup(value, len);
    op->len = len;
    return true;
}

void txn_did(struct view *v, enum txn_op_kind kind, const char *path,
             const void *value, size_t len, struct perms *perms)
{
    struct txn *t = v->t;
    struct txn_op op = {.kind = kind, .len = len};
    struct access *a;

    if (!t)
        return;
    journal_txn_op(t, kind, path, value, len, perms);
    if (kind == OP_WRITE) {
        a = access_of(t, path, strlen(path));
        if (merge_write(t, a, value, len))
            return;
        a->what |= DID_WRITE;
        a->write_op = t->nr_ops;
    } else if (kind == OP_REMOVE) {
        t->barrier = t->nr_ops + 1;
    }
    op.path = mem_strdup(path);
    op.value = kind == OP_WRITE ? mem_dup(value, len) : NULL;
    op.perms = perms ? perms_get(perms) : NULL;
    push_op(t, &op);
}

static struct txn_due *due_of(struct txn *t, unsigned int domid)
{
    size_t i;

    for (i = 0; i < t->nr_dues; i++)
        if (t->dues[i].domid == domid)
            return &t->dues[i];
    t->dues = mem_grow(t->dues, t->nr_dues, &t->cap_dues, sizeof(*t->dues));
    t->dues[t->nr_dues] = (struct txn_due){.domid = domid};
    return &t->dues[t->nr_dues++];
}

void txn_account(struct txn *t, unsigned int domid, int64_t nodes,
                 int64_t bytes)
{
    struct txn_due *due = due_of(t, domid);

    due->nodes += nodes;
    due->bytes += bytes;
}

int64_t txn_due_nodes(const struct txn *t, unsigned int domid)
{
    size_t i;

    for (i = 0; i < t->nr_dues; i++)
        if (t->dues[i].domid == domid)
            return t->dues[i].nodes;
    return 0;
}

/* --- the end ----------------------------------------------------------------
 */

struct check {
    struct txn *t;
    bool changed;
};

static bool same_value(const struct node *a, const struct node *b)
{
    return a->value_len == b->value_len &&
           !memcmp(node_value(a), node_value(b), a->value_len);
}

/* Whether what was learned of a node in the snapshot is true of it now. */
static bool still_true(const struct node *was, const struct node *is,
                       unsigned int what)
{
    if (was == is)
        return true;
    if (!was || !is)
        return false;
    if (was->gen == is->gen)
        return true;
    if ((what & SAW_VALUE) && !same_value(was, is))
        return false;
    if ((what & SAW_PERMS) && was->perms != is->perms)
        return false;
    return !(what & SAW_NAMES) || child_same_names(was->children, is->children);
}

static void check_access(struct map_entry *e, void *arg)
{
    struct access *a = (struct access *)e;
    struct check *check = arg;
    struct txn *t = check->t;

    if (check->changed || !(a->what & ~(unsigned int)DID_WRITE))
        return;
    check->changed = !still_true(
        tree_find_n(t->base, a->path, e->key_len),
        tree_find_n(t->client->store->root, a->path, e->key_len), a->what);
}

static bool conflicts(struct txn *t)
{
    struct check check = {.t = t};

    if (t->base != t->client->store->root)
        map_each(&t->seen, check_access, &check);
    return check.changed;
}

static bool affordable(struct txn *t)
{
    struct store *s = t->client->store;
    size_t i;

    for (i = 0; i < t->nr_dues; i++) {
        const struct txn_due *due = &t->dues[i];
        struct domain *d = store_domain(s, due->domid);

        if (due->nodes > 0 && d && d->domid != 0 &&
            client_is_limited(t->client) &&
            !quota_allows(s, d, QUOTA_NODES, d->used[QUOTA_NODES] + due->nodes,
                          "a transaction"))
            return false;
    }
    return true;
}

static void view_apply(struct view *v, const struct txn_op *op)
{
    switch (op->kind) {
    case OP_WRITE:
        view_write(v, op->path, op->value, op->len);
        return;
    case OP_MKDIR:
        view_mkdir(v, op->path);
        return;
    case OP_REMOVE:
        view_remove(v, op->path);
        return;
    case OP_PERMS:
        view_set_perms(v, op->path, op->perms);
        return;
    }
}

/* The change noted last is of a node whose watchers will be told anyway. */
static void forget_last_change(struct store *s)
{
    struct change *last = &s->changes[--s->nr_changes];

    free(last->path);
    perms_put(last->was);
}

/* Do the ops on the store's tree; a node touched twice is noted once. */
static void apply(struct txn *t)
{
    struct store *s = t->client->store;
    struct view v = {.s = s, .c = t->client};
    struct access *a;
    size_t i, before;

    for (i = 0; i < t->nr_ops; i++) {
        const struct txn_op *op = &t->ops[i];

        before = s->nr_changes;
        view_apply(&v, op);
        a = (struct access *)map_find(&t->seen, op->path, strlen(op->path));
        if (s->nr_changes == before || !a)
            continue;
        if (a->told && op->kind != OP_REMOVE)
            forget_last_change(s);
        a->told = true;
    }
}

/* Once in so many commits it is tried whether others still interfere. */
#define HOT 64

int txn_commit(struct txn *t)
{
    struct client *c = t->client;
    struct store *s = c->store;
    int rc = 0;

    if (conflicts(t))
        rc = -EAGAIN;
    else if (!affordable(t))
        rc = -ENOSPC;
    unhook(t);
    if (!rc)
        apply(t);
    if (rc == -EAGAIN)
        c->heat = HOT;
    else if (!rc && c->heat)
        c->heat--;
    s->nr_commits += !rc;
    s->nr_aborts += rc == -EAGAIN;
    destroy(t);
    return rc;
}

/* --- after a restart --------------------------------------------------------
 */

struct txn *txn_restore(struct client *c, uint32_t id)
{
    struct txn *t = make(c, id);

    if (id >= c->next_txn)
        c->next_txn = id + 1;
    return t;
}

void txn_recall(struct txn *t, const char *path, size_t len, unsigned int what)
{
    access_of(t, path, len)->what |= what;
}

void txn_redo(struct txn *t, enum txn_op_kind kind, const char *path,
              const void *value, size_t len, struct perms *perms)
{
    struct view v = {t->client->store, t->client, t};
    const struct txn_op op = {kind, (char *)path, (void *)value, len, perms};

    view_apply(&v, &op);
    txn_did(&v, kind, path, value, len, perms);
}
