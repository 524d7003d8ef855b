/* Requests about watches. */
#include "xenstore/core/request.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/watch.h"
#include "xenstore/core/wire.h"

#include <errno.h>

static int parse(struct request *r, const char **token)
{
    const char *arg[2];

    if (!wire_strings(r->payload, r->len, arg, 2))
        return -EINVAL;
    *token = arg[1];
    return request_path(r, arg[0], PATH_NODE_OR_SPECIAL);
}

int req_watch(struct request *r)
{
    const char *token;
    int rc = parse(r, &token);

    if (!rc)
        rc = watch_add(r->c, r->path.text, r->path.home_len, token);
    if (rc)
        return rc;
    r->first_path = r->path.text;
    r->first_token = token;
    return 0;
}

int req_unwatch(struct request *r)
{
    const char *token;
    int rc = parse(r, &token);

    return rc ? rc : watch_remove(r->c, r->path.text, token);
}

int req_reset_watches(struct request *r)
{
    struct client *c = r->c;

    watch_drop_all(c);
    txn_drop_all(c);
    journal_reset(c);
    return 0;
}
