#include "xenstore/core/record.h"
#include "xenstore/core/txn.h"

#include <string.h>

size_t record_begin(struct buf *b, uint32_t kind)
{
    struct record r = {kind, 0};

    buf_append(b, &r, sizeof(r));
    return buf_len(b);
}

void record_end(struct buf *b, size_t start)
{
    uint32_t len = (uint32_t)(buf_len(b) - start);

    memcpy(b->data + b->start + start - sizeof(len), &len, sizeof(len));
}

void record_u32(struct buf *b, uint32_t v)
{
    buf_append(b, &v, sizeof(v));
}

void record_bytes(struct buf *b, const void *data, size_t len)
{
    record_u32(b, (uint32_t)len);
    buf_append(b, data, len);
}

void record_perms(struct buf *b, const struct perms *p)
{
    record_bytes(b, p ? p->list : NULL, p ? p->nr * sizeof(p->list[0]) : 0);
}

void record_node(struct buf *b, const char *path, size_t len,
                 const struct node *n)
{
    size_t at = record_begin(b, REC_NODE);

    record_bytes(b, path, len);
    record_perms(b, n->perms);
    record_bytes(b, node_value(n), n->value_len);
    record_end(b, at);
}

void record_removed(struct buf *b, const char *path, size_t len)
{
    size_t at = record_begin(b, REC_REMOVED);

    record_bytes(b, path, len);
    record_end(b, at);
}

void record_domain(struct buf *b, const struct domain *d)
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
    size_t at = record_begin(b, REC_DOMAIN);

    memcpy(f.limit, d->limit, sizeof(f.limit));
    buf_append(b, &f, sizeof(f));
    record_end(b, at);
}

void record_special(struct buf *b, const struct store *s, uint32_t which)
{
    size_t at = record_begin(b, REC_SPECIAL);

    record_u32(b, which);
    record_perms(b, s->special[which]);
    record_end(b, at);
}

void record_limits(struct buf *b, const struct store *s)
{
    size_t at = record_begin(b, REC_LIMITS);

    buf_append(b, s->limit, sizeof(s->limit));
    record_end(b, at);
}

void record_client(struct buf *b, const struct client *c)
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
    size_t at = record_begin(b, REC_CLIENT);

    buf_append(b, &f, sizeof(f));
    record_end(b, at);
}

void record_watch(struct buf *b, uint32_t kind, const struct client *c,
                  const char *path, size_t home_len, const char *token)
{
    size_t at = record_begin(b, kind);

    record_u32(b, c->id);
    record_u32(b, (uint32_t)home_len);
    record_bytes(b, path, strlen(path));
    record_bytes(b, token, strlen(token));
    record_end(b, at);
}

void record_txn(struct buf *b, uint32_t kind, const struct client *c,
                uint32_t id)
{
    size_t at = record_begin(b, kind);

    record_u32(b, c->id);
    record_u32(b, id);
    record_end(b, at);
}

void record_txn_op(struct buf *b, const struct txn *t, unsigned int kind,
                   const char *path, const void *value, size_t len,
                   const struct perms *perms)
{
    size_t at = record_begin(b, REC_TXN_OP);

    record_u32(b, t->client->id);
    record_u32(b, t->id);
    record_u32(b, kind);
    record_bytes(b, path, strlen(path));
    record_perms(b, perms);
    record_bytes(b, value, len);
    record_end(b, at);
}

void record_txn_saw(struct buf *b, const struct txn *t, unsigned int what,
                    const char *path, size_t len)
{
    size_t at = record_begin(b, REC_TXN_SAW);

    record_u32(b, t->client->id);
    record_u32(b, t->id);
    record_u32(b, what);
    record_bytes(b, path, len);
    record_end(b, at);
}

void record_output(struct buf *b, const struct client *c, const void *data,
                   size_t len)
{
    size_t at = record_begin(b, REC_OUTPUT);

    record_u32(b, c->id);
    record_bytes(b, data, len);
    record_end(b, at);
}

void record_input(struct buf *b, const struct client *c)
{
    size_t at = record_begin(b, REC_INPUT);

    record_u32(b, c->id);
    record_u32(b, c->in_pos);
    record_bytes(b, buf_head(&c->in), buf_len(&c->in));
    record_end(b, at);
}

void record_skip(struct buf *b, const struct client *c)
{
    uint64_t out_start = client_out_start64(c);
    size_t at = record_begin(b, REC_SKIP);

    record_u32(b, c->id);
    record_u32(b, c->in_pos);
    buf_append(b, &out_start, sizeof(out_start));
    record_end(b, at);
}
