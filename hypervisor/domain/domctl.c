/* HYPERVISOR_domctl: the toolstack's calls about one domain. */
#include "domain/ctl.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"

static const struct domctl_row rows[] = {
    [XEN_DOMCTL_createdomain] = {ctl_createdomain, CTL_OUT | CTL_NO_DOMAIN},
    [XEN_DOMCTL_destroydomain] = {ctl_destroydomain, CTL_NOT_SELF},
    [XEN_DOMCTL_pausedomain] = {ctl_pausedomain, CTL_NOT_SELF},
    [XEN_DOMCTL_setdebugging] = {ctl_setdebugging, CTL_NOT_SELF},
    [XEN_DOMCTL_unpausedomain] = {ctl_unpausedomain, CTL_NOT_SELF},
    [XEN_DOMCTL_resumedomain] = {ctl_resumedomain, CTL_NOT_SELF},
    [XEN_DOMCTL_getdomaininfo] = {ctl_getdomaininfo, CTL_OUT | CTL_NO_DOMAIN},
    [XEN_DOMCTL_max_vcpus] = {ctl_max_vcpus, CTL_PAUSED},
    [XEN_DOMCTL_max_mem] = {ctl_max_mem, 0},
    [XEN_DOMCTL_setdomainhandle] = {ctl_setdomainhandle, 0},

    [XEN_DOMCTL_setvcpuaffinity] = {ctl_setvcpuaffinity, CTL_OUT},
    [XEN_DOMCTL_getvcpuaffinity] = {ctl_getvcpuaffinity, CTL_OUT},
    [XEN_DOMCTL_setvcpucontext] = {ctl_setvcpucontext, CTL_PAUSED},
    [XEN_DOMCTL_getvcpucontext] = {ctl_getvcpucontext, CTL_OUT | CTL_PAUSED},
    [XEN_DOMCTL_getvcpuinfo] = {ctl_getvcpuinfo, CTL_OUT},
    [XEN_DOMCTL_sendtrigger] = {ctl_sendtrigger, 0},
    [XEN_DOMCTL_set_ext_vcpucontext] = {ctl_set_ext_vcpucontext, CTL_PAUSED},
    [XEN_DOMCTL_get_ext_vcpucontext] = {ctl_get_ext_vcpucontext,
                                        CTL_OUT | CTL_PAUSED},
    [XEN_DOMCTL_setvcpuextstate] = {ctl_setvcpuextstate, CTL_PAUSED},
    [XEN_DOMCTL_getvcpuextstate] = {ctl_getvcpuextstate, CTL_OUT | CTL_PAUSED},
    [XEN_DOMCTL_set_vcpu_msrs] = {ctl_set_vcpu_msrs, CTL_PAUSED},
    [XEN_DOMCTL_get_vcpu_msrs] = {ctl_get_vcpu_msrs, CTL_OUT | CTL_PAUSED},

    [XEN_DOMCTL_scheduler_op] = {ctl_scheduler_op, CTL_OUT},
    [XEN_DOMCTL_gettscinfo] = {ctl_gettscinfo, CTL_OUT | CTL_NOT_SELF},
    [XEN_DOMCTL_settscinfo] = {ctl_settscinfo, CTL_NOT_SELF},
    [XEN_DOMCTL_settimeoffset] = {ctl_settimeoffset, 0},
    [XEN_DOMCTL_setnodeaffinity] = {ctl_setnodeaffinity, 0},
    [XEN_DOMCTL_getnodeaffinity] = {ctl_getnodeaffinity, CTL_OUT},
    [XEN_DOMCTL_set_virq_handler] = {ctl_set_virq_handler, 0},
    [XEN_DOMCTL_ioport_permission] = {ctl_ioport_permission, 0},
    [XEN_DOMCTL_iomem_permission] = {ctl_iomem_permission, 0},

    [XEN_DOMCTL_hypercall_init] = {ctl_hypercall_init, 0},
    [XEN_DOMCTL_set_address_size] = {ctl_set_address_size, 0},
    [XEN_DOMCTL_get_address_size] = {ctl_get_address_size, CTL_OUT},
    [XEN_DOMCTL_getpageframeinfo3] = {ctl_getpageframeinfo3, CTL_OUT},
    [XEN_DOMCTL_shadow_op] = {ctl_shadow_op, CTL_NOT_SELF},
    [XEN_DOMCTL_gethvmcontext] = {ctl_only_hvm, 0},
    [XEN_DOMCTL_sethvmcontext] = {ctl_only_hvm, 0},
    [XEN_DOMCTL_gethvmcontext_partial] = {ctl_only_hvm, 0},
    [XEN_DOMCTL_get_paging_mempool_size] = {ctl_no_mempool, 0},
    [XEN_DOMCTL_set_paging_mempool_size] = {ctl_no_mempool, 0},

    [XEN_DOMCTL_get_cpu_policy] = {ctl_get_cpu_policy, CTL_OUT},
    [XEN_DOMCTL_set_cpu_policy] = {ctl_set_cpu_policy,
                                   CTL_OUT_ALWAYS | CTL_PAUSED},
};

/* One toolstack call at a time; who comes second asks again, so that it can
   still be paused or flushed meanwhile. */
static struct spinlock ctl_lock;

static int run_on(const struct domctl_row *row, struct domain *d,
                  struct xen_domctl *op)
{
    int rc;

    if ((row->flags & (CTL_NOT_SELF | CTL_PAUSED)) && d == current->domain)
        return -EINVAL;

    if (row->flags & CTL_PAUSED)
        domain_pause(d);
    rc = row->fn(d, op);
    if (row->flags & CTL_PAUSED)
        domain_unpause(d);
    return rc;
}

static int run(const struct domctl_row *row, struct xen_domctl *op)
{
    struct domain *d;
    int rc;

    if (row->flags & CTL_NO_DOMAIN)
        return row->fn(NULL, op);

    d = domain_get_self_or(op->domain);
    if (!d)
        return -ESRCH;
    rc = run_on(row, d, op);
    domain_put(d);
    return rc;
}

long hc_domctl(struct hc_args *a)
{
    void *arg = (void *)a->arg[0];
    const struct domctl_row *row;
    struct xen_domctl op;
    long rc;

    if (!policy_is_privileged(current->domain))
        return -EPERM;
    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    if (op.cmd >= ARRAY_SIZE(rows))
        return -ENOSYS;
    row = &rows[nospec_index(op.cmd, ARRAY_SIZE(rows))];
    if (!row->fn)
        return -ENOSYS;

    if (!spin_trylock(&ctl_lock))
        return -ERESTART;
    rc = run(row, &op);
    spin_unlock(&ctl_lock);

    if (rc == -ERESTART)
        return rc;
    if (((row->flags & CTL_OUT) && !rc) || (row->flags & CTL_OUT_ALWAYS))
        if (copy_to_guest(arg, &op, sizeof(op)))
            rc = -EFAULT;
    return rc;
}
