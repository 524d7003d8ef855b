/*
 * A store: the tree, the domains known to it, their clients. It holds no file
 * descriptor and reads no clock; what it wants of the world is in store_ops.
 *
 * One thread drives it: bytes from a peer become messages (transport/conn.c),
 * request_handle() answers each into the queue of its client, and the
 * transport sends what client_out() shows.
 */
#ifndef XENSTORE_CORE_STORE_H
#define XENSTORE_CORE_STORE_H

#include "xenstore/core/buf.h"
#include "xenstore/core/quota.h"

#include <stdbool.h>
#include <stdint.h>

#define DOMID_LIMIT 0x7ff0 /* ids from here on name no domain */

struct store;
struct client;

/* A domain the store has heard of. Kept, with its id, for good. */
struct domain {
    uint16_t domid;
    bool introduced;
    bool shutdown;        /* the event for its shutdown was sent */
    uint32_t incarnation; /* moves when a domain of this id is gone */
    uint32_t port;        /* its end of the event channel */
    uint64_t gfn;   /* what the toolstack said; the grant is what counts */
    int32_t target; /* another domain it may act for, or -1 */
    struct client *client;         /* its ring, while introduced */
    int64_t used[QUOTA_NR];        /* against limit[] */
    int64_t limit[QUOTA_NR];       /* -1: the store's default */
    uint64_t refused_ms[QUOTA_NR]; /* when a refusal was last logged, or 0 */
    uint64_t refusals[QUOTA_NR];
};

enum log_level { LOG_ERR, LOG_WARN, LOG_NOTE, LOG_TRACE };

struct store_ops {
    /*
     * Connect to the ring of a domain: map it, bind d->port, and call
     * client_open_ring(). `again`: it is connected and gets a new port. 0 or
     * -errno, with nothing changed.
     */
    int (*introduce)(void *ctx, struct domain *d, bool again);
    /* Disconnect: d->client is still there, and closed afterwards. */
    void (*release)(void *ctx, struct domain *d);
    /* Whether the hypervisor knows such a domain. */
    bool (*domain_exists)(void *ctx, unsigned int domid);
    /* `c` has output that it had not before, or may send requests again. */
    void (*wake)(void *ctx, struct client *c);
    /* A CONTROL command the core does not know: its reply into `out`. 0, or
     * -EINVAL when nobody knows it. "help" adds lines to the core's. May be
     * NULL. */
    int (*control)(void *ctx, struct client *c, const char *args, size_t len,
                   struct buf *out);
    void (*log)(void *ctx, enum log_level level, const char *text);
};

/* `seed`: a secret for hashing. An empty store: "/" and "/tool/xenstored". */
struct store *store_create(const struct store_ops *ops, void *ctx,
                           uint64_t seed);
void store_destroy(struct store *s); /* clients and all */

/* Tell the time, once per turn of the loop; lets go of what waited too long. */
void store_tick(struct store *s, uint64_t now_ms);

/* The domain of this id; made if unknown. NULL for an id beyond DOMID_LIMIT. */
struct domain *store_domain(struct store *s, unsigned int domid);

/* The next introduced domain after `d` (NULL: the first), or NULL. */
struct domain *store_next_domain(struct store *s, const struct domain *d);

/* Domain `d` shut down (once per RESUME), or is gone altogether. */
void store_domain_shutdown(struct store *s, struct domain *d);
void store_domain_gone(struct store *s, struct domain *d);

size_t store_nr_nodes(const struct store *s);
void store_set_trace(struct store *s, bool on); /* log each request */

void store_log(struct store *s, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- clients ---------------------------------------------------------------
 */

/* A connection that is as good as dom0's, by socket. */
struct client *client_open(struct store *s);

/* The same, whose connection, known to its transport by `key`, outlives us. */
struct client *client_open_held(struct store *s, uint32_t key);
uint32_t client_key(const struct client *c);

/* The ring of a domain. Its indices at this moment: requests consumed,
 * responses produced. */
struct client *client_open_ring(struct store *s, struct domain *d,
                                uint32_t req_cons, uint32_t rsp_prod);
void client_close(struct client *c);

/* Forget watches, transactions, partial input and output, as at reconnection.
 */
void client_reset(struct client *c, uint32_t req_cons, uint32_t rsp_prod);

/* What waits to be sent, and that `len` bytes of it were. */
const char *client_out(struct client *c, size_t *len);
void client_sent(struct client *c, size_t len);

/* Whether it has transactions open, and whether some failed lately because of
 * others; and: forget that. */
bool client_in_transaction(const struct client *c);
bool client_is_hot(const struct client *c);
void client_cool_down(struct client *c);

/* Whether the quotas let it send requests now. */
bool client_may_request(const struct client *c);

uint32_t client_id(const struct client *c);
struct store *client_store(const struct client *c);
struct domain *client_domain(const struct client *c);
bool client_is_ring(const struct client *c);

/* The message that has begun to come in, and up to which position of the ring
 * requests were consumed. */
struct buf *client_in(struct client *c);
uint32_t client_in_pos(const struct client *c);
/* Position in the ring of the first byte of output that waits. */
uint32_t client_out_start(const struct client *c);
uint64_t client_out_start64(const struct client *c);

/* The next client after `c` (NULL: the first), or NULL. */
struct client *store_next_client(struct store *s, const struct client *c);

/* The transport's own pointer. */
void client_set_user(struct client *c, void *user);
void *client_user(const struct client *c);

#endif
