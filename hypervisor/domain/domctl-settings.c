/* domctl: scheduling, time and rights of a domain. */
#include "domain/ctl.h"
#include "evtchn/evtchn.h"
#include "time/clock.h"

#define NR_PORTS      65536u
#define MAX_IO_RANGES 32u
/* Frames of one request: asking dom0's right costs a look at each. */
#define MAX_IO_FRAMES (1ull << 18)
#define MAX_MFN       (1ull << 40)

#define TSC_MODE_DEFAULT 0
#define TSC_MODE_ALWAYS  1
#define TSC_MODE_NEVER   2

int ctl_scheduler_op(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;
    uint32_t weight = d->sched_weight, cap = d->sched_cap;

    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -EINVAL;

    switch (s->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        s->u.credit2.weight = weight;
        s->u.credit2.cap = cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putinfo:
        /* 0 and all ones: leave it as it is. */
        if (s->u.credit2.weight)
            weight = s->u.credit2.weight;
        if (s->u.credit2.cap != UINT16_MAX)
            cap = s->u.credit2.cap;
        d->sched_weight = weight;
        d->sched_cap = cap;
        sched_set_weight(d, weight, cap);
        return 0;
    default:
        return -EINVAL;
    }
}

/* Guests always read the TSC natively; the mode is kept for the toolstack. */
int ctl_gettscinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_tsc_info *t = &op->u.tsc_info;

    memset(t, 0, sizeof(*t));
    t->tsc_mode = d->tsc_mode;
    t->gtsc_khz = tsc_khz;
    t->elapsed_nsec = clock_now_ns() - d->created_ns;
    return 0;
}

int ctl_settscinfo(struct domain *d, struct xen_domctl *op)
{
    uint32_t mode = op->u.tsc_info.tsc_mode;

    if (mode != TSC_MODE_DEFAULT && mode != TSC_MODE_ALWAYS &&
        mode != TSC_MODE_NEVER)
        return -EINVAL;
    d->tsc_mode = mode;
    return 0;
}

int ctl_settimeoffset(struct domain *d, struct xen_domctl *op)
{
    d->time_offset_s = op->u.settimeoffset.time_offset_seconds;
    pvclock_update_wallclock(d);
    return 0;
}

/* One node, number 0. */
int ctl_setnodeaffinity(struct domain *d, struct xen_domctl *op)
{
    uint64_t nodes;
    int rc = ctl_bitmap_in(&nodes, &op->u.nodeaffinity.nodemap);

    if (rc)
        return rc;
    if (!(nodes & 1))
        return -EINVAL;
    d->node_affinity = nodes;
    return 0;
}

int ctl_getnodeaffinity(struct domain *d, struct xen_domctl *op)
{
    return ctl_bitmap_out(&op->u.nodeaffinity.nodemap, d->node_affinity & 1);
}

static bool virq_is_global(uint32_t virq)
{
    return virq < NR_VIRQS && virq != VIRQ_TIMER && virq != VIRQ_DEBUG &&
           virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

/* Global interrupts go to dom0; a store domain of its own is not offered. */
int ctl_set_virq_handler(struct domain *d, struct xen_domctl *op)
{
    if (!virq_is_global(op->u.set_virq_handler.virq))
        return -EINVAL;
    return d == dom0 ? 0 : -EOPNOTSUPP;
}

static bool ports_all_granted(const struct domain *d, unsigned first,
                              unsigned nr)
{
    return d->ioports &&
           bitmap_find_clear(d->ioports, first + nr, first) >= first + nr;
}

int ctl_ioport_permission(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_ioport_permission *p = &op->u.ioport_permission;
    uint32_t first = p->first_port, nr = p->nr_ports;

    if (!nr || first >= NR_PORTS || nr > NR_PORTS - first)
        return -EINVAL;
    if (!ports_all_granted(current->domain, first, nr))
        return -EPERM;
    if (!d->ioports) {
        if (!p->allow_access)
            return 0;
        d->ioports = mem_alloc(NR_PORTS / 8);
        if (!d->ioports)
            return -ENOMEM;
    }

    for (uint32_t port = first; port < first + nr; port++)
        if (p->allow_access)
            bit_set(d->ioports, port);
        else
            bit_clear(d->ioports, port);
    return 0;
}

static bool may_map_granted(struct domain *d, mfn_t m, bool *read_only)
{
    *read_only = false;
    for (unsigned i = 0; i < d->nr_io_ranges; i++)
        if (m.n - d->io_ranges[i].first < d->io_ranges[i].nr)
            return true;
    return false;
}

/* The caller has every one of them, writable. */
static bool frames_all_granted(struct domain *d, uint64_t first, uint64_t nr)
{
    bool read_only = false;

    if (!d->may_map_io)
        return false;
    for (uint64_t i = 0; i < nr; i++)
        if (mfn_is_ram(mfn(first + i)) ||
            !d->may_map_io(d, mfn(first + i), &read_only) || read_only)
            return false;
    return true;
}

/* What of the old ranges lies outside [first, first + nr), into `to`. */
static unsigned cut(const struct domain *d, uint64_t first, uint64_t nr,
                    struct io_range *to)
{
    unsigned n = 0;

    for (unsigned i = 0; i < d->nr_io_ranges; i++) {
        struct io_range r = d->io_ranges[i];
        uint64_t end = r.first + r.nr;

        if (r.first < first)
            to[n++] = (struct io_range){r.first, MIN(end, first) - r.first};
        if (end > first + nr) {
            uint64_t start = MAX(r.first, first + nr);

            to[n++] = (struct io_range){start, end - start};
        }
    }
    return n;
}

int ctl_iomem_permission(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_iomem_permission *p = &op->u.iomem_permission;
    struct io_range *ranges, *old;
    unsigned n;

    if (!p->nr_mfns || p->first_mfn >= MAX_MFN ||
        p->nr_mfns > MAX_MFN - p->first_mfn)
        return -EINVAL;
    if (p->nr_mfns > MAX_IO_FRAMES)
        return -E2BIG;
    /* dom0's own rights are a rule, not a list. */
    if (d == dom0)
        return -EINVAL;
    if (!frames_all_granted(current->domain, p->first_mfn, p->nr_mfns))
        return -EPERM;

    /* A cut in the middle makes two of one. */
    ranges = mem_alloc((2 * MAX_IO_RANGES + 1) * sizeof(*ranges));
    if (!ranges)
        return -ENOMEM;
    n = cut(d, p->first_mfn, p->nr_mfns, ranges);
    if (p->allow_access)
        ranges[n++] = (struct io_range){p->first_mfn, p->nr_mfns};
    if (n > MAX_IO_RANGES) {
        mem_free(ranges);
        return -ENOSPC;
    }

    spin_lock(&d->mm_lock);
    old = d->io_ranges;
    d->io_ranges = ranges;
    d->nr_io_ranges = n;
    d->may_map_io = may_map_granted;
    spin_unlock(&d->mm_lock);
    mem_free(old);
    return 0;
}
