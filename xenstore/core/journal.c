#include "xenstore/core/journal.h"
#include "xenstore/core/internal.h"
#include "xenstore/core/mem.h"
#include "xenstore/core/tree.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    REC_TXN_OP, /* client, id, kind, path, perms, value */
    REC_INPUT,  /* client, position, a message's beginning */
    REC_OUTPUT, /* client, bytes */
    REC_RESET,  /* client: no watches, no transactions */
    REC_CHILD,  /* depth, name, perms, value: the tree, parents first */
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

/* --- writing ----------------------------------------------------------------
 */

static size_t begin(struct buf *b, uint32_t kind)
{
    struct record r = {kind, 0};

    buf_append(b, &r, sizeof(r));
    return buf_len(b);
}

static void end(struct buf *b, size_t start)
{
    uint32_t len = (uint32_t)(buf_len(b) - start);

    memcpy(b->data + b->start + start - sizeof(len), &len, sizeof(len));
}

static void put_u32(struct buf *b, uint32_t v)
{
    buf_append(b, &v, sizeof(v));
}

static void put_bytes(struct buf *b, const void *data, size_t len)
{
    put_u32(b, (uint32_t)len);
    buf_append(b, data, len);
}

static void put_perms(struct buf *b, const struct perms *p)
{
    put_bytes(b, p ? p->list : NULL, p ? p->nr * sizeof(p->list[0]) : 0);
}

void store_journal(struct store *s, bool on)
{
    s->journaling = on;
}

const char *store_records(struct store *s, size_t *len)
{
    *len = buf_len(&s->records);
    return buf_head(&s->records);
}

void store_records_taken(struct store *s)
{
    buf_clear(&s->records);
}

void journal_node(struct store *s, const char *path, size_t len,
                  const struct node *n)
{
    size_t at;

    if (!s->journaling)
        return;
    at = begin(&s->records, REC_NODE);
    put_bytes(&s->records, path, len);
    put_perms(&s->records, n->perms);
    put_bytes(&s->records, node_value(n), n->value_len);
    end(&s->records, at);
}

void journal_removed(struct store *s, const char *path)
{
    size_t at;

    if (!s->journaling)
        return;
    at = begin(&s->records, REC_REMOVED);
    put_bytes(&s->records, path, strlen(path));
    end(&s->records, at);
}

static void write_domain(struct buf *b, const struct domain *d)
{
    struct domain_fields f = {
        .domid = d->domid,
        .incarnation = d->incarnation,
        .port = d->port,
        .introduced = d->introduced,
        .shutdown = d->shutdown,
        .target = d->target,
        .gfn = d->gfn,
    };
    size_t at = begin(b, REC_DOMAIN);

    memcpy(f.limit, d->limit, sizeof(f.limit));
    buf_append(b, &f, sizeof(f));
    end(b, at);
}

void journal_domain(struct store *s, const struct domain *d)
{
    if (s->journaling)
        write_domain(&s->records, d);
}

static void write_special(struct buf *b, const struct store *s, uint32_t which)
{
    size_t at = begin(b, REC_SPECIAL);

    put_u32(b, which);
    put_perms(b, s->special[which]);
    end(b, at);
}

void journal_special(struct store *s, unsigned int which)
{
    if (s->journaling)
        write_special(&s->records, s, which);
}

static void write_limits(struct buf *b, const struct store *s)
{
    size_t at = begin(b, REC_LIMITS);

    buf_append(b, s->limit, sizeof(s->limit));
    end(b, at);
}

void journal_limits(struct store *s)
{
    if (s->journaling)
        write_limits(&s->records, s);
}

static void write_client(struct buf *b, const struct client *c)
{
    struct client_fields f = {
        .id = c->id,
        .key = c->key,
        .domid = c->domain->domid,
        .is_ring = c->is_ring,
        .in_pos = c->in_pos,
        .next_txn = c->next_txn,
        .out_pos = c->out_pos - buf_len(&c->out),
    };
    size_t at = begin(b, REC_CLIENT);

    buf_append(b, &f, sizeof(f));
    end(b, at);
}

static bool wanted(const struct client *c)
{
    return c->durable && c->store->journaling;
}

void journal_client(const struct client *c)
{
    if (wanted(c))
        write_client(&c->store->records, c);
}

static void write_about(const struct client *c, uint32_t kind)
{
    size_t at;

    if (!wanted(c))
        return;
    at = begin(&c->store->records, kind);
    put_u32(&c->store->records, c->id);
    end(&c->store->records, at);
}

void journal_client_gone(const struct client *c)
{
    write_about(c, REC_CLIENT_GONE);
}

void journal_reset(const struct client *c)
{
    write_about(c, REC_RESET);
}

static void write_watch(struct buf *b, uint32_t kind, const struct client *c,
                        const char *path, size_t home_len, const char *token)
{
    size_t at = begin(b, kind);

    put_u32(b, c->id);
    put_u32(b, (uint32_t)home_len);
    put_bytes(b, path, strlen(path));
    put_bytes(b, token, strlen(token));
    end(b, at);
}

void journal_watch(const struct client *c, const char *path, size_t home_len,
                   const char *token, bool added)
{
    if (wanted(c))
        write_watch(&c->store->records, added ? REC_WATCH : REC_UNWATCH, c,
                    path, home_len, token);
}

static void write_txn(struct buf *b, uint32_t kind, const struct client *c,
                      uint32_t id)
{
    size_t at = begin(b, kind);

    put_u32(b, c->id);
    put_u32(b, id);
    end(b, at);
}

void journal_txn(const struct client *c, uint32_t id, bool started)
{
    if (wanted(c))
        write_txn(&c->store->records, started ? REC_TXN : REC_TXN_END, c, id);
}

static void write_txn_op(struct buf *b, const struct txn *t, unsigned int kind,
                         const char *path, const void *value, size_t len,
                         const struct perms *perms)
{
    size_t at = begin(b, REC_TXN_OP);

    put_u32(b, t->client->id);
    put_u32(b, t->id);
    put_u32(b, kind);
    put_bytes(b, path, strlen(path));
    put_perms(b, perms);
    put_bytes(b, value, len);
    end(b, at);
}

void journal_txn_op(const struct txn *t, unsigned int kind, const char *path,
                    const void *value, size_t len, const struct perms *perms)
{
    if (wanted(t->client))
        write_txn_op(&t->client->store->records, t, kind, path, value, len,
                     perms);
}

static void write_output(struct buf *b, const struct client *c,
                         const void *data, size_t len)
{
    size_t at = begin(b, REC_OUTPUT);

    put_u32(b, c->id);
    put_bytes(b, data, len);
    end(b, at);
}

void journal_output(const struct client *c, const void *data, size_t len)
{
    if (wanted(c))
        write_output(&c->store->records, c, data, len);
}

static void write_input(struct buf *b, const struct client *c)
{
    size_t at = begin(b, REC_INPUT);

    put_u32(b, c->id);
    put_u32(b, c->in_pos);
    put_bytes(b, buf_head(&c->in), buf_len(&c->in));
    end(b, at);
}

void journal_input(struct client *c, uint32_t pos)
{
    c->in_pos = pos;
    if (wanted(c))
        write_input(&c->store->records, c);
}

/* --- snapshot ---------------------------------------------------------------
 */

static void snapshot_txn(struct buf *b, const struct txn *t)
{
    size_t i;

    write_txn(b, REC_TXN, t->client, t->id);
    for (i = 0; i < t->nr_ops; i++)
        write_txn_op(b, t, t->ops[i].kind, t->ops[i].path, t->ops[i].value,
                     t->ops[i].len, t->ops[i].perms);
}

static void snapshot_client(struct buf *b, struct client *c)
{
    const struct watch *w;
    const struct txn *t;

    write_client(b, c);
    write_input(b, c);
    if (buf_len(&c->out))
        write_output(b, c, buf_head(&c->out), buf_len(&c->out));
    for (w = c->watches; w; w = w->next_of_client)
        write_watch(b, REC_WATCH, c, w->point->path, w->home_len, w->token);
    for (t = c->txns; t; t = t->next)
        snapshot_txn(b, t);
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
    struct client *c;
    unsigned int i;

    write_limits(&snap->before, s);
    for (i = 0; i < SPECIAL_NR; i++)
        write_special(&snap->before, s, i);
    for (i = 0; i < DOMID_LIMIT; i++)
        if (s->domains[i])
            write_domain(&snap->before, s->domains[i]);
    for (c = s->clients; c; c = c->next)
        if (c->durable)
            snapshot_client(&snap->after, c);
    snap->root = node_get(s->root);
    push_treap(snap, snap->root, 0);
    return snap;
}

static void write_child(struct buf *b, const struct pending *p)
{
    size_t at = begin(b, REC_CHILD);

    put_u32(b, p->depth);
    put_bytes(b, node_name(p->n), p->n->name_len);
    put_perms(b, p->n->perms);
    put_bytes(b, node_value(p->n), p->n->value_len);
    end(b, at);
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

/* --- reading ----------------------------------------------------------------
 */

#define DEPTH_MAX (PATH_BYTES / 2)

struct replay {
    struct store *s;
    const char *p, *end; /* of the record */
    bool bad;            /* a field was not there */
    struct node
        *stack[DEPTH_MAX + 1]; /* of REC_CHILD: the last of each depth */
    uint32_t depth;
};

static void take(struct replay *r, void *out, size_t len)
{
    if (r->bad || (size_t)(r->end - r->p) < len) {
        r->bad = true;
        memset(out, 0, len);
        return;
    }
    memcpy(out, r->p, len);
    r->p += len;
}

static uint32_t take_u32(struct replay *r)
{
    uint32_t v;

    take(r, &v, sizeof(v));
    return v;
}

static const char *take_bytes(struct replay *r, size_t *len)
{
    const char *data;

    *len = take_u32(r);
    if (r->bad || (size_t)(r->end - r->p) < *len) {
        r->bad = true;
        *len = 0;
        return "";
    }
    data = r->p;
    r->p += *len;
    return data;
}

/* A string without a NUL in it, into a buffer of `size`. */
static void take_string(struct replay *r, char *out, size_t size)
{
    size_t len;
    const char *data = take_bytes(r, &len);

    if (len >= size || memchr(data, '\0', len))
        r->bad = true;
    if (r->bad)
        len = 0;
    memcpy(out, data, len);
    out[len] = '\0';
}

static void take_path(struct replay *r, struct path *p)
{
    char text[PATH_BYTES];

    take_string(r, text, sizeof(text));
    if (text[0] == '\0' ||
        path_parse(p, text, 0, PATH_NODE_OR_SPECIAL, PATH_BYTES) || p->home_len)
        r->bad = true;
}

static struct perms *take_perms(struct replay *r)
{
    struct perm list[PERMS_MAX];
    size_t len, nr;
    const char *data = take_bytes(r, &len);

    nr = len / sizeof(*list);
    if (len % sizeof(*list) || nr > PERMS_MAX || !nr) {
        r->bad = r->bad || len;
        return NULL;
    }
    memcpy(list, data, len);
    return perms_make(&r->s->perms, list, nr);
}

static struct client *take_client(struct replay *r)
{
    uint32_t id = take_u32(r);
    struct client *c;

    for (c = r->s->clients; c; c = c->next)
        if (c->id == id)
            return c;
    r->bad = true;
    return NULL;
}

/* Make the node at a path whose parent exists, or change it. */
static void put_node(struct replay *r, const struct path *p,
                     struct perms *perms, const char *value, size_t len)
{
    struct view v = {.s = r->s};
    size_t parent_len = path_parent_len(p->text, p->len);
    struct node *parent = tree_find_n(r->s->root, p->text, parent_len);
    const char *leaf = path_leaf(p->text);
    struct node *n;

    if (p->len > 1 && parent &&
        !child_find(parent->children, leaf, strlen(leaf))) {
        n = node_new(r->s->seed, leaf, strlen(leaf), perms_get(perms), value,
                     len);
        view_account(&v, n, 1);
        tree_add(&r->s->root, p->text, parent_len, n, ++r->s->gen);
        return;
    }
    view_write(&v, p->text, value, len);
    view_set_perms(&v, p->text, perms);
    store_drop_changes(r->s);
}

static void replay_node(struct replay *r)
{
    struct path p;
    struct perms *perms;
    const char *value;
    size_t len;

    take_path(r, &p);
    perms = take_perms(r);
    value = take_bytes(r, &len);
    if (!perms || len > XENSTORE_PAYLOAD_MAX)
        r->bad = true;
    if (!r->bad && p.text[0] == '/')
        put_node(r, &p, perms, value, len);
    perms_put(perms);
}

static void replay_removed(struct replay *r)
{
    struct view v = {.s = r->s};
    struct path p;

    take_path(r, &p);
    if (!r->bad && p.len > 1)
        view_remove(&v, p.text);
}

static void replay_domain(struct replay *r)
{
    struct domain_fields f;
    struct domain *d;

    take(r, &f, sizeof(f));
    d = r->bad ? NULL : store_domain(r->s, f.domid);
    if (!d || f.target >= DOMID_LIMIT) {
        r->bad = true;
        return;
    }
    d->incarnation = f.incarnation;
    d->port = f.port;
    d->introduced = f.introduced != 0;
    d->shutdown = f.shutdown != 0;
    d->target = f.target < 0 ? -1 : f.target;
    d->gfn = f.gfn;
    memcpy(d->limit, f.limit, sizeof(f.limit));
}

static void replay_special(struct replay *r)
{
    uint32_t which = take_u32(r);
    struct perms *perms = take_perms(r);

    if (!perms || which >= SPECIAL_NR) {
        r->bad = true;
        perms_put(perms);
        return;
    }
    perms_put(r->s->special[which]);
    r->s->special[which] = perms;
}

static void replay_limits(struct replay *r)
{
    take(r, r->s->limit, sizeof(r->s->limit));
}

static void replay_client(struct replay *r)
{
    struct client_fields f;
    struct client *c;
    struct domain *d;

    take(r, &f, sizeof(f));
    d = r->bad ? NULL : store_domain(r->s, f.domid);
    if (!d || f.id == UINT32_MAX) {
        r->bad = true;
        return;
    }
    for (c = r->s->clients; c && c->id != f.id; c = c->next)
        ;
    if (!c)
        c = client_new(r->s, d, f.id);
    client_reset(c, f.in_pos, 0);
    c->is_ring = f.is_ring != 0;
    c->durable = true;
    c->out_pos = f.out_pos;
    c->key = f.key;
    c->next_txn = f.next_txn ? f.next_txn : 1;
    if (c->is_ring)
        d->client = c;
}

static void replay_client_gone(struct replay *r)
{
    struct client *c = take_client(r);

    if (c)
        client_close(c);
}

static void replay_reset(struct replay *r)
{
    struct client *c = take_client(r);

    if (!c)
        return;
    watch_drop_all(c);
    txn_drop_all(c);
}

static void replay_watch(struct replay *r, bool added)
{
    struct client *c = take_client(r);
    size_t home_len = take_u32(r);
    char token[XENSTORE_PAYLOAD_MAX];
    struct path p;

    take_path(r, &p);
    take_string(r, token, sizeof(token));
    if (r->bad || home_len >= p.len) {
        r->bad = true;
        return;
    }
    if (added)
        watch_add(c, p.text, home_len, token);
    else
        watch_remove(c, p.text, token);
}

static void replay_txn(struct replay *r, bool started)
{
    struct client *c = take_client(r);
    uint32_t id = take_u32(r);
    struct txn *t = r->bad ? NULL : txn_find(c, id);

    if (r->bad || !t == !started) {
        r->bad = true;
        return;
    }
    if (started)
        txn_restore(c, id);
    else
        txn_abort(t);
}

static void replay_txn_op(struct replay *r)
{
    struct client *c = take_client(r);
    uint32_t id = take_u32(r), kind = take_u32(r);
    struct txn *t = r->bad ? NULL : txn_find(c, id);
    struct perms *perms;
    const char *value;
    struct path p;
    size_t len;

    take_path(r, &p);
    perms = take_perms(r);
    value = take_bytes(r, &len);
    if (!t || kind > OP_PERMS || len > XENSTORE_PAYLOAD_MAX ||
        (kind == OP_PERMS) != (perms != NULL) || p.text[0] != '/' ||
        (kind == OP_REMOVE && p.len == 1))
        r->bad = true;
    if (!r->bad)
        txn_redo(t, kind, p.text, value, len, perms);
    perms_put(perms);
}

static void replay_input(struct replay *r)
{
    struct client *c = take_client(r);
    uint32_t pos = take_u32(r);
    size_t len;
    const char *data = take_bytes(r, &len);

    if (r->bad || len > sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX) {
        r->bad = true;
        return;
    }
    c->in_pos = pos;
    buf_clear(&c->in);
    buf_append(&c->in, data, len);
}

static void replay_output(struct replay *r)
{
    struct client *c = take_client(r);
    size_t len;
    const char *data = take_bytes(r, &len);

    if (!r->bad)
        client_restore_out(c, data, len);
}

/* The tree's nodes come parents first, each right behind its elder siblings. */
static void replay_child(struct replay *r)
{
    uint32_t depth = take_u32(r);
    size_t name_len, len;
    const char *name = take_bytes(r, &name_len), *value;
    struct perms *perms = take_perms(r);
    struct view v = {.s = r->s};
    struct node *n, *parent;

    value = take_bytes(r, &len);
    if (r->bad || !perms || depth > DEPTH_MAX || depth > r->depth ||
        (!depth && r->depth) || len > XENSTORE_PAYLOAD_MAX ||
        name_len >= PATH_BYTES || !name_len != !depth ||
        (depth && child_find(r->stack[depth - 1]->children, name, name_len))) {
        r->bad = true;
        perms_put(perms);
        return;
    }
    n = node_new(r->s->seed, name, name_len, perms, value, len);
    n->gen = ++r->s->gen;
    view_account(&v, n, 1);
    r->depth = depth + 1;
    r->stack[depth] = n;
    if (depth) {
        parent = r->stack[depth - 1];
        parent->children = child_add(parent->children, n);
    } else {
        r->s->root = n;
    }
}

/* A snapshot's first node replaces the tree there was. */
static void replay_root(struct replay *r)
{
    struct view v = {.s = r->s};
    struct node *old = r->s->root;

    replay_child(r);
    if (r->s->root == old)
        return;
    view_discount(&v, old);
    node_put(old);
}

static void replay_one(struct replay *r, uint32_t kind)
{
    switch (kind) {
    case REC_NODE:
        replay_node(r);
        return;
    case REC_REMOVED:
        replay_removed(r);
        return;
    case REC_DOMAIN:
        replay_domain(r);
        return;
    case REC_SPECIAL:
        replay_special(r);
        return;
    case REC_LIMITS:
        replay_limits(r);
        return;
    case REC_CLIENT:
        replay_client(r);
        return;
    case REC_CLIENT_GONE:
        replay_client_gone(r);
        return;
    case REC_RESET:
        replay_reset(r);
        return;
    case REC_WATCH:
    case REC_UNWATCH:
        replay_watch(r, kind == REC_WATCH);
        return;
    case REC_TXN:
    case REC_TXN_END:
        replay_txn(r, kind == REC_TXN);
        return;
    case REC_TXN_OP:
        replay_txn_op(r);
        return;
    case REC_INPUT:
        replay_input(r);
        return;
    case REC_OUTPUT:
        replay_output(r);
        return;
    case REC_CHILD:
        if (r->depth)
            replay_child(r);
        else
            replay_root(r);
        return;
    }
    r->bad = true;
}

struct replay *replay_begin(struct store *s)
{
    struct replay *r = mem_zalloc(sizeof(*r));

    r->s = s;
    s->replaying = true;
    return r;
}

void replay_end(struct replay *r)
{
    r->s->replaying = false;
    store_drop_changes(r->s);
    free(r);
}

int replay_records(struct replay *r, const char *records, size_t len,
                   const char **why, size_t *at)
{
    struct record rec;
    size_t pos = 0;

    while (pos < len) {
        *at = pos;
        *why = "a record is cut off";
        if (len - pos < sizeof(rec))
            return -EINVAL;
        memcpy(&rec, records + pos, sizeof(rec));
        pos += sizeof(rec);
        if (rec.len > len - pos)
            return -EINVAL;
        r->p = records + pos;
        r->end = r->p + rec.len;
        if (rec.kind != REC_CHILD)
            r->depth = 0;
        replay_one(r, rec.kind);
        *why = "a record makes no sense";
        if (r->bad || r->p != r->end)
            return -EINVAL;
        pos += rec.len;
    }
    store_drop_changes(r->s);
    return 0;
}

int journal_replay(struct store *s, const char *records, size_t len,
                   const char **why, size_t *at)
{
    struct replay *r = replay_begin(s);
    int rc = replay_records(r, records, len, why, at);

    replay_end(r);
    return rc;
}
