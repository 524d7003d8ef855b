#include "xenstore/core/replay.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/watch.h"

void replay_client(struct replay *r)
{
    struct client_fields f;
    struct client *c;
    struct domain *d;

    replay_take(r, &f, sizeof(f));
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

void replay_client_gone(struct replay *r)
{
    struct client *c = replay_take_client(r);

    if (c)
        client_close(c);
}

void replay_reset(struct replay *r)
{
    struct client *c = replay_take_client(r);

    if (!c)
        return;
    watch_drop_all(c);
    txn_drop_all(c);
}

static void set_watch(struct replay *r, bool added)
{
    struct client *c = replay_take_client(r);
    size_t home_len = replay_take_u32(r);
    char token[XENSTORE_PAYLOAD_MAX];
    struct path p;

    replay_take_path(r, &p);
    replay_take_string(r, token, sizeof(token));
    if (r->bad || home_len >= p.len) {
        r->bad = true;
        return;
    }
    if (added)
        watch_add(c, p.text, home_len, token);
    else
        watch_remove(c, p.text, token);
}

void replay_watch(struct replay *r)
{
    set_watch(r, true);
}

void replay_unwatch(struct replay *r)
{
    set_watch(r, false);
}

static void set_txn(struct replay *r, bool started)
{
    struct client *c = replay_take_client(r);
    uint32_t id = replay_take_u32(r);
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

void replay_txn(struct replay *r)
{
    set_txn(r, true);
}

void replay_txn_end(struct replay *r)
{
    set_txn(r, false);
}

/* The transaction a record speaks of, if there is one. */
static struct txn *take_txn(struct replay *r)
{
    struct client *c = replay_take_client(r);
    uint32_t id = replay_take_u32(r);
    struct txn *t = r->bad ? NULL : txn_find(c, id);

    r->bad = r->bad || !t;
    return t;
}

void replay_txn_saw(struct replay *r)
{
    struct txn *t = take_txn(r);
    uint32_t what = replay_take_u32(r);
    struct path p;

    replay_take_path(r, &p);
    if (!r->bad && p.text[0] == '/' && !(what & ~(uint32_t)SAW_ANYTHING))
        txn_recall(t, p.text, p.len, what);
    else
        r->bad = true;
}

void replay_txn_op(struct replay *r)
{
    struct txn *t = take_txn(r);
    uint32_t kind = replay_take_u32(r);
    struct perms *perms;
    const char *value;
    struct path p;
    size_t len;

    replay_take_path(r, &p);
    perms = replay_take_perms(r);
    value = replay_take_bytes(r, &len);
    if (kind > OP_PERMS || len > XENSTORE_PAYLOAD_MAX ||
        (kind == OP_PERMS) != (perms != NULL) || p.text[0] != '/' ||
        (kind == OP_REMOVE && p.len == 1))
        r->bad = true;
    if (!r->bad)
        txn_redo(t, kind, p.text, value, len, perms);
    perms_put(perms);
}

void replay_input(struct replay *r)
{
    struct client *c = replay_take_client(r);
    uint32_t pos = replay_take_u32(r);
    size_t len;
    const char *data = replay_take_bytes(r, &len);

    if (r->bad || len > sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX) {
        r->bad = true;
        return;
    }
    c->in_pos = pos;
    buf_clear(&c->in);
    buf_append(&c->in, data, len);
}

void replay_skip(struct replay *r)
{
    struct client *c = replay_take_client(r);
    uint32_t in_pos = replay_take_u32(r);
    uint64_t out_pos;

    replay_take(r, &out_pos, sizeof(out_pos));
    if (!r->bad)
        client_go_to(c, in_pos, out_pos);
}

void replay_output(struct replay *r)
{
    struct client *c = replay_take_client(r);
    size_t len;
    const char *data = replay_take_bytes(r, &len);

    if (!r->bad)
        client_restore_out(c, data, len);
}
