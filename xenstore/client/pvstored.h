/* What only pvstored answers: its listings, by XS_CONTROL. */
#ifndef XENSTORE_CLIENT_PVSTORED_H
#define XENSTORE_CLIENT_PVSTORED_H

#include "xenstore/client/xs.h"

/*
 * Each line of a listing ("clients", "domains"), all parts of it: an id, then
 * key=value. `fn` may cut the line up. False with errno: EINVAL when the daemon
 * is another one.
 */
typedef void xs_line_fn(char *line, void *arg);
bool xs_each_line(struct xs_handle *h, const char *listing, xs_line_fn *fn,
                  void *arg);

/* One quota of one domain. */
struct xs_quota {
    unsigned int domid;
    const char *name;
    long long used, limit; /* limit -1: none */
    long long refused;     /* requests, since the daemon started */
};

/* Each quota that is counted, domain by domain in the order of their ids. */
typedef void xs_quota_fn(const struct xs_quota *q, void *arg);
bool xs_each_quota(struct xs_handle *h, xs_quota_fn *fn, void *arg);

#endif
