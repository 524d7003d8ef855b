/* Requests about domains. */
#include "xenstore/core/request.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/watch.h"
#include "xenstore/core/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The domain a string names; NULL unless it is a domain id. */
static struct domain *parse_domain(struct request *r, const char *text)
{
    unsigned long domid;

    if (!wire_number(text, DOMID_LIMIT - 1, &domid))
        return NULL;
    return store_domain(r->s, (unsigned int)domid);
}

/* The payload is one domain id. 0 or -EINVAL. */
static int only_domain(struct request *r, struct domain **d)
{
    const char *arg;

    if (!wire_strings(r->payload, r->len, &arg, 1))
        return -EINVAL;
    *d = parse_domain(r, arg);
    return *d ? 0 : -EINVAL;
}

int req_introduce(struct request *r)
{
    unsigned long gfn, port;
    const char *arg[3];
    struct domain *d, before;
    int rc;

    if (!wire_strings(r->payload, r->len, arg, 3) ||
        !wire_number(arg[1], UINT64_MAX, &gfn) ||
        !wire_number(arg[2], UINT32_MAX, &port))
        return -EINVAL;
    d = parse_domain(r, arg[0]);
    if (!d || !d->domid || !port)
        return -EINVAL;

    before = *d;
    d->gfn = gfn;
    d->port = (uint32_t)port;
    rc = r->s->ops->introduce(r->s->ctx, d, before.introduced);
    if (rc) {
        store_log(r->s, LOG_WARN, "domain %u cannot be introduced: %s",
                  d->domid, strerror(-rc));
        d->gfn = before.gfn;
        d->port = before.port;
        return -EINVAL;
    }
    d->introduced = true;
    if (!before.introduced) {
        d->shutdown = false;
        r->special = SPECIAL_INTRODUCE;
    }
    journal_domain(r->s, d);
    return 0;
}

int req_release(struct request *r)
{
    struct domain *d;
    int rc = only_domain(r, &d);

    if (rc || !d->domid)
        return -EINVAL;
    if (!d->introduced)
        return -ENOENT;
    request_ok(r);
    store_domain_gone(r->s, d);
    return 0;
}

int req_resume(struct request *r)
{
    struct domain *d;
    int rc = only_domain(r, &d);

    if (rc)
        return rc;
    if (!d->introduced)
        return -ENOENT;
    d->shutdown = false;
    journal_domain(r->s, d);
    return 0;
}

int req_set_target(struct request *r)
{
    struct domain *d, *target;
    const char *arg[2];

    if (!wire_strings(r->payload, r->len, arg, 2))
        return -EINVAL;
    d = parse_domain(r, arg[0]);
    target = parse_domain(r, arg[1]);
    if (!d || !target)
        return -EINVAL;
    if (!d->introduced || !target->introduced)
        return -ENOENT;
    d->target = target->domid;
    journal_domain(r->s, d);
    return 0;
}

int req_is_introduced(struct request *r)
{
    struct domain *d;
    int rc = only_domain(r, &d);

    if (!rc)
        request_reply(r, d->introduced ? "T" : "F", 2);
    return rc;
}

/* Pure text, read as atoi() reads it. */
int req_get_domain_path(struct request *r)
{
    char path[48];
    const char *arg;

    if (!wire_strings(r->payload, r->len, &arg, 1))
        return -EINVAL;
    request_reply(r, path,
                  (size_t)snprintf(path, sizeof(path), "/local/domain/%u",
                                   (unsigned int)strtoul(arg, NULL, 10)) +
                      1);
    return 0;
}
