/* Operations on a vcpu. */
#include "dom0/libs/hypercall/internal.h"

int hv_vcpu_set_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const struct vcpu_guest_context *ctx)
{
    struct vcpu_guest_context *buf = hv_buffer(hv, sizeof(*buf));
    struct xen_domctl *op;
    int rc;

    if (!buf)
        return -ENOMEM;
    *buf = *ctx;
    op = hv_domctl_arg(hv, XEN_DOMCTL_setvcpucontext, domid);
    op->u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle_raw(op->u.vcpucontext.ctxt, buf);
    rc = hv_domctl(hv);
    hv_buffer_free(hv, buf);
    return rc;
}

int hv_vcpu_get_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *ctx)
{
    struct vcpu_guest_context *buf = hv_buffer(hv, sizeof(*buf));
    struct xen_domctl *op;
    int rc;

    if (!buf)
        return -ENOMEM;
    op = hv_domctl_arg(hv, XEN_DOMCTL_getvcpucontext, domid);
    op->u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle_raw(op->u.vcpucontext.ctxt, buf);
    rc = hv_domctl(hv);
    if (!rc)
        *ctx = *buf;
    hv_buffer_free(hv, buf);
    return rc;
}

int hv_vcpu_info(struct hv *hv, uint32_t domid, uint32_t vcpu,
                 struct xen_domctl_getvcpuinfo *info)
{
    struct xen_domctl *op = hv_domctl_arg(hv, XEN_DOMCTL_getvcpuinfo, domid);
    int rc;

    op->u.getvcpuinfo.vcpu = vcpu;
    rc = hv_domctl(hv);
    if (!rc)
        *info = op->u.getvcpuinfo;
    return rc;
}

/* Two maps, one behind the other in one buffer. */
static void affinity_arg(struct hv *hv, uint32_t cmd, uint32_t domid,
                         uint32_t vcpu, uint8_t *maps, uint32_t nr_bits,
                         uint32_t flags)
{
    struct xen_domctl *op = hv_domctl_arg(hv, cmd, domid);
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;

    a->vcpu = vcpu;
    a->flags = flags;
    set_xen_guest_handle_raw(a->cpumap_hard.bitmap, maps);
    a->cpumap_hard.nr_bits = nr_bits;
    set_xen_guest_handle_raw(a->cpumap_soft.bitmap, maps + (nr_bits + 7) / 8);
    a->cpumap_soft.nr_bits = nr_bits;
}

static uint32_t affinity_flags(const void *hard, const void *soft)
{
    return (hard ? XEN_VCPUAFFINITY_HARD : 0) |
           (soft ? XEN_VCPUAFFINITY_SOFT : 0);
}

int hv_vcpu_set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         const uint8_t *hard, const uint8_t *soft,
                         uint32_t nr_bits)
{
    size_t size = (nr_bits + 7) / 8;
    uint8_t *maps = hv_buffer(hv, 2 * size);
    int rc;

    if (!maps)
        return -ENOMEM;
    if (hard)
        memcpy(maps, hard, size);
    if (soft)
        memcpy(maps + size, soft, size);
    affinity_arg(hv, XEN_DOMCTL_setvcpuaffinity, domid, vcpu, maps, nr_bits,
                 affinity_flags(hard, soft));
    rc = hv_domctl(hv);
    hv_buffer_free(hv, maps);
    return rc;
}

int hv_vcpu_get_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         uint8_t *hard, uint8_t *soft, uint32_t nr_bits)
{
    size_t size = (nr_bits + 7) / 8;
    uint8_t *maps = hv_buffer(hv, 2 * size);
    int rc;

    if (!maps)
        return -ENOMEM;
    affinity_arg(hv, XEN_DOMCTL_getvcpuaffinity, domid, vcpu, maps, nr_bits,
                 affinity_flags(hard, soft));
    rc = hv_domctl(hv);
    if (!rc && hard)
        memcpy(hard, maps, size);
    if (!rc && soft)
        memcpy(soft, maps + size, size);
    hv_buffer_free(hv, maps);
    return rc;
}
