/* Operations on a domain. */
#include "dom0/libs/hypercall/internal.h"

#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>

static int plain(struct hv *hv, uint32_t cmd, uint32_t domid)
{
    hv_domctl_arg(hv, cmd, domid);
    return hv_domctl(hv);
}

int hv_domain_create(struct hv *hv, const struct xen_domctl_createdomain *what,
                     uint32_t *domid)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_createdomain, *domid);
    int rc;

    op->u.createdomain = *what;
    rc = hv_domctl(hv);
    if (!rc)
        *domid = op->domain;
    return rc;
}

int hv_domain_destroy_step(struct hv *hv, uint32_t domid)
{
    return plain(hv, XEN_DOMCTL_destroydomain, domid);
}

int hv_domain_destroy(struct hv *hv, uint32_t domid)
{
    int rc;

    do
        rc = hv_domain_destroy_step(hv, domid);
    while (rc == -EAGAIN);
    return rc;
}

int hv_domain_pause(struct hv *hv, uint32_t domid)
{
    return plain(hv, XEN_DOMCTL_pausedomain, domid);
}

int hv_domain_unpause(struct hv *hv, uint32_t domid)
{
    return plain(hv, XEN_DOMCTL_unpausedomain, domid);
}

int hv_domain_set_debugging(struct hv *hv, uint32_t domid, bool on)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_setdebugging, domid);

    op->u.setdebugging.enable = on;
    return hv_domctl(hv);
}

int hv_domain_resume(struct hv *hv, uint32_t domid)
{
    return plain(hv, XEN_DOMCTL_resumedomain, domid);
}

int hv_domain_info(struct hv *hv, uint32_t domid,
                   struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_getdomaininfo, domid);
    int rc = hv_domctl(hv);

    if (rc)
        return rc;
    /* 4.17 answers with the next domain there is. */
    if (op->u.getdomaininfo.domain != domid)
        return -ESRCH;
    *info = op->u.getdomaininfo;
    return 0;
}

int hv_domain_list(struct hv *hv, uint32_t first, uint32_t max,
                   struct xen_domctl_getdomaininfo *infos)
{
    struct xen_domctl_getdomaininfo *buf;
    struct xen_sysctl *op;
    int rc;

    buf = hv_buffer(hv, max * sizeof(*buf));
    if (!buf)
        return -ENOMEM;
    op = hv_sysctl_arg(hv, XEN_SYSCTL_getdomaininfolist);
    op->u.getdomaininfolist.first_domain = (domid_t)first;
    op->u.getdomaininfolist.max_domains = max;
    set_xen_guest_handle_raw(op->u.getdomaininfolist.buffer, buf);
    rc = hv_sysctl(hv);
    if (!rc) {
        rc = (int)op->u.getdomaininfolist.num_domains;
        memcpy(infos, buf, (size_t)rc * sizeof(*buf));
    }
    hv_buffer_free(hv, buf);
    return rc;
}

int hv_domain_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_max_mem, domid);

    op->u.max_mem.max_memkb = kib;
    return hv_domctl(hv);
}

int hv_domain_set_max_vcpus(struct hv *hv, uint32_t domid, uint32_t nr)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_max_vcpus, domid);

    op->u.max_vcpus.max = nr;
    return hv_domctl(hv);
}

int hv_domain_set_handle(struct hv *hv, uint32_t domid,
                         const uint8_t handle[16])
{
    struct xen_domctl *op =
        hv_domctl_arg(hv, XEN_DOMCTL_setdomainhandle, domid);

    memcpy(op->u.setdomainhandle.handle, handle, 16);
    return hv_domctl(hv);
}

int hv_domain_shutdown(struct hv *hv, uint32_t domid, unsigned reason)
{
    struct sched_remote_shutdown *op = hv_arg(hv, sizeof(*op));

    op->domain_id = (domid_t)domid;
    op->reason = reason;
    return hv_call2(hv, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
                    (uintptr_t)op);
}

int hv_domain_set_address_size(struct hv *hv, uint32_t domid, uint32_t bits)
{
    struct xen_domctl *op =
        hv_domctl_arg(hv, XEN_DOMCTL_set_address_size, domid);

    op->u.address_size.size = bits;
    return hv_domctl(hv);
}

int hv_domain_get_address_size(struct hv *hv, uint32_t domid, uint32_t *bits)
{
    struct xen_domctl *op =
        hv_domctl_arg(hv, XEN_DOMCTL_get_address_size, domid);
    int rc = hv_domctl(hv);

    if (!rc)
        *bits = op->u.address_size.size;
    return rc;
}

int hv_domain_set_tsc(struct hv *hv, uint32_t domid,
                      const struct xen_domctl_tsc_info *tsc)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_settscinfo, domid);

    op->u.tsc_info = *tsc;
    return hv_domctl(hv);
}

int hv_domain_get_tsc(struct hv *hv, uint32_t domid,
                      struct xen_domctl_tsc_info *tsc)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_gettscinfo, domid);
    int rc = hv_domctl(hv);

    if (!rc)
        *tsc = op->u.tsc_info;
    return rc;
}

int hv_domain_set_time_offset(struct hv *hv, uint32_t domid, int64_t seconds)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_settimeoffset, domid);

    op->u.settimeoffset.time_offset_seconds = seconds;
    return hv_domctl(hv);
}

/* Credit 1 and 2 keep weight and cap in the same places. */
static int sched_op(struct hv *hv, uint32_t domid, uint32_t sched_id,
                    uint32_t cmd, uint16_t *weight, uint16_t *cap)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_scheduler_op, domid);
    struct xen_domctl_sched_credit2 *p = &op->u.scheduler_op.u.credit2;
    int rc;

    op->u.scheduler_op.sched_id = sched_id;
    op->u.scheduler_op.cmd = cmd;
    p->weight = *weight;
    p->cap = *cap;
    rc = hv_domctl(hv);
    *weight = p->weight;
    *cap = p->cap;
    return rc;
}

static int credit_id(struct hv *hv, uint32_t *id)
{
    int rc = hv_scheduler_id(hv, id);

    if (!rc && *id != XEN_SCHEDULER_CREDIT && *id != XEN_SCHEDULER_CREDIT2)
        rc = -EOPNOTSUPP;
    return rc;
}

int hv_domain_get_sched(struct hv *hv, uint32_t domid, int *weight, int *cap)
{
    uint16_t w = 0, c = 0;
    uint32_t id;
    int rc = credit_id(hv, &id);

    if (!rc)
        rc = sched_op(hv, domid, id, XEN_DOMCTL_SCHEDOP_getinfo, &w, &c);
    if (rc)
        return rc;
    *weight = w;
    *cap = c;
    return 0;
}

int hv_domain_set_sched(struct hv *hv, uint32_t domid, int weight, int cap)
{
    uint16_t w = 0, c = 0;
    uint32_t id;
    int rc;

    if (weight == 0 || weight > UINT16_MAX || cap > UINT16_MAX)
        return -EINVAL;
    rc = credit_id(hv, &id);
    if (!rc)
        rc = sched_op(hv, domid, id, XEN_DOMCTL_SCHEDOP_getinfo, &w, &c);
    if (rc)
        return rc;
    if (weight >= 0)
        w = (uint16_t)weight;
    if (cap >= 0)
        c = (uint16_t)cap;
    return sched_op(hv, domid, id, XEN_DOMCTL_SCHEDOP_putinfo, &w, &c);
}

int hv_domain_set_node_affinity(struct hv *hv, uint32_t domid,
                                const uint8_t *map, uint32_t nr_bits)
{
    uint8_t *buf = hv_buffer(hv, (nr_bits + 7) / 8);
    struct xen_domctl *op;
    int rc;

    if (!buf)
        return -ENOMEM;
    memcpy(buf, map, (nr_bits + 7) / 8);
    op = hv_domctl_arg(hv, XEN_DOMCTL_setnodeaffinity, domid);
    set_xen_guest_handle_raw(op->u.nodeaffinity.nodemap.bitmap, buf);
    op->u.nodeaffinity.nodemap.nr_bits = nr_bits;
    rc = hv_domctl(hv);
    hv_buffer_free(hv, buf);
    return rc;
}

/* Leaves and MSRs in buffers the hypervisor can reach. */
struct policy_buffers {
    xen_cpuid_leaf_t *leaves;
    xen_msr_entry_t *msrs;
};

static int policy_buffers(struct hv *hv, struct policy_buffers *b,
                          uint32_t nr_leaves, uint32_t nr_msrs)
{
    b->leaves = hv_buffer(hv, nr_leaves * sizeof(*b->leaves));
    b->msrs = hv_buffer(hv, nr_msrs * sizeof(*b->msrs));
    return b->leaves && b->msrs ? 0 : -ENOMEM;
}

static void policy_buffers_free(struct hv *hv, struct policy_buffers *b)
{
    hv_buffer_free(hv, b->msrs);
    hv_buffer_free(hv, b->leaves);
}

int hv_domain_get_cpu_policy(struct hv *hv, uint32_t domid,
                             xen_cpuid_leaf_t *leaves, uint32_t *nr_leaves,
                             xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    struct xen_domctl_cpu_policy *p;
    struct policy_buffers b;
    struct xen_domctl *op;
    int rc = policy_buffers(hv, &b, *nr_leaves, *nr_msrs);

    if (rc)
        goto free;
    op = hv_domctl_arg(hv, XEN_DOMCTL_get_cpu_policy, domid);
    p = &op->u.cpu_policy;
    p->nr_leaves = *nr_leaves;
    p->nr_msrs = *nr_msrs;
    set_xen_guest_handle_raw(p->leaves, b.leaves);
    set_xen_guest_handle_raw(p->msrs, b.msrs);
    rc = hv_domctl(hv);
    if (rc)
        goto free;
    memcpy(leaves, b.leaves, p->nr_leaves * sizeof(*leaves));
    memcpy(msrs, b.msrs, p->nr_msrs * sizeof(*msrs));
    *nr_leaves = p->nr_leaves;
    *nr_msrs = p->nr_msrs;

free:
    policy_buffers_free(hv, &b);
    return rc;
}

int hv_domain_set_cpu_policy(struct hv *hv, uint32_t domid,
                             const xen_cpuid_leaf_t *leaves, uint32_t nr_leaves,
                             const xen_msr_entry_t *msrs, uint32_t nr_msrs,
                             struct hv_bad_policy *bad)
{
    struct xen_domctl_cpu_policy *p;
    struct policy_buffers b;
    struct xen_domctl *op;
    int rc = policy_buffers(hv, &b, nr_leaves, nr_msrs);

    if (rc)
        goto free;
    memcpy(b.leaves, leaves, nr_leaves * sizeof(*leaves));
    if (nr_msrs)
        memcpy(b.msrs, msrs, nr_msrs * sizeof(*msrs));
    op = hv_domctl_arg(hv, XEN_DOMCTL_set_cpu_policy, domid);
    p = &op->u.cpu_policy;
    p->nr_leaves = nr_leaves;
    p->nr_msrs = nr_msrs;
    set_xen_guest_handle_raw(p->leaves, b.leaves);
    set_xen_guest_handle_raw(p->msrs, b.msrs);
    p->err_leaf = p->err_subleaf = p->err_msr = ~0u;
    rc = hv_domctl(hv);
    *bad = (struct hv_bad_policy){p->err_leaf, p->err_subleaf, p->err_msr};

free:
    policy_buffers_free(hv, &b);
    return rc;
}

int hv_domain_hypercall_page(struct hv *hv, uint32_t domid, uint64_t gmfn)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_hypercall_init, domid);

    op->u.hypercall_init.gmfn = gmfn;
    return hv_domctl(hv);
}

int hv_domain_page_info(struct hv *hv, uint32_t domid, xen_pfn_t *frames,
                        uint32_t nr)
{
    xen_pfn_t *buf = hv_buffer(hv, nr * sizeof(*buf));
    struct xen_domctl *op;
    int rc;

    if (!buf)
        return -ENOMEM;
    memcpy(buf, frames, nr * sizeof(*buf));
    op = hv_domctl_arg(hv, XEN_DOMCTL_getpageframeinfo3, domid);
    op->u.getpageframeinfo3.num = nr;
    set_xen_guest_handle_raw(op->u.getpageframeinfo3.array, buf);
    rc = hv_domctl(hv);
    if (!rc)
        memcpy(frames, buf, nr * sizeof(*buf));
    hv_buffer_free(hv, buf);
    return rc;
}

int hv_domain_alloc_port(struct hv *hv, uint32_t domid, uint32_t remote,
                         uint32_t *port)
{
    struct evtchn_alloc_unbound *op = hv_arg(hv, sizeof(*op));
    int rc;

    op->dom = (domid_t)domid;
    op->remote_dom = (domid_t)remote;
    rc = hv_call2(hv, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
                  (uintptr_t)op);
    if (rc)
        return rc;
    *port = op->port;
    return 0;
}

int hv_domain_set_hvm_param(struct hv *hv, uint32_t domid, uint32_t index,
                            uint64_t value)
{
    struct xen_hvm_param *op = hv_arg(hv, sizeof(*op));

    op->domid = (domid_t)domid;
    op->index = index;
    op->value = value;
    return hv_call2(hv, __HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)op);
}

int hv_domain_get_hvm_param(struct hv *hv, uint32_t domid, uint32_t index,
                            uint64_t *value)
{
    struct xen_hvm_param *op = hv_arg(hv, sizeof(*op));
    int rc;

    op->domid = (domid_t)domid;
    op->index = index;
    rc = hv_call2(hv, __HYPERVISOR_hvm_op, HVMOP_get_param, (uintptr_t)op);
    if (!rc)
        *value = op->value;
    return rc;
}
