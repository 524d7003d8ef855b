/* CPU policies across the toolstack's calls: of domains, and the host's. */
#include "cpu/policy.h"
#include "domain/ctl.h"
#include "mm/guestcopy.h"

#define MAX_LEAVES   512u
#define MAX_MSRS     64u
#define MAX_FEATURES 64u

/* Our copies of the caller's arrays; NULL where it gave none. */
struct policy_buffers {
    xen_cpuid_leaf_t *leaves;
    xen_msr_entry_t *msrs;
    uint32_t nr_leaves, nr_msrs;
};

static void buffers_free(struct policy_buffers *b)
{
    mem_free(b->leaves);
    mem_free(b->msrs);
}

/* Room for as much as the caller has, within reason. */
static int buffers_alloc(struct policy_buffers *b, bool leaves, bool msrs)
{
    b->leaves = NULL;
    b->msrs = NULL;
    if (leaves) {
        b->nr_leaves = MIN(b->nr_leaves, MAX_LEAVES);
        b->leaves = mem_alloc((b->nr_leaves + 1) * sizeof(*b->leaves));
    }
    if (msrs) {
        b->nr_msrs = MIN(b->nr_msrs, MAX_MSRS);
        b->msrs = mem_alloc((b->nr_msrs + 1) * sizeof(*b->msrs));
    }
    if ((leaves && !b->leaves) || (msrs && !b->msrs)) {
        buffers_free(b);
        return -ENOMEM;
    }
    return 0;
}

static int buffers_out(const struct policy_buffers *b, void *leaves, void *msrs)
{
    if (b->leaves &&
        copy_to_guest(leaves, b->leaves, b->nr_leaves * sizeof(*b->leaves)))
        return -EFAULT;
    if (b->msrs && copy_to_guest(msrs, b->msrs, b->nr_msrs * sizeof(*b->msrs)))
        return -EFAULT;
    return 0;
}

int ctl_get_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
    struct policy_buffers b = {.nr_leaves = p->nr_leaves,
                               .nr_msrs = p->nr_msrs};
    int rc = buffers_alloc(&b, p->leaves.p, p->msrs.p);

    if (rc)
        return rc;
    rc = policy_get_domain(d, b.leaves, &b.nr_leaves, b.msrs, &b.nr_msrs);
    if (!rc)
        rc = buffers_out(&b, p->leaves.p, p->msrs.p);
    p->nr_leaves = b.nr_leaves;
    p->nr_msrs = b.nr_msrs;
    buffers_free(&b);
    return rc;
}

int ctl_set_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
    struct policy_buffers b = {.nr_leaves = p->nr_leaves,
                               .nr_msrs = p->nr_msrs};
    int rc;

    p->err_leaf = p->err_subleaf = p->err_msr = ~0u;
    if (p->nr_leaves > MAX_LEAVES || p->nr_msrs > MAX_MSRS)
        return -E2BIG;

    rc = buffers_alloc(&b, p->nr_leaves, p->nr_msrs);
    if (rc)
        return rc;
    if (copy_from_guest(b.leaves, p->leaves.p,
                        b.nr_leaves * sizeof(*b.leaves)) ||
        copy_from_guest(b.msrs, p->msrs.p, b.nr_msrs * sizeof(*b.msrs)))
        rc = -EFAULT;
    else
        rc = policy_set_domain(d, b.leaves, b.nr_leaves, b.msrs, b.nr_msrs,
                               &p->err_leaf, &p->err_subleaf, &p->err_msr);
    buffers_free(&b);
    return rc;
}

int sysctl_get_cpu_policy(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;
    struct policy_buffers b = {.nr_leaves = p->nr_leaves,
                               .nr_msrs = p->nr_msrs};
    int rc;

    if (p->_rsvd)
        return -EINVAL;
    rc = buffers_alloc(&b, p->leaves.p, p->msrs.p);
    if (rc)
        return rc;
    rc = policy_serialise(p->index, b.leaves, &b.nr_leaves, b.msrs, &b.nr_msrs);
    if (!rc)
        rc = buffers_out(&b, p->leaves.p, p->msrs.p);
    p->nr_leaves = b.nr_leaves;
    p->nr_msrs = b.nr_msrs;
    buffers_free(&b);
    return rc;
}

int sysctl_get_cpu_featureset(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_featureset *f = &op->u.cpu_featureset;
    uint32_t words[MAX_FEATURES], room = f->nr_features;
    unsigned nr;

    if (f->index > XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EINVAL;
    nr = policy_featureset(f->index, words, MAX_FEATURES);
    if (!nr)
        return -EOPNOTSUPP;
    if (!f->features.p) {
        f->nr_features = nr;
        return 0;
    }

    f->nr_features = MIN(nr, room);
    if (copy_to_guest(f->features.p, words, f->nr_features * sizeof(*words)))
        return -EFAULT;
    /* What fitted is there, and there is more. */
    return room < nr ? -ENOBUFS : 0;
}
