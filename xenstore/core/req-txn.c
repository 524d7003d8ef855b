/* Requests about transactions. */
#include "xenstore/core/request.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int req_transaction_start(struct request *r)
{
    char text[24];
    int64_t id;

    if (r->msg->tx_id)
        return -EBUSY;
    id = txn_start(r->c);
    if (id < 0)
        return (int)id;
    request_reply(r, text,
                  (size_t)snprintf(text, sizeof(text), "%" PRId64, id) + 1);
    return 0;
}

int req_transaction_end(struct request *r)
{
    const char *arg;

    if (!wire_strings(r->payload, r->len, &arg, 1) ||
        (strcmp(arg, "T") && strcmp(arg, "F")))
        return -EINVAL;
    if (!r->v.t)
        return -ENOENT;
    if (*arg == 'T')
        return txn_commit(r->v.t);
    txn_abort(r->v.t);
    return 0;
}
