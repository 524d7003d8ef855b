/* What the files of evtchn/ share. */
#ifndef EVTCHN_INTERNAL_H
#define EVTCHN_INTERNAL_H

#include "evtchn/evtchn.h"

#include "domain/domain.h"
#include "lib/bitmap.h"
#include "lib/spinlock.h"

enum evtchn_state {
    ECS_FREE,
    ECS_RESERVED, /* port 0, or taken by a bind that is under way */
    ECS_UNBOUND,
    ECS_INTERDOMAIN,
    ECS_PIRQ,
    ECS_VIRQ,
    ECS_IPI,
};

/*
 * One end of an event channel. `state` says which member of `u` is live.
 * State and `u` change under `lock`; an interdomain end changes under both
 * ends' locks (lower address first), so whoever holds one end's lock may use
 * the other end. Free <-> taken moves also hold the domain's lock.
 */
struct evtchn {
    struct spinlock lock;
    uint16_t notify_vcpu;
    uint8_t state;
    uint8_t priority; /* FIFO: wanted queue */
    /* FIFO: the queue it was last linked to, under that queue's lock. */
    uint16_t last_vcpu;
    uint8_t last_priority;
    uint8_t pending; /* FIFO: raised while its array page was missing */
    union {
        domid_t remote_dom; /* unbound: who may bind */
        struct {
            struct domain *d;
            evtchn_port_t port;
        } remote; /* interdomain */
        uint32_t pirq, virq;
    } u;
};

#define BUCKET_PORTS  128u
#define DIR_BUCKETS   (PAGE_SIZE / sizeof(struct evtchn *))
#define DIR_PORTS     (BUCKET_PORTS * (uint32_t)DIR_BUCKETS)
#define NR_DIRS       (EVTCHN_FIFO_NR_CHANNELS / DIR_PORTS)
#define FIFO_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define FIFO_PAGES    (EVTCHN_FIFO_NR_CHANNELS / FIFO_PER_PAGE)

static_assert(sizeof(struct evtchn) * BUCKET_PORTS <= PAGE_SIZE,
              "a bucket is at most a page");

/*
 * How the guest is told: one table for each of the two ABIs. All are called
 * with the lock of one end of the channel held, so that it stays bound.
 */
struct evtchn_abi {
    uint32_t nr_ports;
    /* `port` is about to be used anew. */
    void (*init)(struct domain *d, evtchn_port_t port, struct evtchn *chn);
    void (*set_pending)(struct vcpu *v, evtchn_port_t port, struct evtchn *chn);
    void (*clear_pending)(struct domain *d, evtchn_port_t port);
    void (*unmask)(struct domain *d, evtchn_port_t port, struct evtchn *chn);
    bool (*is_pending)(struct domain *d, evtchn_port_t port);
    bool (*is_masked)(struct domain *d, evtchn_port_t port);
    /* The guest still has the free port in a queue: do not hand it out. */
    bool (*is_busy)(struct domain *d, evtchn_port_t port);
    int (*set_priority)(struct evtchn *chn, uint32_t priority);
};
extern const struct evtchn_abi evtchn_abi_2l, evtchn_abi_fifo;

/* A domain's ports. `lock` guards allocation and the virq tables. */
struct evtchn_domain {
    struct spinlock lock;
    const struct evtchn_abi *abi;
    uint32_t nr_ports; /* ports with a bucket; only grows */
    uint32_t nr_used;
    uint32_t lowest_free; /* no free port below it */
    uint32_t next_close;  /* progress of closing all */
    bool closed;          /* killed: hands out nothing more */
    uint64_t polling[BITS_TO_WORDS(MAX_VCPUS)];
    struct evtchn **dir[NR_DIRS];
    uint32_t fifo_words; /* ports with a word; only grows until reset */
    event_word_t *fifo_page[FIFO_PAGES];
};

/* evtchn.c */

static inline struct evtchn **evtchn_bucket(const struct evtchn_domain *e,
                                            evtchn_port_t port)
{
    return &e->dir[port / DIR_PORTS][port / BUCKET_PORTS % DIR_BUCKETS];
}

/* The channel of a port that is known to be in the table. Needs no lock. */
static inline struct evtchn *evtchn_of(const struct evtchn_domain *e,
                                       evtchn_port_t port)
{
    return *evtchn_bucket(e, port) + port % BUCKET_PORTS;
}

/* The channel of `port`, NULL beyond the table. Needs no lock. */
static inline struct evtchn *evtchn_get(const struct domain *d,
                                        evtchn_port_t port)
{
    const struct evtchn_domain *e = d->evtchn;
    /* Pairs with the release in grow(): the bucket is there. */
    uint32_t nr = __atomic_load_n(&e->nr_ports, __ATOMIC_ACQUIRE);

    if (unlikely(port >= nr))
        return NULL;
    return evtchn_of(e, (evtchn_port_t)nospec_index(port, nr));
}

/* Make the guest look: pending flag of v, and a kick if that is news. */
static inline void evtchn_mark_vcpu(struct vcpu *v)
{
    if (!__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1,
                             __ATOMIC_SEQ_CST))
        vcpu_kick(v);
}

/* Bound to something that may raise it. */
static inline bool evtchn_is_usable(const struct evtchn *chn)
{
    return chn->state > ECS_RESERVED;
}
/* Tell d's guest of `port` and wake its pollers; an end's lock is held. */
void evtchn_set_pending(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn);
/* Take the lowest free port; d->evtchn->lock held. 0, -ENOSPC, -ENOMEM,
   -EINVAL when d is dead. */
int evtchn_alloc_locked(struct domain *d, evtchn_port_t *port,
                        struct evtchn **chn);
/* Give `state` and a vCPU to a port just allocated, and let it be raised. */
void evtchn_activate(struct domain *d, evtchn_port_t port, struct evtchn *chn,
                     enum evtchn_state state, unsigned vcpu);
/* Free one that was never activated, or after its pirq was refused. */
void evtchn_free_locked(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn);
/* Allocate a local port and connect it to an unbound one of rd. */
int evtchn_bind_pair(struct domain *d, struct domain *rd,
                     evtchn_port_t remote_port, evtchn_port_t *local_port);
/* -EINVAL when there is nothing to close. */
int evtchn_close(struct domain *d, evtchn_port_t port);
/* All of them, back to the 2-level ABI; -ERESTART until done. */
int evtchn_close_all(struct domain *d);

/* virq.c */
bool virq_is_global(unsigned virq);
int virq_bind(struct domain *d, unsigned virq, unsigned vcpu,
              evtchn_port_t *port);

/* evtchn-fifo.c; d->evtchn->lock held. */
int fifo_init_control(struct domain *d, uint64_t gfn, uint32_t offset,
                      uint32_t vcpu);
int fifo_expand_array(struct domain *d, uint64_t gfn);
/* Give the guest's pages back; no port of d is bound. */
void fifo_destroy(struct domain *d);

/* The vCPU numbered `id` by a guest, NULL when there is none. */
static inline struct vcpu *vcpu_of(const struct domain *d, uint32_t id)
{
    if (id >= d->max_vcpus)
        return NULL;
    return d->vcpu[nospec_index(id, MAX_VCPUS)];
}

#endif
