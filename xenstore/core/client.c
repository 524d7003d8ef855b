/* A client's connection as the core sees it: identity, queue, dues. */
#include "xenstore/core/internal.h"
#include "xenstore/core/mem.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/watch.h"

#include <stdlib.h>
#include <string.h>

/* Even dom0's queue has an end: a client that never reads gets no more events.
 */
#define QUEUE_MAX (64u << 20)

struct client *client_new(struct store *s, struct domain *d, uint32_t id)
{
    struct client *c = mem_zalloc(sizeof(*c));

    c->store = s;
    c->domain = d;
    c->id = id;
    c->privileged = d->domid == 0;
    c->next_txn = 1;
    c->next = s->clients;
    c->link = &s->clients;
    if (c->next)
        c->next->link = &c->next;
    s->clients = c;
    if (id >= s->next_client)
        s->next_client = id + 1;
    return c;
}

struct client *client_open(struct store *s)
{
    return client_new(s, store_domain(s, 0), s->next_client);
}

struct client *client_open_held(struct store *s, uint32_t key)
{
    struct client *c = client_open(s);

    c->key = key;
    c->durable = true;
    journal_client(c);
    return c;
}

uint32_t client_key(const struct client *c)
{
    return c->key;
}

struct client *client_open_ring(struct store *s, struct domain *d,
                                uint32_t req_cons, uint32_t rsp_prod)
{
    struct client *c = client_new(s, d, s->next_client);

    c->is_ring = c->durable = true;
    c->in_pos = req_cons;
    c->out_pos = rsp_prod;
    d->client = c;
    journal_client(c);
    return c;
}

static void drop_debts(struct client *c, uint64_t upto, uint64_t before_ms)
{
    size_t i, kept = 0;

    for (i = 0; i < c->nr_debts; i++) {
        struct debt *debt = &c->debts[i];
        struct domain *d = store_domain(c->store, debt->domid);
        int64_t limit = quota_limit(c->store, d, QUOTA_OUTSTANDING);

        if (debt->end > upto && debt->since_ms >= before_ms) {
            c->debts[kept++] = *debt;
            continue;
        }
        d->used[QUOTA_OUTSTANDING]--;
        if (d->client && d->used[QUOTA_OUTSTANDING] == limit - 1)
            c->store->ops->wake(c->store->ctx, d->client);
    }
    c->nr_debts = kept;
}

void client_forgive(struct client *c, uint64_t before_ms)
{
    if (c->nr_debts)
        drop_debts(c, 0, before_ms);
}

static void drop_output(struct client *c)
{
    c->domain->used[QUOTA_MEMORY] -= (int64_t)buf_len(&c->out);
    drop_debts(c, UINT64_MAX, 0);
    buf_clear(&c->out);
}

void client_go_to(struct client *c, uint32_t in_pos, uint64_t out_pos)
{
    drop_output(c);
    buf_clear(&c->in);
    c->in_pos = in_pos;
    c->out_pos = out_pos;
    c->behind = false;
}

void client_reset(struct client *c, uint32_t req_cons, uint32_t rsp_prod)
{
    watch_drop_all(c);
    txn_drop_all(c);
    client_go_to(c, req_cons, rsp_prod);
    if (c->durable)
        journal_client(c);
}

void client_close(struct client *c)
{
    watch_drop_all(c);
    txn_drop_all(c);
    drop_output(c);
    if (c->domain->client == c)
        c->domain->client = NULL;
    if (c->durable)
        journal_client_gone(c);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    buf_free(&c->in);
    buf_free(&c->out);
    free(c->debts);
    free(c);
}

/* --- output -----------------------------------------------------------------
 */

void client_restore_out(struct client *c, const void *data, size_t len)
{
    buf_append(&c->out, data, len);
    c->out_pos += len;
    c->domain->used[QUOTA_MEMORY] += (int64_t)len;
}

void client_put(struct client *c, uint32_t type, uint32_t req_id,
                uint32_t tx_id, const void *payload, size_t len)
{
    struct xsd_sockmsg msg = {type, req_id, tx_id, (uint32_t)len};
    size_t total = sizeof(msg) + len, before = buf_len(&c->out);
    char *at = buf_reserve(&c->out, total);

    memcpy(at, &msg, sizeof(msg));
    if (len)
        memcpy(at + sizeof(msg), payload, len);
    buf_extend(&c->out, total);
    c->out_pos += total;
    c->domain->used[QUOTA_MEMORY] += (int64_t)total;
    if (c->durable)
        journal_output(c, at, total);
    if (!before)
        c->store->ops->wake(c->store->ctx, c);
}

/* `by` has one request more outstanding until `c` takes what is queued now. */
static void add_debt(struct client *c, const struct client *by)
{
    struct debt debt = {c->out_pos, c->store->now_ms, by->domain->domid};

    c->debts = mem_grow(c->debts, c->nr_debts, &c->cap_debts, sizeof(debt));
    c->debts[c->nr_debts++] = debt;
    by->domain->used[QUOTA_OUTSTANDING]++;
}

bool client_put_event(struct client *c, const void *payload, size_t len,
                      const struct client *by)
{
    struct domain *d = c->domain;

    if (client_is_limited(c) &&
        !quota_allows(c->store, d, QUOTA_MEMORY,
                      d->used[QUOTA_MEMORY] + (int64_t)len, "a watch event"))
        return false;
    if (buf_len(&c->out) > QUEUE_MAX)
        return false;
    client_put(c, XS_WATCH_EVENT, 0, 0, payload, len);
    c->store->nr_events++;
    if (by && by != c && client_is_limited(by))
        add_debt(c, by);
    return true;
}

const char *client_out(struct client *c, size_t *len)
{
    *len = buf_len(&c->out);
    return buf_head(&c->out);
}

void client_sent(struct client *c, size_t len)
{
    buf_consume(&c->out, len);
    c->domain->used[QUOTA_MEMORY] -= (int64_t)len;
    if (c->nr_debts)
        drop_debts(c, c->out_pos - buf_len(&c->out), 0);
}

/* --- questions --------------------------------------------------------------
 */

bool client_is_limited(const struct client *c)
{
    return !c->privileged;
}

bool client_may_request(const struct client *c)
{
    const struct domain *d = c->domain;

    return c->privileged || d->used[QUOTA_OUTSTANDING] <
                                quota_limit(c->store, d, QUOTA_OUTSTANDING);
}

bool client_in_transaction(const struct client *c)
{
    return c->txns != NULL;
}

bool client_is_hot(const struct client *c)
{
    return c->heat != 0;
}

void client_cool_down(struct client *c)
{
    c->heat = 0;
}

uint32_t client_id(const struct client *c)
{
    return c->id;
}

struct store *client_store(const struct client *c)
{
    return c->store;
}

struct domain *client_domain(const struct client *c)
{
    return c->domain;
}

bool client_is_ring(const struct client *c)
{
    return c->is_ring;
}

void client_set_user(struct client *c, void *user)
{
    c->user = user;
}

void *client_user(const struct client *c)
{
    return c->user;
}

struct buf *client_in(struct client *c)
{
    return &c->in;
}

uint32_t client_in_pos(const struct client *c)
{
    return c->in_pos;
}

uint32_t client_out_start(const struct client *c)
{
    return (uint32_t)client_out_start64(c);
}

uint64_t client_out_start64(const struct client *c)
{
    return c->out_pos - buf_len(&c->out);
}

struct client *store_next_client(struct store *s, const struct client *c)
{
    return c ? c->next : s->clients;
}
