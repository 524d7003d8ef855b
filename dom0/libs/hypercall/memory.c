/* Memory of domains. All of these return more than an int holds. */
#include "dom0/libs/hypercall/internal.h"

static long reservation(struct hv *hv, unsigned cmd, uint32_t domid,
                        unsigned order, unsigned flags, xen_pfn_t *frames,
                        unsigned long nr)
{
    struct xen_memory_reservation *op = hv_arg(hv, sizeof(*op));

    set_xen_guest_handle_raw(op->extent_start, frames);
    op->nr_extents = nr;
    op->extent_order = order;
    op->mem_flags = flags;
    op->domid = (domid_t)domid;
    return hv_memory_op(hv, cmd, op);
}

long hv_memory_populate(struct hv *hv, uint32_t domid, unsigned order,
                        unsigned flags, xen_pfn_t *frames, unsigned long nr)
{
    xen_pfn_t *buf = hv_buffer(hv, nr * sizeof(*buf));
    long done;

    if (!buf)
        return -ENOMEM;
    memcpy(buf, frames, nr * sizeof(*buf));
    done =
        reservation(hv, XENMEM_populate_physmap, domid, order, flags, buf, nr);
    if (done > 0)
        memcpy(frames, buf, (size_t)done * sizeof(*buf));
    hv_buffer_free(hv, buf);
    return done;
}

long hv_memory_decrease(struct hv *hv, uint32_t domid, unsigned order,
                        const xen_pfn_t *frames, unsigned long nr)
{
    xen_pfn_t *buf = hv_buffer(hv, nr * sizeof(*buf));
    long done;

    if (!buf)
        return -ENOMEM;
    memcpy(buf, frames, nr * sizeof(*buf));
    done =
        reservation(hv, XENMEM_decrease_reservation, domid, order, 0, buf, nr);
    hv_buffer_free(hv, buf);
    return done;
}

int hv_memory_claim(struct hv *hv, uint32_t domid, uint64_t nr_pages)
{
    struct xen_memory_reservation *op = hv_arg(hv, sizeof(*op));

    op->nr_extents = nr_pages;
    op->domid = (domid_t)domid;
    return (int)hv_memory_op(hv, XENMEM_claim_pages, op);
}

int hv_memory_set_map(struct hv *hv, uint32_t domid, const struct hv_e820 *map,
                      unsigned nr)
{
    struct hv_e820 *buf = hv_buffer(hv, nr * sizeof(*buf));
    struct xen_foreign_memory_map *op;
    long rc;

    if (!buf)
        return -ENOMEM;
    memcpy(buf, map, nr * sizeof(*buf));
    op = hv_arg(hv, sizeof(*op));
    op->domid = (domid_t)domid;
    op->map.nr_entries = nr;
    set_xen_guest_handle_raw(op->map.buffer, (void *)buf);
    rc = hv_memory_op(hv, XENMEM_set_memory_map, op);
    hv_buffer_free(hv, buf);
    return (int)rc;
}

int hv_memory_max_gpfn(struct hv *hv, uint32_t domid, uint64_t *gpfn)
{
    domid_t *op = hv_arg(hv, sizeof(*op));
    long rc;

    *op = (domid_t)domid;
    rc = hv_memory_op(hv, XENMEM_maximum_gpfn, op);
    if (rc < 0)
        return (int)rc;
    *gpfn = (uint64_t)rc;
    return 0;
}

int hv_mmuext_pin(struct hv *hv, uint32_t domid, unsigned cmd, uint64_t mfn)
{
    struct mmuext_op *op = hv_arg(hv, sizeof(*op));
    int rc;

    op->cmd = cmd;
    op->arg1.mfn = mfn;
    rc = xencall4(hv->xc, __HYPERVISOR_mmuext_op, (uintptr_t)op, 1, 0, domid);
    return rc < 0 ? -errno : 0;
}

/* One call's worth of entries. */
#define FORGET_BATCH 512
#define PAGE_BYTES   4096

void hv_memory_forget(struct hv *hv, void *at, size_t nr)
{
    struct multicall_entry *calls =
        hv_buffer(hv, FORGET_BATCH * sizeof(*calls));
    uintptr_t va = (uintptr_t)at;

    while (calls && nr) {
        size_t n = nr < FORGET_BATCH ? nr : FORGET_BATCH;

        for (size_t i = 0; i < n; i++, va += PAGE_BYTES)
            calls[i] = (struct multicall_entry){
                .op = __HYPERVISOR_update_va_mapping, .args = {va, 0, 0}};
        /* Other CPUs may remember entries of the whole range. */
        if (n == nr)
            calls[n - 1].args[2] = UVMF_TLB_FLUSH | UVMF_ALL;
        if (hv_call2(hv, __HYPERVISOR_multicall, (uintptr_t)calls, n) < 0)
            break;
        nr -= n;
    }
    hv_buffer_free(hv, calls);
}
