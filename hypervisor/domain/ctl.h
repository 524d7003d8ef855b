/*
 * What the rows of domctl and sysctl share: the shape of a row, and copying
 * of the toolstack's bitmaps and policies.
 */
#ifndef DOMAIN_CTL_H
#define DOMAIN_CTL_H

#include "domain/domain.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

enum domctl_flags {
    CTL_OUT = 1,        /* copy the structure back when it worked */
    CTL_OUT_ALWAYS = 2, /* and when it did not */
    CTL_NOT_SELF = 4,   /* -EINVAL for the caller's own domain */
    CTL_PAUSED = 8,     /* the domain is paused meanwhile; implies the former */
    CTL_NO_DOMAIN = 16, /* the row looks its domain up itself: d is NULL */
};

struct domctl_row {
    /* 0, an error, or -ERESTART to be run again with the same argument. */
    int (*fn)(struct domain *d, struct xen_domctl *op);
    uint8_t flags;
};

/* domctl-life.c */
int ctl_createdomain(struct domain *d, struct xen_domctl *op);
int ctl_destroydomain(struct domain *d, struct xen_domctl *op);
int ctl_setdebugging(struct domain *d, struct xen_domctl *op);
int ctl_pausedomain(struct domain *d, struct xen_domctl *op);
int ctl_unpausedomain(struct domain *d, struct xen_domctl *op);
int ctl_resumedomain(struct domain *d, struct xen_domctl *op);
int ctl_getdomaininfo(struct domain *d, struct xen_domctl *op);
int ctl_max_vcpus(struct domain *d, struct xen_domctl *op);
int ctl_max_mem(struct domain *d, struct xen_domctl *op);
int ctl_setdomainhandle(struct domain *d, struct xen_domctl *op);
/* A domain's line in a listing. */
void ctl_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* domctl-vcpu.c */
int ctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op);
int ctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op);
int ctl_setvcpucontext(struct domain *d, struct xen_domctl *op);
int ctl_getvcpucontext(struct domain *d, struct xen_domctl *op);
int ctl_getvcpuinfo(struct domain *d, struct xen_domctl *op);
int ctl_sendtrigger(struct domain *d, struct xen_domctl *op);
int ctl_set_ext_vcpucontext(struct domain *d, struct xen_domctl *op);
int ctl_get_ext_vcpucontext(struct domain *d, struct xen_domctl *op);
int ctl_setvcpuextstate(struct domain *d, struct xen_domctl *op);
int ctl_getvcpuextstate(struct domain *d, struct xen_domctl *op);
int ctl_set_vcpu_msrs(struct domain *d, struct xen_domctl *op);
int ctl_get_vcpu_msrs(struct domain *d, struct xen_domctl *op);

/* domctl-settings.c */
int ctl_scheduler_op(struct domain *d, struct xen_domctl *op);
int ctl_gettscinfo(struct domain *d, struct xen_domctl *op);
int ctl_settscinfo(struct domain *d, struct xen_domctl *op);
int ctl_settimeoffset(struct domain *d, struct xen_domctl *op);
int ctl_setnodeaffinity(struct domain *d, struct xen_domctl *op);
int ctl_getnodeaffinity(struct domain *d, struct xen_domctl *op);
int ctl_set_virq_handler(struct domain *d, struct xen_domctl *op);
int ctl_ioport_permission(struct domain *d, struct xen_domctl *op);
int ctl_iomem_permission(struct domain *d, struct xen_domctl *op);

/* domctl-pv.c */
int ctl_hypercall_init(struct domain *d, struct xen_domctl *op);
int ctl_set_address_size(struct domain *d, struct xen_domctl *op);
int ctl_get_address_size(struct domain *d, struct xen_domctl *op);
int ctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op);
int ctl_shadow_op(struct domain *d, struct xen_domctl *op);
int ctl_only_hvm(struct domain *d, struct xen_domctl *op);
int ctl_no_mempool(struct domain *d, struct xen_domctl *op);

/* ctlpolicy.c */
int ctl_get_cpu_policy(struct domain *d, struct xen_domctl *op);
int ctl_set_cpu_policy(struct domain *d, struct xen_domctl *op);
int sysctl_get_cpu_policy(struct xen_sysctl *op);
int sysctl_get_cpu_featureset(struct xen_sysctl *op);

/* sysctl-host.c */
int sysctl_physinfo(struct xen_sysctl *op);
int sysctl_cputopoinfo(struct xen_sysctl *op);
int sysctl_numainfo(struct xen_sysctl *op);
int sysctl_getcpuinfo(struct xen_sysctl *op);
int sysctl_availheap(struct xen_sysctl *op);
int sysctl_cpupool_op(struct xen_sysctl *op);
int sysctl_scheduler_op(struct xen_sysctl *op);
int sysctl_sched_id(struct xen_sysctl *op);

/*
 * A toolstack's bitmap from and to one word; bits it has room for beyond are
 * ignored and zeroed. -EFAULT, -EINVAL for an absurd size.
 */
int ctl_bitmap_in(uint64_t *word, const struct xenctl_bitmap *map);
int ctl_bitmap_out(const struct xenctl_bitmap *map, uint64_t word);

#endif
