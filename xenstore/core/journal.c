#include "xenstore/core/journal.h"
#include "xenstore/core/record.h"
#include "xenstore/core/txn.h"

#include <string.h>

void store_journal(struct store *s, bool on)
{
    s->journaling = on;
}

const char *store_records(struct store *s, size_t *len)
{
    *len = buf_len(&s->records);
    return buf_head(&s->records);
}

bool store_has_records(const struct store *s)
{
    return buf_len(&s->records) != 0;
}

void store_records_taken(struct store *s)
{
    buf_clear(&s->records);
}

void journal_node(struct store *s, const char *path, size_t len,
                  const struct node *n)
{
    if (s->journaling)
        record_node(&s->records, path, len, n);
}

void journal_removed(struct store *s, const char *path)
{
    if (s->journaling)
        record_removed(&s->records, path, strlen(path));
}

void journal_domain(struct store *s, const struct domain *d)
{
    if (s->journaling)
        record_domain(&s->records, d);
}

void journal_special(struct store *s, unsigned int which)
{
    if (s->journaling)
        record_special(&s->records, s, which);
}

void journal_limits(struct store *s)
{
    if (s->journaling)
        record_limits(&s->records, s);
}

static bool wanted(const struct client *c)
{
    return c->durable && c->store->journaling;
}

void journal_client(const struct client *c)
{
    if (wanted(c))
        record_client(&c->store->records, c);
}

static void write_about(const struct client *c, uint32_t kind)
{
    size_t at;

    if (!wanted(c))
        return;
    at = record_begin(&c->store->records, kind);
    record_u32(&c->store->records, c->id);
    record_end(&c->store->records, at);
}

void journal_client_gone(const struct client *c)
{
    write_about(c, REC_CLIENT_GONE);
}

void journal_reset(const struct client *c)
{
    write_about(c, REC_RESET);
}

void journal_watch(const struct client *c, const char *path, size_t home_len,
                   const char *token, bool added)
{
    if (wanted(c))
        record_watch(&c->store->records, added ? REC_WATCH : REC_UNWATCH, c,
                     path, home_len, token);
}

void journal_txn(const struct client *c, uint32_t id, bool started)
{
    if (wanted(c))
        record_txn(&c->store->records, started ? REC_TXN : REC_TXN_END, c, id);
}

void journal_txn_op(const struct txn *t, unsigned int kind, const char *path,
                    const void *value, size_t len, const struct perms *perms)
{
    if (wanted(t->client))
        record_txn_op(&t->client->store->records, t, kind, path, value, len,
                      perms);
}

void journal_txn_saw(const struct txn *t, unsigned int what, const char *path,
                     size_t len)
{
    if (wanted(t->client))
        record_txn_saw(&t->client->store->records, t, what, path, len);
}

void journal_output(struct client *c, const void *data, size_t len)
{
    if (!wanted(c))
        return;
    if (c->lazy && c->repeats && !buf_len(&c->store->records)) {
        if (!c->behind)
            c->kept_in = c->in_pos;
        c->behind = true;
    } else if (c->behind) {
        journal_catch_up(c); /* which has these bytes, too */
    } else {
        record_output(&c->store->records, c, data, len);
    }
}

void journal_input(struct client *c, uint32_t pos)
{
    c->in_pos = pos;
    if (wanted(c))
        record_input(&c->store->records, c);
}

/* --- answers without a record -----------------------------------------------
 */

/* Positions wrap. */
#define BEHIND_MAX (1u << 30)

void journal_turn(struct client *c)
{
    c->lazy = wanted(c) && !buf_len(&c->in) && !buf_len(&c->out) &&
              !buf_len(&c->store->records) &&
              c->in_pos - journal_known_input(c) < BEHIND_MAX;
}

void journal_turn_ends(struct client *c, uint32_t pos)
{
    bool quiet = c->lazy && !buf_len(&c->in) && !buf_len(&c->store->records);

    c->lazy = false;
    if (quiet) {
        c->in_pos = pos;
        return;
    }
    journal_catch_up(c);
    journal_input(c, pos);
}

void journal_catch_up(struct client *c)
{
    struct buf *b = &c->store->records;

    if (!c->behind)
        return;
    c->behind = false;
    if (!wanted(c))
        return;
    record_skip(b, c);
    if (buf_len(&c->out))
        record_output(b, c, buf_head(&c->out), buf_len(&c->out));
}

void journal_catch_up_all(struct store *s)
{
    struct client *c;

    for (c = s->clients; c; c = c->next)
        journal_catch_up(c);
}

uint32_t journal_known_input(const struct client *c)
{
    return c->behind ? c->kept_in : c->in_pos;
}

void journal_skip(struct client *c, uint32_t in_pos, uint64_t out_pos)
{
    uint32_t known = journal_known_input(c);

    client_go_to(c, in_pos, out_pos);
    c->kept_in = known;
    c->behind = true;
}
