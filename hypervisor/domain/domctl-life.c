/* domctl: birth, death, pauses and listings of domains. */
#include "domain/ctl.h"
#include "grant/gnttab.h"

/* What this hypervisor cannot give a PV guest is refused as the ABI does. */
static int check_create(const struct xen_domctl_createdomain *c)
{
    if (c->flags & ~(uint32_t)(2 * XEN_DOMCTL_CDF_MAX - 1))
        return -EINVAL;
    /* PV only, no IOMMU, no virtual PMU or trace buffers. */
    if (c->flags &
        (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_iommu |
         XEN_DOMCTL_CDF_nested_virt | XEN_DOMCTL_CDF_vpmu))
        return -EINVAL;
    if (c->iommu_opts || c->vmtrace_size)
        return -EINVAL;
    if (c->arch.emulation_flags)
        return -EOPNOTSUPP;
    if (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED)
        return -EINVAL;
    if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    if (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask ||
        XEN_DOMCTL_GRANT_version(c->grant_opts) != 1)
        return -EINVAL;
    if (c->max_grant_frames > GNTTAB_DEFAULT_MAX_FRAMES ||
        c->max_grant_frames == 0 ||
        c->max_maptrack_frames > GNTTAB_DEFAULT_MAX_MAPTRACK)
        return -EINVAL;
    if (c->cpupool_id)
        return -ENOENT;
    return 0;
}

int ctl_createdomain(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_createdomain *c = &op->u.createdomain;
    struct domain_config cfg = {
        .flags = c->flags,
        .ssidref = c->ssidref,
        .max_vcpus = c->max_vcpus,
        .max_evtchn_port = c->max_evtchn_port,
        .max_grant_frames = c->max_grant_frames < 0 ? GNTTAB_DEFAULT_MAX_FRAMES
                                                    : c->max_grant_frames,
        .max_maptrack_frames = c->max_maptrack_frames < 0
                                   ? GNTTAB_DEFAULT_MAX_MAPTRACK
                                   : c->max_maptrack_frames,
        .grant_opts = c->grant_opts,
    };
    domid_t id = op->domain;
    int rc = check_create(c);

    if (rc)
        return rc;
    /* 0 and the reserved ids ask for the next free one. */
    if (!id || id >= DOMID_FIRST_RESERVED)
        id = DOMID_INVALID;
    memcpy(cfg.handle, c->handle, sizeof(cfg.handle));

    d = domain_create(id, &cfg, &rc);
    if (!d)
        return rc;
    op->domain = d->id;
    c->flags |= XEN_DOMCTL_CDF_oos_off;
    domain_put(d);
    return 0;
}

int ctl_destroydomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_kill(d);
}

int ctl_pausedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_pause_tools(d);
}

int ctl_unpausedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_unpause_tools(d);
}

/* Domain 0 cannot wait for itself to be unpaused. */
int ctl_setdebugging(struct domain *d, struct xen_domctl *op)
{
    WRITE_ONCE(d->debugged, op->u.setdebugging.enable);
    return 0;
}

int ctl_resumedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    domain_resume(d);
    return 0;
}

static uint32_t info_flags(const struct domain *d, bool all_blocked,
                           bool running)
{
    uint32_t code = d->shut_down ? d->shutdown_code : 0xffff;

    return (all_blocked ? XEN_DOMINF_blocked : 0) |
           (running ? XEN_DOMINF_running : 0) |
           (d->dying == DOMAIN_DEAD ? XEN_DOMINF_dying : 0) |
           (d->shut_down ? XEN_DOMINF_shutdown : 0) |
           (d->paused_by_tools ? XEN_DOMINF_paused : 0) |
           (d->debugged ? XEN_DOMINF_debugged : 0) |
           (d->create_flags & XEN_DOMCTL_CDF_xs_domain ? XEN_DOMINF_xs_domain
                                                       : 0) |
           code << XEN_DOMINF_shutdownshift;
}

void ctl_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    bool all_blocked = true, running = false;

    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    info->cpu_time = d->cpu_time_dead;
    vcpu_for_each (d, v) {
        info->cpu_time += sched_cpu_time_ns(v);
        info->max_vcpu_id = v->id;
        if (!v->up)
            continue;
        info->nr_online_vcpus++;
        all_blocked &= v->unit.blocked;
        running |= sched_is_running(v);
    }

    info->flags = info_flags(d, info->nr_online_vcpus && all_blocked, running);
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->outstanding_pages = d->claimed;
    info->shared_info_frame = virt_to_mfn(d->shared).n;
    info->ssidref = d->ssidref;
    memcpy(info->handle, d->handle, sizeof(info->handle));
}

/* The first domain with at least this id: tools walk the list like that and
   compare the answer's id. */
int ctl_getdomaininfo(struct domain *d, struct xen_domctl *op)
{
    if (op->domain >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    d = domain_get_from(op->domain);
    if (!d)
        return -ESRCH;

    ctl_domain_info(d, &op->u.getdomaininfo);
    op->domain = d->id;
    domain_put(d);
    return 0;
}

int ctl_max_vcpus(struct domain *d, struct xen_domctl *op)
{
    /* The number was fixed when the domain was created. */
    if (op->u.max_vcpus.max != d->max_vcpus || domain_is_dying(d))
        return -EINVAL;

    for (unsigned i = 0; i < d->max_vcpus; i++) {
        int rc = d->vcpu[i] ? 0 : vcpu_create(d, i);

        if (rc)
            return rc;
    }
    return 0;
}

/* A domain over its new limit keeps what it has. */
int ctl_max_mem(struct domain *d, struct xen_domctl *op)
{
    uint64_t nr_pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    spin_lock(&d->page_lock);
    d->max_pages = MIN(nr_pages, (uint64_t)UINT32_MAX);
    spin_unlock(&d->page_lock);
    return 0;
}

int ctl_setdomainhandle(struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}
