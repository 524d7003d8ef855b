/* The hypervisor's trace buffers. */
#include "dom0/libs/hypercall/internal.h"

static struct xen_sysctl_tbuf_op *tbuf_arg(struct hv *hv, uint32_t cmd)
{
    struct xen_sysctl *op = hv_sysctl_arg(hv, XEN_SYSCTL_tbuf_op);

    op->u.tbuf_op.cmd = cmd;
    return &op->u.tbuf_op;
}

int hv_trace_set_size(struct hv *hv, uint32_t pages)
{
    tbuf_arg(hv, XEN_SYSCTL_TBUFOP_set_size)->size = pages;
    return hv_sysctl(hv);
}

int hv_trace_info(struct hv *hv, uint64_t *mfn, uint32_t *bytes)
{
    struct xen_sysctl_tbuf_op *op = tbuf_arg(hv, XEN_SYSCTL_TBUFOP_get_info);
    int rc = hv_sysctl(hv);

    *mfn = op->buffer_mfn;
    *bytes = op->size;
    return rc;
}

static int all_cpus(struct hv *hv)
{
    const uint32_t nr_bits = 4096;
    uint8_t *map = hv_buffer(hv, nr_bits / 8);
    struct xen_sysctl_tbuf_op *op;
    int rc;

    if (!map)
        return -ENOMEM;
    memset(map, 0xff, nr_bits / 8);
    op = tbuf_arg(hv, XEN_SYSCTL_TBUFOP_set_cpu_mask);
    set_xen_guest_handle_raw(op->cpu_mask.bitmap, map);
    op->cpu_mask.nr_bits = nr_bits;
    rc = hv_sysctl(hv);
    hv_buffer_free(hv, map);
    return rc;
}

int hv_trace_set_events(struct hv *hv, uint32_t mask)
{
    int rc;

    tbuf_arg(hv, XEN_SYSCTL_TBUFOP_set_evt_mask)->evt_mask = mask;
    rc = hv_sysctl(hv);
    return rc ? rc : all_cpus(hv);
}

int hv_trace_turn(struct hv *hv, bool on)
{
    tbuf_arg(hv, on ? XEN_SYSCTL_TBUFOP_enable : XEN_SYSCTL_TBUFOP_disable);
    return hv_sysctl(hv);
}
