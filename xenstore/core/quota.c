#include "xenstore/core/quota.h"
#include "xenstore/core/internal.h"

#include <inttypes.h>
#include <string.h>

/* Refusals that follow one another faster than this are one burst. */
#define BURST_MS 10000

const struct quota_info quota_info[QUOTA_NR] = {
    [QUOTA_NODES] = {"nodes", 1000, true},
    [QUOTA_NODE_SIZE] = {"node-size", 2048, false},
    [QUOTA_WATCHES] = {"watches", 128, true},
    [QUOTA_TRANSACTIONS] = {"transactions", 10, true},
    [QUOTA_TRANSACTION_NODES] = {"transaction-nodes", 1024, false},
    [QUOTA_NODE_PERMISSIONS] = {"node-permissions", 5, false},
    [QUOTA_PATH_MAX] = {"path-max", 2048, false},
    [QUOTA_OUTSTANDING] = {"outstanding", 20, true},
    [QUOTA_MEMORY] = {"memory", 5 << 19, true},
};

int64_t quota_limit(const struct store *s, const struct domain *d, enum quota q)
{
    return d->limit[q] >= 0 ? d->limit[q] : s->limit[q];
}

bool quota_allows(struct store *s, struct domain *d, enum quota q,
                  int64_t wanted, const char *what)
{
    int64_t limit = quota_limit(s, d, q);
    bool burst;

    if (wanted <= limit || s->replaying)
        return true;
    d->refusals[q]++;
    burst = d->refused_ms[q] && s->now_ms - d->refused_ms[q] < BURST_MS;
    d->refused_ms[q] = s->now_ms ? s->now_ms : 1;
    if (!burst)
        store_log(s, LOG_WARN,
                  "domain %u refused: quota %s is %" PRId64 ", wanted %" PRId64
                  " (%s)",
                  d->domid, quota_info[q].name, limit, wanted, what);
    return false;
}

int quota_by_name(const char *name)
{
    int q;

    for (q = 0; q < QUOTA_NR; q++)
        if (!strcmp(quota_info[q].name, name))
            return q;
    return -1;
}
