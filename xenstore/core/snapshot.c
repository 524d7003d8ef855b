/* The journal's first records: everything as it is at one moment. */
#include "xenstore/core/journal.h"
#include "xenstore/core/mem.h"
#include "xenstore/core/record.h"
#include "xenstore/core/tree.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/watch.h"

#include <stdlib.h>
#include <string.h>

/* --- the transactions that are open -----------------------------------------
 *
 * Each works on the tree as it was when it started. So the records begin with
 * the tree of the oldest one, and go from there to the next one's, and so on to
 * the store's: only what differs is written.
 */

struct open_txns {
    struct txn **list; /* of clients that outlive us, oldest first */
    size_t nr, cap;
};

static int by_age(const void *a, const void *b)
{
    const struct txn *x = *(struct txn *const *)a, *y = *(struct txn *const *)b;

    return x->serial < y->serial ? -1 : 1;
}

static void find_open(struct store *s, struct open_txns *o)
{
    struct client *c;
    struct txn *t;

    for (c = s->clients; c; c = c->next)
        for (t = c->durable ? c->txns : NULL; t; t = t->next) {
            o->list = mem_grow(o->list, o->nr, &o->cap, sizeof(struct txn *));
            o->list[o->nr++] = t;
        }
    if (o->nr)
        qsort(o->list, o->nr, sizeof(struct txn *), by_age);
}

struct learned {
    struct buf *b;
    const struct txn *t;
};

static void snapshot_access(struct map_entry *e, void *arg)
{
    const struct access *a = (const struct access *)e;
    struct learned *l = arg;

    if (a->what & SAW_ANYTHING)
        record_txn_saw(l->b, l->t, a->what & SAW_ANYTHING, a->path, e->key_len);
}

static void snapshot_txn(struct buf *b, struct txn *t)
{
    struct learned l = {b, t};
    size_t i;

    record_txn(b, REC_TXN, t->client, t->id);
    for (i = 0; i < t->nr_ops; i++)
        record_txn_op(b, t, t->ops[i].kind, t->ops[i].path, t->ops[i].value,
                      t->ops[i].len, t->ops[i].perms);
    map_each(&t->seen, snapshot_access, &l);
}

static void record_difference(const char *path, size_t len,
                              const struct node *is, void *arg)
{
    if (is)
        record_node(arg, path, len, is);
    else
        record_removed(arg, path, len);
}

static void snapshot_history(struct buf *b, const struct open_txns *o,
                             struct store *s)
{
    char path[PATH_BYTES] = "/";
    size_t i;

    for (i = 0; i < o->nr; i++) {
        snapshot_txn(b, o->list[i]);
        tree_diff(o->list[i]->base,
                  i + 1 < o->nr ? o->list[i + 1]->base : s->root, path, 1,
                  record_difference, b);
    }
}

/* --- the rest ---------------------------------------------------------------
 */

static void snapshot_client(struct buf *b, struct client *c)
{
    const struct watch *w;

    record_client(b, c);
    record_input(b, c);
    if (buf_len(&c->out))
        record_output(b, c, buf_head(&c->out), buf_len(&c->out));
    for (w = c->watches; w; w = w->next_of_client)
        record_watch(b, REC_WATCH, c, w->point->path, w->home_len, w->token);
}

/* A node to be written, and then what is below it and to its right. */
struct pending {
    struct node *n;
    uint32_t depth;
};

struct snapshot {
    struct node *root;        /* ours: it does not change */
    struct buf before, after; /* all but the tree */
    struct pending *stack;
    size_t nr, cap;
};

/* The leftmost of a treap comes out first. */
static void push_treap(struct snapshot *snap, struct node *n, uint32_t depth)
{
    for (; n; n = n->left) {
        snap->stack =
            mem_grow(snap->stack, snap->nr, &snap->cap, sizeof(*snap->stack));
        snap->stack[snap->nr++] = (struct pending){n, depth};
    }
}

struct snapshot *snapshot_begin(struct store *s)
{
    struct snapshot *snap = mem_zalloc(sizeof(*snap));
    struct open_txns open = {0};
    struct client *c;
    unsigned int i;

    record_limits(&snap->before, s);
    for (i = 0; i < SPECIAL_NR; i++)
        record_special(&snap->before, s, i);
    for (i = 0; i < DOMID_LIMIT; i++)
        if (s->domains[i])
            record_domain(&snap->before, s->domains[i]);
    for (c = s->clients; c; c = c->next)
        if (c->durable)
            snapshot_client(&snap->after, c);
    find_open(s, &open);
    snapshot_history(&snap->after, &open, s);
    snap->root = node_get(open.nr ? open.list[0]->base : s->root);
    free(open.list);
    push_treap(snap, snap->root, 0);
    return snap;
}

static void write_child(struct buf *b, const struct pending *p)
{
    size_t at = record_begin(b, REC_CHILD);

    record_u32(b, p->depth);
    record_bytes(b, node_name(p->n), p->n->name_len);
    record_perms(b, p->n->perms);
    record_bytes(b, node_value(p->n), p->n->value_len);
    record_end(b, at);
}

static void move_records(struct buf *to, struct buf *from)
{
    buf_append(to, buf_head(from), buf_len(from));
    buf_clear(from);
}

bool snapshot_more(struct snapshot *snap, size_t bytes, struct buf *out)
{
    size_t start = buf_len(out);
    struct pending p;

    move_records(out, &snap->before);
    while (snap->nr && buf_len(out) - start < bytes) {
        p = snap->stack[--snap->nr];
        write_child(out, &p);
        push_treap(snap, p.n->right, p.depth);
        push_treap(snap, p.n->children, p.depth + 1);
    }
    if (snap->nr)
        return true;
    move_records(out, &snap->after);
    return false;
}

void snapshot_end(struct snapshot *snap)
{
    node_put(snap->root);
    buf_free(&snap->before);
    buf_free(&snap->after);
    free(snap->stack);
    free(snap);
}

void journal_snapshot(struct store *s, struct buf *out)
{
    struct snapshot *snap = snapshot_begin(s);

    snapshot_more(snap, SIZE_MAX, out);
    snapshot_end(snap);
}
