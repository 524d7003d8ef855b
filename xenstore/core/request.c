#include "xenstore/core/request.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/watch.h"
#include "xenstore/core/wire.h"

#include <errno.h>
#include <string.h>

#define PRIVILEGED 1 /* not for guests */
#define NO_TX      2 /* whatever the header's transaction id says */
#define REPEATS    4 /* asked again, of the same store, the answer is the same */

struct request_row {
    request_fn *handle;
    unsigned int flags;
};

static const struct request_row request_table[XS_TYPE_COUNT] = {
    [XS_CONTROL] = {req_control, PRIVILEGED},
    [XS_DIRECTORY] = {req_directory, REPEATS},
    [XS_READ] = {req_read, REPEATS},
    [XS_GET_PERMS] = {req_get_perms, REPEATS},
    [XS_WATCH] = {req_watch, NO_TX},
    [XS_UNWATCH] = {req_unwatch, NO_TX},
    [XS_TRANSACTION_START] = {req_transaction_start, NO_TX},
    [XS_TRANSACTION_END] = {req_transaction_end, 0},
    [XS_INTRODUCE] = {req_introduce, PRIVILEGED},
    [XS_RELEASE] = {req_release, PRIVILEGED},
    [XS_GET_DOMAIN_PATH] = {req_get_domain_path, 0},
    [XS_WRITE] = {req_write, 0},
    [XS_MKDIR] = {req_mkdir, 0},
    [XS_RM] = {req_rm, 0},
    [XS_SET_PERMS] = {req_set_perms, 0},
    [XS_IS_DOMAIN_INTRODUCED] = {req_is_introduced, PRIVILEGED},
    [XS_RESUME] = {req_resume, PRIVILEGED},
    [XS_SET_TARGET] = {req_set_target, PRIVILEGED},
    [XS_RESET_WATCHES] = {req_reset_watches, 0},
    [XS_DIRECTORY_PART] = {req_directory_part, 0},
};

void request_reply(struct request *r, const void *data, size_t len)
{
    r->empty_reply = !len;
    buf_append(&r->reply, data, len);
}

void request_ok(struct request *r)
{
    if (r->answered)
        return;
    client_put(r->c, r->msg->type, r->msg->req_id, r->msg->tx_id, "OK", 3);
    r->answered = true;
}

int request_path(struct request *r, const char *name, enum path_kind kind)
{
    int64_t max = quota_limit(r->s, r->c->domain, QUOTA_PATH_MAX);

    return path_parse(&r->path, name, r->c->domain->domid, kind, (size_t)max);
}

int request_only_path(struct request *r)
{
    const char *name;

    if (!wire_strings(r->payload, r->len, &name, 1))
        return -EINVAL;
    return request_path(r, name, PATH_NODE);
}

static int run(struct request *r)
{
    const struct xsd_sockmsg *msg = r->msg;
    const struct request_row *row;

    if (msg->type >= XS_TYPE_COUNT || !request_table[msg->type].handle)
        return -ENOSYS;
    row = &request_table[msg->type];
    if ((row->flags & PRIVILEGED) && !r->c->privileged)
        return -EACCES;
    if (msg->tx_id && !(row->flags & NO_TX)) {
        r->v.t = txn_find(r->c, msg->tx_id);
        if (!r->v.t)
            return -ENOENT;
    }
    r->c->repeats = (row->flags & REPEATS) != 0;
    return row->handle(r);
}

static void answer(struct request *r, int rc)
{
    const struct xsd_sockmsg *msg = r->msg;
    const char *error;

    if (!rc && r->empty_reply)
        client_put(r->c, msg->type, msg->req_id, msg->tx_id, NULL, 0);
    else if (!rc && !buf_len(&r->reply))
        request_ok(r);
    else if (!rc)
        client_put(r->c, msg->type, msg->req_id, msg->tx_id,
                   buf_head(&r->reply), buf_len(&r->reply));
    if (!rc)
        return;
    error = wire_error(-rc);
    client_put(r->c, XS_ERROR, msg->req_id, msg->tx_id, error,
               strlen(error) + 1);
}

static void trace(struct request *r, int rc)
{
    store_log(r->s, LOG_TRACE, "client %u (domain %u) %s tx %u \"%.*s\": %s",
              r->c->id, r->c->domain->domid, wire_type_name(r->msg->type),
              r->msg->tx_id, (int)strnlen(r->payload, r->len), r->payload,
              rc ? wire_error(-rc) : "ok");
}

void request_handle(struct client *c, const struct xsd_sockmsg *msg,
                    const char *payload)
{
    struct store *s = c->store;
    struct request r;
    int rc;

    /* All but the path, whose buffer is large. */
    r.s = s;
    r.c = c;
    r.v = (struct view){s, c, NULL};
    r.msg = msg;
    r.payload = payload;
    r.len = msg->len;
    r.reply = s->reply;
    r.empty_reply = r.answered = false;
    r.special = -1;
    r.first_path = r.first_token = NULL;

    c->nr_requests++;
    s->nr_requests++;
    rc = run(&r);
    if (s->trace)
        trace(&r, rc);
    if (!r.answered)
        answer(&r, rc);
    c->repeats = false;
    if (r.first_path)
        watch_fire_first(c, r.first_path, r.first_token);
    if (s->nr_changes)
        store_fire_changes(s, c);
    if (r.special >= 0)
        store_fire_special(s, c, (enum special)r.special);
    buf_clear(&r.reply);
    s->reply = r.reply;
}
