#include "xenstore/core/replay.h"
#include "xenstore/core/journal.h"
#include "xenstore/core/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void replay_domain(struct replay *r)
{
    struct domain_fields f;
    struct domain *d;

    replay_take(r, &f, sizeof(f));
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
    uint32_t which = replay_take_u32(r);
    struct perms *perms = replay_take_perms(r);

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
    replay_take(r, r->s->limit, sizeof(r->s->limit));
}

static replay_fn *const replay_table[] = {
    [REC_NODE] = replay_node,
    [REC_REMOVED] = replay_removed,
    [REC_DOMAIN] = replay_domain,
    [REC_SPECIAL] = replay_special,
    [REC_LIMITS] = replay_limits,
    [REC_CLIENT] = replay_client,
    [REC_CLIENT_GONE] = replay_client_gone,
    [REC_WATCH] = replay_watch,
    [REC_UNWATCH] = replay_unwatch,
    [REC_TXN] = replay_txn,
    [REC_TXN_END] = replay_txn_end,
    [REC_TXN_OP] = replay_txn_op,
    [REC_TXN_SAW] = replay_txn_saw,
    [REC_INPUT] = replay_input,
    [REC_OUTPUT] = replay_output,
    [REC_RESET] = replay_reset,
    [REC_CHILD] = replay_child,
    [REC_SKIP] = replay_skip,
};

static void replay_one(struct replay *r, uint32_t kind)
{
    if (kind != REC_CHILD)
        r->depth = 0;
    if (kind < sizeof(replay_table) / sizeof(replay_table[0]) &&
        replay_table[kind])
        replay_table[kind](r);
    else
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
