/*
 * The grant_table_op hypercall: number, array, count. Mapping, unmapping and
 * copying work through the array, each element copied in and out once; a call
 * that has had its time continues at the element where it stopped.
 */
#include "grant/internal.h"

#include "hypercall/handlers.h"
#include "mm/guestword.h"

#define UNMAP_BATCH 16

/* Advance the call over `nr` elements; -ERESTART when it must give way. */
static long advance(struct hc_args *a, uint64_t nr, size_t size)
{
    a->arg[1] += nr * size;
    a->arg[2] -= nr;
    return a->arg[2] && hypercall_should_yield() ? -ERESTART : 0;
}

static long op_map(struct hc_args *a)
{
    struct gnttab_map_grant_ref op;
    long rc = 0;

    while (a->arg[2] && !rc) {
        void *guest = (void *)a->arg[1];

        if (guest_load(&op, guest, sizeof(op)))
            return -EFAULT;
        gnttab_map(&op);
        if (guest_store(guest, &op, sizeof(op)))
            return -EFAULT;
        rc = advance(a, 1, sizeof(op));
    }
    return rc;
}

static long op_copy(struct hc_args *a)
{
    struct gnttab_copy op;
    long rc = 0;

    while (a->arg[2] && !rc) {
        struct gnttab_copy *guest = (void *)a->arg[1];

        if (guest_load(&op, guest, sizeof(op)))
            return -EFAULT;
        gnttab_copy(&op);
        if (guest_store(&guest->status, &op.status, sizeof(op.status)))
            return -EFAULT;
        rc = advance(a, 1, sizeof(op));
    }
    return rc;
}

/* Both unmapping calls: what differs is the middle word and what it means. */
struct unmap_layout {
    uint64_t host_addr, middle;
    uint32_t handle;
    int16_t status;
};
static_assert(sizeof(struct unmap_layout) ==
                      sizeof(struct gnttab_unmap_grant_ref) &&
                  sizeof(struct unmap_layout) ==
                      sizeof(struct gnttab_unmap_and_replace),
              "one layout");
static_assert(offsetof(struct unmap_layout, status) ==
                      offsetof(struct gnttab_unmap_grant_ref, status) &&
                  offsetof(struct unmap_layout, status) ==
                      offsetof(struct gnttab_unmap_and_replace, status),
              "one layout");

/* Up to UNMAP_BATCH elements with one flush. The number of them, -EFAULT. */
static long unmap_batch(struct unmap_layout *guest, uint64_t nr, bool replace)
{
    struct gnttab_unmap u[UNMAP_BATCH];
    struct domain *d = current->domain;
    struct unmap_layout op;
    uint64_t done, i;
    long rc = 0;

    nr = MIN(nr, UNMAP_BATCH);
    for (done = 0; done < nr && !rc; done++) {
        rc = guest_load(&op, guest + done, sizeof(op));
        if (rc)
            break;
        u[done] = (struct gnttab_unmap){
            .host_addr = op.host_addr,
            .dev_bus_addr = replace ? 0 : op.middle,
            .new_addr = replace ? op.middle : 0,
            .handle = op.handle,
        };
        gnttab_unmap_begin(d, &u[done]);
    }

    gnttab_flush(d);
    for (i = 0; i < done; i++) {
        gnttab_unmap_end(d, &u[i]);
        if (guest_store(&guest[i].status, &u[i].status, sizeof(u[i].status)))
            rc = -EFAULT;
    }
    return rc ? -EFAULT : (long)done;
}

static long unmap(struct hc_args *a, bool replace)
{
    long rc = 0;

    while (a->arg[2] && !rc) {
        rc = unmap_batch((void *)a->arg[1], a->arg[2], replace);
        if (rc > 0)
            rc = advance(a, (uint64_t)rc, sizeof(struct unmap_layout));
    }
    return rc;
}

static long op_unmap(struct hc_args *a)
{
    return unmap(a, false);
}

static long op_unmap_and_replace(struct hc_args *a)
{
    return unmap(a, true);
}

/* The domain a call is about, with a reference: the caller, or by privilege
   another. NULL and *status otherwise. */
static struct domain *target_get(domid_t id, int16_t *status)
{
    struct domain *d = domain_get_self_or(id);

    *status = GNTST_bad_domain;
    if (d && d != current->domain && !policy_is_privileged(current->domain)) {
        domain_put(d);
        d = NULL;
        *status = GNTST_permission_denied;
    }
    return d;
}

static long write_frame_list(struct domain *d,
                             const struct gnttab_setup_table *op)
{
    for (uint32_t i = 0; i < op->nr_frames; i++) {
        xen_pfn_t pfn;
        mfn_t m;

        if (gnttab_get_frame(d, i, &m))
            return -EFAULT;
        pfn = m.n;
        if (copy_array_to_guest(op->frame_list, i, &pfn, 1))
            return -EFAULT;
    }
    return 0;
}

static long op_setup_table(struct hc_args *a)
{
    struct gnttab_setup_table op, *guest = (void *)a->arg[1];
    struct domain *d;
    long rc = 0;

    if (a->arg[2] != 1)
        return -EINVAL;
    if (copy_from_guest(&op, guest, sizeof(op)))
        return -EFAULT;

    d = target_get(op.dom, &op.status);
    if (d) {
        op.status = gnttab_setup(d, op.nr_frames);
        if (op.status == GNTST_okay)
            rc = write_frame_list(d, &op);
        domain_put(d);
    }
    if (!rc && copy_to_guest(&guest->status, &op.status, sizeof(op.status)))
        rc = -EFAULT;
    return rc;
}

static long op_query_size(struct hc_args *a)
{
    struct gnttab_query_size op;
    struct domain *d;

    if (a->arg[2] != 1)
        return -EINVAL;
    if (copy_from_guest(&op, (void *)a->arg[1], sizeof(op)))
        return -EFAULT;

    d = target_get(op.dom, &op.status);
    if (d) {
        op.nr_frames = gnttab_nr_frames(d);
        op.max_nr_frames = d->gnttab->max_frames;
        op.status = GNTST_okay;
        domain_put(d);
    }
    return copy_to_guest((void *)a->arg[1], &op, sizeof(op)) ? -EFAULT : 0;
}

/* Version 2 is refused the way a host limited to version 1 does it. */
static long op_set_version(struct hc_args *a)
{
    struct gnttab_set_version op;
    long rc = 0;

    if (copy_from_guest(&op, (void *)a->arg[1], sizeof(op)))
        return -EFAULT;
    if (op.version != 1)
        rc = op.version == 2 ? -ENOSYS : -EINVAL;
    op.version = 1;
    if (copy_to_guest((void *)a->arg[1], &op, sizeof(op)))
        rc = -EFAULT;
    return rc;
}

static long op_get_version(struct hc_args *a)
{
    struct gnttab_get_version op;
    struct domain *d;
    int16_t status;

    if (copy_from_guest(&op, (void *)a->arg[1], sizeof(op)))
        return -EFAULT;
    d = target_get(op.dom, &status);
    if (!d)
        return status == GNTST_permission_denied ? -EPERM : -ESRCH;
    domain_put(d);
    op.version = 1;
    return copy_to_guest((void *)a->arg[1], &op, sizeof(op)) ? -EFAULT : 0;
}

/* Only version 2 has them. */
static long op_get_status_frames(struct hc_args *a)
{
    struct gnttab_get_status_frames *guest = (void *)a->arg[1];
    int16_t status = GNTST_general_error;

    if (a->arg[2] != 1)
        return -EINVAL;
    return copy_to_guest(&guest->status, &status, sizeof(status)) ? -EFAULT : 0;
}

static long op_swap(struct hc_args *a)
{
    struct gnttab_swap_grant_ref op;
    long rc = 0;

    while (a->arg[2] && !rc) {
        if (copy_from_guest(&op, (void *)a->arg[1], sizeof(op)))
            return -EFAULT;
        op.status = gnttab_swap(current->domain, op.ref_a, op.ref_b);
        if (copy_to_guest((void *)a->arg[1], &op, sizeof(op)))
            return -EFAULT;
        rc = advance(a, 1, sizeof(op));
    }
    return rc;
}

/* x86 caches need no such care. */
static long op_cache_flush(struct hc_args *a)
{
    (void)a;
    return -EOPNOTSUPP;
}

static const hc_handler grant_ops[] = {
    [GNTTABOP_map_grant_ref] = op_map,
    [GNTTABOP_unmap_grant_ref] = op_unmap,
    [GNTTABOP_setup_table] = op_setup_table,
    [GNTTABOP_copy] = op_copy,
    [GNTTABOP_query_size] = op_query_size,
    [GNTTABOP_unmap_and_replace] = op_unmap_and_replace,
    [GNTTABOP_set_version] = op_set_version,
    [GNTTABOP_get_status_frames] = op_get_status_frames,
    [GNTTABOP_get_version] = op_get_version,
    [GNTTABOP_swap_grant_ref] = op_swap,
    [GNTTABOP_cache_flush] = op_cache_flush,
};

long hc_grant_table_op(struct hc_args *a)
{
    uint64_t op = a->arg[0];
    hc_handler fn;

    /* The count is an unsigned int; as the peer, refuse the upper half. */
    a->arg[2] = (uint32_t)a->arg[2];
    if (a->arg[2] > INT32_MAX)
        return -EINVAL;
    if (op >= ARRAY_SIZE(grant_ops))
        return -ENOSYS;
    fn = grant_ops[nospec_index(op, ARRAY_SIZE(grant_ops))];
    return fn ? fn(a) : -ENOSYS;
}
