#include "dom0/libs/hypercall/fake-internal.h"

static bool is_vcpu(const struct hv_fake_domain *d, uint32_t vcpu)
{
    return vcpu < d->max_vcpus && vcpu < HV_FAKE_MAX_VCPUS;
}

int hv_vcpu_set_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const struct vcpu_guest_context *ctx)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu))
        return -EINVAL;
    /* As the real one: the root must be a pinned table by now. */
    if (xen_cr3_to_pfn(ctx->ctrlreg[3]) != d->pinned)
        return -EINVAL;
    d->context[vcpu] = *ctx;
    d->has_context[vcpu] = true;
    return 0;
}

int hv_vcpu_get_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *ctx)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu))
        return -EINVAL;
    *ctx = d->context[vcpu];
    return 0;
}

int hv_vcpu_info(struct hv *hv, uint32_t domid, uint32_t vcpu,
                 struct xen_domctl_getvcpuinfo *info)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu))
        return -EINVAL;
    memset(info, 0, sizeof(*info));
    info->vcpu = vcpu;
    info->online = d->has_context[vcpu];
    return 0;
}

int hv_vcpu_set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         const uint8_t *hard, const uint8_t *soft,
                         uint32_t nr_bits)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu) || !nr_bits)
        return -EINVAL;
    if (hard)
        d->hard[vcpu] = hard[0];
    if (soft)
        d->soft[vcpu] = soft[0];
    return 0;
}

int hv_vcpu_get_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                         uint8_t *hard, uint8_t *soft, uint32_t nr_bits)
{
    CALL_ON(d, domid);

    (void)hv;
    if (!is_vcpu(d, vcpu) || !nr_bits)
        return -EINVAL;
    if (hard)
        hard[0] = d->hard[vcpu];
    if (soft)
        soft[0] = d->soft[vcpu];
    return 0;
}
