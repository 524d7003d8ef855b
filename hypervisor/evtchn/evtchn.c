#include "evtchn/evtchn.h"
#include "evtchn/internal.h"

#include "domain/trace.h"
#include "hypercall/hypercall.h"
#include "irq/irq.h"

static uint32_t port_limit(const struct domain *d)
{
    /* max_evtchn_port is the highest number, not a count. */
    if (d->max_evtchn_port >= d->evtchn->abi->nr_ports)
        return d->evtchn->abi->nr_ports;
    return d->max_evtchn_port + 1;
}

static int grow(struct evtchn_domain *e)
{
    evtchn_port_t port = e->nr_ports;
    struct evtchn ***dir = &e->dir[port / DIR_PORTS];

    if (!*dir)
        *dir = page_alloc();
    if (!*dir)
        return -ENOMEM;
    *evtchn_bucket(e, port) = mem_alloc(BUCKET_PORTS * sizeof(struct evtchn));
    if (!*evtchn_bucket(e, port))
        return -ENOMEM;
    __atomic_store_n(&e->nr_ports, port + BUCKET_PORTS, __ATOMIC_RELEASE);
    return 0;
}

int evtchn_alloc_locked(struct domain *d, evtchn_port_t *port,
                        struct evtchn **chn)
{
    struct evtchn_domain *e = d->evtchn;
    uint32_t p, limit = port_limit(d);
    int rc;

    if (e->closed)
        return -EINVAL;

    for (p = e->lowest_free; p < limit; p++) {
        if (p >= e->nr_ports) {
            rc = grow(e);
            if (rc)
                return rc;
        }
        *chn = evtchn_get(d, p);
        if ((*chn)->state == ECS_FREE && !e->abi->is_busy(d, p))
            break;
    }
    if (p >= limit)
        return -ENOSPC;

    *port = p;
    (*chn)->state = ECS_RESERVED;
    e->nr_used++;
    /* A busy port may have been passed over: then the hint stays behind. */
    if (p == e->lowest_free)
        e->lowest_free++;
    return 0;
}

void evtchn_activate(struct domain *d, evtchn_port_t port, struct evtchn *chn,
                     enum evtchn_state state, unsigned vcpu)
{
    chn->notify_vcpu = vcpu;
    chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    d->evtchn->abi->init(d, port, chn);
    chn->state = state;
}

void evtchn_free_locked(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn)
{
    struct evtchn_domain *e = d->evtchn;

    e->abi->clear_pending(d, port);
    chn->pending = 0;
    chn->notify_vcpu = 0;
    chn->state = ECS_FREE;
    e->nr_used--;
    if (port < e->lowest_free)
        e->lowest_free = port;
}

/* --- Raising -------------------------------------------------------------- */

static bool waits_for(const struct vcpu *v, evtchn_port_t port)
{
    int32_t want = READ_ONCE(v->poll_port);

    return want < 0 || (uint32_t)want == port;
}

static inline bool somebody_polls(const struct evtchn_domain *e)
{
    uint64_t any = 0;

    for (unsigned w = 0; w < ARRAY_SIZE(e->polling); w++)
        any |= READ_ONCE(e->polling[w]);
    return any;
}

/* Does anybody poll for `port`? Most events are not what a poller waits for. */
static __attribute__((noinline)) bool is_polled(const struct domain *d,
                                                evtchn_port_t port)
{
#pragma GCC unroll 2
    for (unsigned w = 0; w < ARRAY_SIZE(d->evtchn->polling); w++) {
        uint64_t bits = READ_ONCE(d->evtchn->polling[w]);

        for (; unlikely(bits); bits &= bits - 1) {
            /* Who polls is there as long as d is. */
            if (unlikely(
                    waits_for(d->vcpu[w * 64 + __builtin_ctzll(bits)], port)))
                return true;
        }
    }
    return false;
}

static __attribute__((noinline)) void wake_pollers(struct domain *d,
                                                   evtchn_port_t port)
{
    vcpu_for_each (d, v) {
        if (bit_test(d->evtchn->polling, v->id) && waits_for(v, port)) {
            evtchn_poll_stop(v);
            vcpu_wake(v);
        }
    }
}

/* As raise_port(), when the guest has turned to the other ABI meanwhile. */
static __attribute__((noinline)) void raise_again(struct domain *d,
                                                  evtchn_port_t port)
{
    struct evtchn *chn = evtchn_of(d->evtchn, port);

    d->evtchn->abi->set_pending(d->vcpu[READ_ONCE(chn->notify_vcpu)], port,
                                chn);
}

static inline void raise_port(struct domain *d, evtchn_port_t port,
                              struct evtchn *chn)
{
    struct evtchn_domain *e = d->evtchn;
    struct vcpu *v = d->vcpu[READ_ONCE(chn->notify_vcpu)];
    const struct evtchn_abi *abi = READ_ONCE(e->abi);

    if (unlikely(!v))
        return; /* the toolstack bound it before making vCPUs */
    if (tracing())
        trace_event(v, port);
    abi->set_pending(v, port, chn);
    /* The guest may be turning to the other ABI, past this port already. */
    if (unlikely(__atomic_load_n(&e->abi, __ATOMIC_SEQ_CST) != abi))
        raise_again(d, port);
    if (unlikely(somebody_polls(e)) && is_polled(d, port))
        wake_pollers(d, port);
}

void evtchn_set_pending(struct domain *d, evtchn_port_t port,
                        struct evtchn *chn)
{
    raise_port(d, port, chn);
}

long evtchn_send(struct domain *d, evtchn_port_t port)
{
    struct evtchn *chn = evtchn_get(d, port), *to;
    int rc = 0;

    if (!chn)
        return -EINVAL;

    spin_lock(&chn->lock);
    switch (chn->state) {
    case ECS_INTERDOMAIN:
        /* Neither end can be closed while we hold this one's lock. */
        d = chn->u.remote.d;
        port = chn->u.remote.port;
        to = evtchn_of(d->evtchn, port);
        break;
    case ECS_IPI:
        to = chn;
        break;
    case ECS_UNBOUND:
        goto unlock; /* nobody there yet: dropped, as the ABI says */
    default:
        rc = -EINVAL;
        goto unlock;
    }
    raise_port(d, port, to);
unlock:
    spin_unlock(&chn->lock);
    return rc;
}

void evtchn_raise_pirq(struct domain *d, evtchn_port_t port)
{
    struct evtchn *chn = evtchn_get(d, port);

    if (!chn)
        return;
    spin_lock(&chn->lock);
    if (chn->state == ECS_PIRQ)
        evtchn_set_pending(d, port, chn);
    spin_unlock(&chn->lock);
}

/* --- Polling ---------------------------------------------------------------
 */

int evtchn_check_pollable(struct domain *d, evtchn_port_t port)
{
    return evtchn_get(d, port) ? 0 : -EINVAL;
}

bool evtchn_is_pending(struct domain *d, evtchn_port_t port)
{
    struct evtchn *chn = evtchn_get(d, port);
    bool pending;

    if (!chn)
        return false;
    spin_lock(&chn->lock);
    pending = evtchn_is_usable(chn) && d->evtchn->abi->is_pending(d, port);
    spin_unlock(&chn->lock);
    return pending;
}

void evtchn_poll_start(struct vcpu *v, int32_t port)
{
    WRITE_ONCE(v->poll_port, port);
    /* Full barrier: whoever raises an event from here on sees the bit, and
       what was raised before is seen by the caller's look at the ports. */
    bit_test_and_set(v->domain->evtchn->polling, v->id);
}

void evtchn_poll_narrow(struct vcpu *v, int32_t port)
{
    int32_t any = -1;

    __atomic_compare_exchange_n(&v->poll_port, &any, port, false,
                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void evtchn_poll_stop(struct vcpu *v)
{
    if (bit_test(v->domain->evtchn->polling, v->id))
        bit_test_and_clear(v->domain->evtchn->polling, v->id);
    WRITE_ONCE(v->poll_port, 0);
}

/* --- Pairs -----------------------------------------------------------------
 */

static void lock_pair(struct evtchn *a, struct evtchn *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_pair(struct evtchn *a, struct evtchn *b)
{
    spin_unlock(&a->lock);
    spin_unlock(&b->lock);
}

/* `chn` is a fresh port of d. */
static int connect(struct domain *d, evtchn_port_t port, struct evtchn *chn,
                   struct domain *rd, evtchn_port_t rport)
{
    struct evtchn *rchn = evtchn_get(rd, rport);
    int rc = -EINVAL;

    if (!rchn || rchn == chn)
        return rc;

    lock_pair(chn, rchn);
    if (rchn->state == ECS_UNBOUND && rchn->u.remote_dom == d->id) {
        rchn->u.remote.d = d;
        rchn->u.remote.port = port;
        rchn->state = ECS_INTERDOMAIN;

        chn->u.remote.d = rd;
        chn->u.remote.port = rport;
        evtchn_activate(d, port, chn, ECS_INTERDOMAIN, 0);
        /* The peer may have sent before: those events were dropped. */
        evtchn_set_pending(d, port, chn);
        rc = 0;
    }
    unlock_pair(chn, rchn);
    return rc;
}

int evtchn_bind_pair(struct domain *d, struct domain *rd,
                     evtchn_port_t remote_port, evtchn_port_t *local_port)
{
    struct evtchn *chn;
    int rc;

    spin_lock(&d->evtchn->lock);
    rc = evtchn_alloc_locked(d, local_port, &chn);
    if (!rc) {
        rc = connect(d, *local_port, chn, rd, remote_port);
        if (rc)
            evtchn_free_locked(d, *local_port, chn);
    }
    spin_unlock(&d->evtchn->lock);
    return rc;
}

/*
 * chn's lock is held. While chn is interdomain lock the other end as well, in
 * order; NULL when it no longer is. *keep: a domain to put when all locks are
 * gone.
 */
static struct evtchn *lock_peer(struct evtchn *chn, struct domain **keep)
{
    while (chn->state == ECS_INTERDOMAIN) {
        struct domain *rd = chn->u.remote.d;
        evtchn_port_t rport = chn->u.remote.port;
        struct evtchn *rchn = evtchn_get(rd, rport);

        if (chn < rchn) {
            spin_lock(&rchn->lock);
            return rchn;
        }

        /* While chn is unlocked the peer may close its end, go away, or bind
           again by another port; it stays the same domain as we keep it. */
        if (!*keep)
            *keep = domain_ref(rd);
        spin_unlock(&chn->lock);
        lock_pair(rchn, chn);
        if (chn->state == ECS_INTERDOMAIN && chn->u.remote.d == rd &&
            chn->u.remote.port == rport)
            return rchn;
        spin_unlock(&rchn->lock);
    }
    return NULL;
}

/* Undo what the state stands for; d->evtchn->lock and chn's are held. */
static void disconnect(struct domain *d, struct evtchn *chn,
                       struct domain **keep)
{
    struct evtchn *rchn;

    switch (chn->state) {
    case ECS_VIRQ:
        d->vcpu[virq_is_global(chn->u.virq) ? 0 : chn->notify_vcpu]
            ->virq_port[chn->u.virq] = 0;
        break;
    case ECS_INTERDOMAIN:
        rchn = lock_peer(chn, keep);
        if (!rchn)
            break;
        rchn->u.remote_dom = d->id;
        rchn->state = ECS_UNBOUND;
        spin_unlock(&rchn->lock);
        break;
    default:
        break;
    }
}

int evtchn_close(struct domain *d, evtchn_port_t port)
{
    struct evtchn_domain *e = d->evtchn;
    struct evtchn *chn = evtchn_get(d, port);
    struct domain *keep = NULL;
    int rc = -EINVAL;

    if (!chn)
        return rc;

    spin_lock(&e->lock);
    /* States leave and enter PIRQ under e->lock only. Without chn's lock,
       because the interrupt path takes that under the pirq's. */
    if (chn->state == ECS_PIRQ)
        pirq_unbind(d, (int)chn->u.pirq);

    spin_lock(&chn->lock);
    if (evtchn_is_usable(chn)) {
        disconnect(d, chn, &keep);
        evtchn_free_locked(d, port, chn);
        rc = 0;
    }
    spin_unlock(&chn->lock);
    spin_unlock(&e->lock);

    if (keep)
        domain_put(keep);
    return rc;
}

int evtchn_close_all(struct domain *d)
{
    struct evtchn_domain *e = d->evtchn;
    int rc = 0;

    while (e->next_close < e->nr_ports) {
        (void)evtchn_close(d, e->next_close++); /* free ones refuse */
        if (e->next_close % 64 == 0 && hypercall_should_yield())
            return -ERESTART;
    }
    e->next_close = 0;

    spin_lock(&e->lock);
    if (e->nr_used) {
        /* Another vCPU binds while we reset. Pages may go only when no bound
           port is left, for nobody can be raising an event then. */
        rc = -ERESTART;
    } else if (e->abi == &evtchn_abi_fifo) {
        fifo_destroy(d);
        e->abi = &evtchn_abi_2l;
    }
    spin_unlock(&e->lock);
    return rc;
}

/* --- The domain's part -----------------------------------------------------
 */

unsigned evtchn_count_used(struct domain *d)
{
    return d->evtchn ? READ_ONCE(d->evtchn->nr_used) : 0;
}

void evtchn_vcpu_info_moved(struct vcpu *v)
{
    /* Bits that went to the old place while it was copied must not be lost:
       have the guest look at every word once. */
    __atomic_store_n(&v->info->evtchn_pending_sel, ~(xen_ulong_t)0,
                     __ATOMIC_SEQ_CST);
    __atomic_store_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    vcpu_kick(v);
}

static int evtchn_init(struct domain *d)
{
    struct evtchn_domain *e = mem_alloc(sizeof(*e));

    if (!e)
        return -ENOMEM;
    e->abi = &evtchn_abi_2l;
    e->lowest_free = 1;
    d->evtchn = e;
    if (grow(e)) {
        d->evtchn = NULL;
        if (e->dir[0])
            page_free(e->dir[0]);
        mem_free(e);
        return -ENOMEM;
    }
    evtchn_get(d, 0)->state = ECS_RESERVED;
    return 0;
}

static int evtchn_kill(struct domain *d)
{
    spin_lock(&d->evtchn->lock);
    d->evtchn->closed = true;
    spin_unlock(&d->evtchn->lock);
    return evtchn_close_all(d);
}

static void evtchn_vcpu_free(struct vcpu *v)
{
    mem_free(v->fifo);
    v->fifo = NULL;
}

static void evtchn_free(struct domain *d)
{
    struct evtchn_domain *e = d->evtchn;

    if (!e)
        return;
    for (uint32_t p = 0; p < e->nr_ports; p += BUCKET_PORTS)
        mem_free(*evtchn_bucket(e, p));
    for (unsigned i = 0; i < NR_DIRS; i++)
        if (e->dir[i])
            page_free(e->dir[i]);
    mem_free(e);
    d->evtchn = NULL;
}

const struct domain_part evtchn_part = {
    .name = "evtchn",
    .init = evtchn_init,
    .kill = evtchn_kill,
    .vcpu_free = evtchn_vcpu_free,
    .free = evtchn_free,
};

#define DUMP_MAX 64 /* ports of a domain; the log is no place for thousands */

static void dump_one(struct domain *d, evtchn_port_t port,
                     const struct evtchn *chn)
{
    static const char *const states[] = {
        "free", "reserved", "unbound", "interdomain", "pirq", "virq", "ipi"};
    bool pair = chn->state == ECS_INTERDOMAIN;

    log_info("d%u port %u: %s, vCPU %u%s%s, %s %u%s%u\n", d->id, port,
             states[chn->state], chn->notify_vcpu,
             d->evtchn->abi->is_pending(d, port) ? ", pending" : "",
             d->evtchn->abi->is_masked(d, port) ? ", masked" : "",
             pair ? "to domain" : "of",
             pair ? chn->u.remote.d->id : chn->u.virq, pair ? " port " : "/",
             pair ? chn->u.remote.port : 0);
}

void evtchn_dump(struct domain *d)
{
    unsigned shown = 0;

    log_info("d%u: %u event channels, %s\n", d->id, evtchn_count_used(d),
             d->evtchn->abi == &evtchn_abi_fifo ? "queues" : "2 levels");
    for (evtchn_port_t p = 1; p < d->evtchn->nr_ports && shown < DUMP_MAX;
         p++) {
        struct evtchn *chn = evtchn_get(d, p);

        spin_lock(&chn->lock);
        if (evtchn_is_usable(chn)) {
            dump_one(d, p, chn);
            shown++;
        }
        spin_unlock(&chn->lock);
    }
}
