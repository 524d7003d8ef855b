/* HYPERVISOR_sysctl: the toolstack's calls about the host. */
#include "console/console.h"
#include "domain/ctl.h"
#include "domain/debug-keys.h"
#include "domain/trace.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"

#define MAX_DEBUG_KEYS 16u

/* The log, a page at a time; `index` runs on from one call to the next. */
static int readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    uint32_t index = r->incremental ? r->index : 0, done = 0;
    char *page = page_alloc();
    int rc = 0;

    if (!page)
        return -ENOMEM;
    while (!rc && done < r->count) {
        size_t n = log_read(page, MIN(r->count - done, (uint32_t)PAGE_SIZE),
                            &index, false);

        if (!n)
            break;
        rc = copy_to_guest(r->buffer.p + done, page, n);
        done += n;
    }
    /* Only what has arrived is thrown away. */
    if (!rc && r->clear)
        log_read(page, 0, &index, true);
    page_free(page);
    r->index = index;
    r->count = done;
    return rc;
}

static int getdomaininfolist(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    struct xen_domctl_getdomaininfo info;
    uint32_t id = l->first_domain, n;
    int rc = 0;

    for (n = 0; n < l->max_domains && id < DOMID_FIRST_RESERVED; n++) {
        struct domain *d = domain_get_from((domid_t)id);

        if (!d)
            break;
        ctl_domain_info(d, &info);
        id = d->id + 1u;
        domain_put(d);
        rc = copy_array_to_guest(l->buffer, n, &info, 1);
        if (rc)
            break;
    }
    l->num_domains = n;
    return rc;
}

static int debug_keys(struct xen_sysctl *op)
{
    const struct xen_sysctl_debug_keys *k = &op->u.debug_keys;
    char keys[MAX_DEBUG_KEYS];
    uint32_t nr = MIN(k->nr_keys, MAX_DEBUG_KEYS);

    if (copy_from_guest(keys, k->keys.p, nr))
        return -EFAULT;
    for (uint32_t i = 0; i < nr; i++)
        debug_key(keys[i]);
    return 0;
}

struct sysctl_row {
    int (*fn)(struct xen_sysctl *op);
    uint8_t flags; /* CTL_OUT, CTL_OUT_ALWAYS */
};

static const struct sysctl_row rows[] = {
    [XEN_SYSCTL_readconsole] = {readconsole, CTL_OUT},
    [XEN_SYSCTL_tbuf_op] = {trace_control, CTL_OUT},
    [XEN_SYSCTL_physinfo] = {sysctl_physinfo, CTL_OUT},
    [XEN_SYSCTL_sched_id] = {sysctl_sched_id, CTL_OUT},
    [XEN_SYSCTL_getdomaininfolist] = {getdomaininfolist, CTL_OUT},
    [XEN_SYSCTL_debug_keys] = {debug_keys, 0},
    [XEN_SYSCTL_getcpuinfo] = {sysctl_getcpuinfo, CTL_OUT},
    [XEN_SYSCTL_availheap] = {sysctl_availheap, CTL_OUT},
    [XEN_SYSCTL_cputopoinfo] = {sysctl_cputopoinfo, CTL_OUT},
    [XEN_SYSCTL_numainfo] = {sysctl_numainfo, CTL_OUT},
    [XEN_SYSCTL_cpupool_op] = {sysctl_cpupool_op, CTL_OUT},
    [XEN_SYSCTL_scheduler_op] = {sysctl_scheduler_op, CTL_OUT},
    [XEN_SYSCTL_get_cpu_featureset] = {sysctl_get_cpu_featureset,
                                       CTL_OUT_ALWAYS},
    [XEN_SYSCTL_get_cpu_policy] = {sysctl_get_cpu_policy, CTL_OUT},
};

long hc_sysctl(struct hc_args *a)
{
    void *arg = (void *)a->arg[0];
    const struct sysctl_row *row;
    struct xen_sysctl op;
    long rc;

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op.cmd >= ARRAY_SIZE(rows))
        return -ENOSYS;
    row = &rows[nospec_index(op.cmd, ARRAY_SIZE(rows))];
    if (!row->fn)
        return -ENOSYS;

    rc = row->fn(&op);
    if (((row->flags & CTL_OUT) && !rc) || (row->flags & CTL_OUT_ALWAYS))
        if (copy_to_guest(arg, &op, sizeof(op)))
            rc = -EFAULT;
    return rc;
}
