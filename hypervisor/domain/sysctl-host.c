/* sysctl: processors, memory and scheduling of the host. */
#include "cpu/feature.h"
#include "cpu/policy.h"
#include "domain/ctl.h"
#include "mm/alloc.h"
#include "mm/guestcopy.h"
#include "time/clock.h"

/* The peer's: how long a unit may run before a wake-up may push it aside. */
#define RATELIMIT_US 1000

/* CPUs are numbered densely; one thread a core, one socket, one node. */
static uint32_t cpu_count(void)
{
    return cpu_online ? 64 - (uint32_t)__builtin_clzll(cpu_online) : 0;
}

int sysctl_physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;

    memset(p, 0, sizeof(*p));
    p->threads_per_core = 1;
    p->cores_per_socket = nr_cpus;
    p->nr_cpus = bitmap_weight(&cpu_online, 64);
    p->max_cpu_id = nr_cpus - 1;
    p->nr_nodes = 1;
    p->cpu_khz = tsc_khz;
    p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    p->total_pages = alloc_nr_total();
    p->free_pages = alloc_nr_free();
    p->outstanding_pages = alloc_nr_claimed();
    p->max_mfn = max_mfn - 1;
    policy_featureset(XEN_SYSCTL_cpu_featureset_host, p->hw_cap,
                      ARRAY_SIZE(p->hw_cap));
    return 0;
}

int sysctl_cputopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    uint32_t nr = cpu_count(), room = t->cputopo.p ? t->num_cpus : 0;

    for (uint32_t cpu = 0; cpu < MIN(nr, room); cpu++) {
        struct xen_sysctl_cputopo topo = {.core = cpu};

        if (!(cpu_online & CPUMASK_OF(cpu)))
            topo = (struct xen_sysctl_cputopo){XEN_INVALID_CORE_ID,
                                               XEN_INVALID_SOCKET_ID,
                                               XEN_INVALID_NODE_ID};
        if (copy_array_to_guest(t->cputopo, cpu, &topo, 1))
            return -EFAULT;
    }
    t->num_cpus = nr;
    return 0;
}

int sysctl_numainfo(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *n = &op->u.numainfo;
    struct xen_sysctl_meminfo mem = {
        .memsize = alloc_nr_total() << PAGE_SHIFT,
        .memfree = alloc_nr_free() << PAGE_SHIFT,
    };
    uint32_t distance = 10; /* ACPI's for a node to itself */
    bool room = n->num_nodes;

    if (room && n->meminfo.p && copy_array_to_guest(n->meminfo, 0, &mem, 1))
        return -EFAULT;
    if (room && n->distance.p &&
        copy_array_to_guest(n->distance, 0, &distance, 1))
        return -EFAULT;
    n->num_nodes = 1;
    return 0;
}

int sysctl_getcpuinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *c = &op->u.getcpuinfo;
    uint32_t nr = MIN(c->max_cpus, cpu_count());

    for (uint32_t cpu = 0; cpu < nr; cpu++) {
        struct xen_sysctl_cpuinfo info = {.idletime = sched_idle_time_ns(cpu)};

        if (copy_array_to_guest(c->info, cpu, &info, 1))
            return -EFAULT;
    }
    c->nr_cpus = nr;
    return 0;
}

/* Free memory as a whole; widths are not told apart. */
int sysctl_availheap(struct xen_sysctl *op)
{
    struct xen_sysctl_availheap *h = &op->u.availheap;

    if (h->node > 0)
        return -EINVAL;
    h->avail_bytes = alloc_nr_free() << PAGE_SHIFT;
    return 0;
}

int sysctl_sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

static uint32_t count_domains(void)
{
    struct domain *d;
    uint32_t n = 0;

    for (uint32_t id = 0; id < DOMID_FIRST_RESERVED; n++) {
        d = domain_get_from((domid_t)id);
        if (!d)
            break;
        id = d->id + 1u;
        domain_put(d);
    }
    return n;
}

/* There is pool 0 with everything in it, and no other. */
int sysctl_cpupool_op(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *c = &op->u.cpupool_op;

    switch (c->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        if (c->cpupool_id)
            return -ENOENT;
        c->sched_id = XEN_SCHEDULER_CREDIT2;
        c->n_dom = count_domains();
        return ctl_bitmap_out(&c->cpumap, cpu_online);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return ctl_bitmap_out(&c->cpumap, 0);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return c->cpupool_id ? -ENOENT : 0;
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return -EOPNOTSUPP;
    default:
        return -ENOSYS;
    }
}

int sysctl_scheduler_op(struct xen_sysctl *op)
{
    struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

    if (s->cpupool_id)
        return -ESRCH;
    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -EINVAL;

    switch (s->cmd) {
    case XEN_SYSCTL_SCHEDOP_getinfo:
        s->u.sched_credit2.ratelimit_us = RATELIMIT_US;
        return 0;
    case XEN_SYSCTL_SCHEDOP_putinfo:
        /* Not a knob here. */
        return s->u.sched_credit2.ratelimit_us == RATELIMIT_US ? 0
                                                               : -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}
