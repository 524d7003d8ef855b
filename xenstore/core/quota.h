/*
 * What a domain may use. Only guests are limited; the store's own domain and
 * sockets are counted too, for whoever wants to see.
 */
#ifndef XENSTORE_CORE_QUOTA_H
#define XENSTORE_CORE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum quota {
    QUOTA_NODES,             /* nodes owned */
    QUOTA_NODE_SIZE,         /* list, children's names and value of one node */
    QUOTA_WATCHES,           /* watches set */
    QUOTA_TRANSACTIONS,      /* open transactions */
    QUOTA_TRANSACTION_NODES, /* nodes one transaction may touch */
    QUOTA_NODE_PERMISSIONS,  /* entries in one node's list */
    QUOTA_PATH_MAX,          /* length of a path, without the home prefix */
    QUOTA_OUTSTANDING,       /* requests whose events others have not taken */
    QUOTA_MEMORY,            /* bytes: nodes, watches, transactions, output */
    QUOTA_NR,
};

struct quota_info {
    const char *name; /* as CONTROL quota takes it */
    int64_t standard;
    bool counted; /* used[] says how much; the others bound single things */
};

extern const struct quota_info quota_info[QUOTA_NR];

struct store;
struct domain;

int64_t quota_limit(const struct store *s, const struct domain *d,
                    enum quota q);

/*
 * Whether `d` may go to `wanted` of `q`; limited domains only, so ask for
 * guests. A refusal is counted, and logged once per burst with `what`.
 */
bool quota_allows(struct store *s, struct domain *d, enum quota q,
                  int64_t wanted, const char *what);

/* The quota of this name, or -1. */
int quota_by_name(const char *name);

#endif
