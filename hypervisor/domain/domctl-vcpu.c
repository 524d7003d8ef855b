/* domctl: a vCPU's place, context and state. */
#include "cpu/feature.h"
#include "cpu/fpu.h"
#include "domain/ctl.h"
#include "mm/guestcopy.h"

#define MSR_INDEX_TSC_AUX 0xc0000103u

/* The struct is longer than what of it means something (MCE state). */
#define EXT_CONTEXT_SIZE                                                       \
    (offsetof(struct xen_domctl_ext_vcpucontext, sysenter_disables_events) + 1)

static int find(struct domain *d, uint32_t id, struct vcpu **v)
{
    if (id >= d->max_vcpus)
        return -EINVAL;
    *v = d->vcpu[nospec_index(id, d->max_vcpus)];
    return *v ? 0 : -ESRCH;
}

int ctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    cpumask_t hard, soft;
    struct vcpu *v;
    int rc = find(d, a->vcpu, &v);

    if (rc)
        return rc;
    if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return -EINVAL;

    hard = v->unit.hard;
    soft = v->unit.soft;
    if (a->flags & XEN_VCPUAFFINITY_HARD)
        rc = ctl_bitmap_in(&hard, &a->cpumap_hard);
    if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = ctl_bitmap_in(&soft, &a->cpumap_soft);
    if (rc)
        return rc;
    if (!(hard & cpu_online))
        return -EINVAL;
    rc = sched_set_affinity(v, &hard, &soft);

    /* The toolstack learns what is in effect. */
    if (!rc && (a->flags & XEN_VCPUAFFINITY_HARD))
        rc = ctl_bitmap_out(&a->cpumap_hard, hard & cpu_online);
    if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = ctl_bitmap_out(&a->cpumap_soft, soft & hard & cpu_online);
    return rc;
}

int ctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    struct vcpu *v;
    int rc = find(d, a->vcpu, &v);

    if (rc)
        return rc;
    if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return -EINVAL;

    if (a->flags & XEN_VCPUAFFINITY_HARD)
        rc = ctl_bitmap_out(&a->cpumap_hard, v->unit.hard);
    if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = ctl_bitmap_out(&a->cpumap_soft, v->unit.soft);
    return rc;
}

int ctl_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpucontext *ctl = &op->u.vcpucontext;
    struct vcpu_guest_context *c;
    struct vcpu *v;
    int rc;

    if (find(d, ctl->vcpu, &v) || domain_is_dying(d))
        return -EINVAL;
    if (!ctl->ctxt.p) {
        vcpu_reset(v);
        return 0;
    }

    c = mem_alloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    rc = copy_from_guest(c, ctl->ctxt.p, sizeof(*c));
    if (!rc)
        rc = vcpu_set_context(v, c);
    mem_free(c);
    return rc;
}

int ctl_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpucontext *ctl = &op->u.vcpucontext;
    struct vcpu_guest_context *c;
    struct vcpu *v;
    int rc = find(d, ctl->vcpu, &v);

    if (rc)
        return rc;
    if (!v->initialised)
        return -ENODATA;

    c = mem_alloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    pv_get_context(v, c);
    if (v->up)
        c->flags |= VGCF_online;
    rc = copy_to_guest(ctl->ctxt.p, c, sizeof(*c));
    mem_free(c);
    return rc;
}

int ctl_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    struct vcpu *v;
    int rc = find(d, info->vcpu, &v);

    if (rc)
        return rc;
    info->online = v->up;
    info->blocked = v->unit.blocked;
    info->running = sched_is_running(v);
    info->cpu_time = sched_cpu_time_ns(v);
    info->cpu = v->unit.cpu;
    return 0;
}

/* `xl trigger`: an NMI; the other buttons are a virtual machine's. */
int ctl_sendtrigger(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_sendtrigger *t = &op->u.sendtrigger;
    struct vcpu *v = t->vcpu < d->max_vcpus
                         ? d->vcpu[nospec_index(t->vcpu, d->max_vcpus)]
                         : NULL;

    if (!v)
        return -ESRCH;
    switch (t->trigger) {
    case XEN_DOMCTL_SENDTRIGGER_NMI:
        pv_send_nmi(v);
        return 0;
    case XEN_DOMCTL_SENDTRIGGER_POWER:
    case XEN_DOMCTL_SENDTRIGGER_SLEEP:
        return -EINVAL;
    default:
        return -ENOSYS;
    }
}

/* 32-bit entry points; the 64-bit one is in the main context. */
int ctl_set_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    struct vcpu *v;

    if (find(d, e->vcpu, &v))
        return -ESRCH;
    if (e->size < EXT_CONTEXT_SIZE)
        return -EINVAL;
    if (!addr_is_canonical(e->sysenter_callback_eip) ||
        !addr_is_canonical(e->syscall32_callback_eip))
        return -EINVAL;

    v->pv.sysenter_callback = e->sysenter_callback_eip;
    v->pv.sysenter_masks = e->sysenter_disables_events;
    v->pv.syscall32_callback = e->syscall32_callback_eip;
    v->pv.syscall32_masks = e->syscall32_disables_events;
    return 0;
}

int ctl_get_ext_vcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    uint32_t id = e->vcpu;
    struct vcpu *v;

    if (find(d, id, &v))
        return -ESRCH;

    memset(e, 0, sizeof(*e));
    e->vcpu = id;
    e->size = sizeof(*e);
    e->sysenter_callback_eip = v->pv.sysenter_callback;
    e->sysenter_callback_cs = FLAT_USER_CS;
    e->sysenter_disables_events = v->pv.sysenter_masks;
    e->syscall32_callback_eip = v->pv.syscall32_callback;
    e->syscall32_callback_cs = FLAT_USER_CS;
    e->syscall32_disables_events = v->pv.syscall32_masks;
    return 0;
}

/*
 * What follows the legacy 512 bytes of an XSAVE image, and the words of it
 * that would make XRSTOR fault when they are wrong (SDM vol. 1, 13.4).
 */
struct xsave_image {
    uint8_t legacy_a[24];
    uint32_t mxcsr;
    uint8_t legacy_b[484];
    uint64_t xstate_bv, xcomp_bv, reserved[6];
};
static_assert(sizeof(struct xsave_image) == 576, "XSAVE layout");

/* The toolstack's buffer: two words, then the image. */
struct extstate_header {
    uint64_t xcr0, xcr0_accum;
};

#define XCR0_X87    1ull
#define XCR0_SSE    2ull
#define XCR0_AVX    4ull
#define XCR0_AVX512 0xe0ull
#define MXCSR_MASK  0xffffu

/* XSETBV, too, faults on a part without what it builds on. */
static bool xcr0_is_whole(uint64_t xcr0)
{
    if ((xcr0 & XCR0_AVX) && !(xcr0 & XCR0_SSE))
        return false;
    return !(xcr0 & XCR0_AVX512) || !(~xcr0 & (XCR0_AVX512 | XCR0_AVX));
}

static int check_image(const struct extstate_header *h,
                       const struct xsave_image *x)
{
    if (!(h->xcr0 & XCR0_X87) || (h->xcr0 & ~host_xcr0) ||
        (h->xcr0_accum & ~host_xcr0) || (h->xcr0 & ~h->xcr0_accum) ||
        !xcr0_is_whole(h->xcr0))
        return -EINVAL;
    if ((x->xstate_bv & ~h->xcr0_accum) || x->xcomp_bv ||
        (x->mxcsr & ~MXCSR_MASK))
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(x->reserved); i++)
        if (x->reserved[i])
            return -EINVAL;
    return 0;
}

int ctl_setvcpuextstate(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct extstate_header h;
    size_t size = e->size - sizeof(h); /* checked below */
    struct vcpu *v;
    void *image;
    int rc;

    if (find(d, e->vcpu, &v))
        return -ESRCH;
    if (!v->xsave || e->size < sizeof(h) + sizeof(struct xsave_image) ||
        size > xsave_size)
        return -EINVAL;

    image = mem_alloc(xsave_size);
    if (!image)
        return -ENOMEM;
    rc = copy_from_guest(&h, e->buffer.p, sizeof(h));
    if (!rc)
        rc = copy_from_guest(image, (char *)e->buffer.p + sizeof(h), size);
    if (!rc)
        rc = check_image(&h, image);
    if (!rc)
        rc = fpu_set_xcr0(v, h.xcr0);
    if (!rc)
        memcpy(v->xsave, image, xsave_size);
    mem_free(image);
    return rc;
}

int ctl_getvcpuextstate(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct extstate_header h = {.xcr0_accum = host_xcr0};
    uint64_t size = sizeof(h) + xsave_size;
    bool query = (!e->size && !e->xfeature_mask) || !e->buffer.p;
    struct vcpu *v;

    if (find(d, e->vcpu, &v))
        return -ESRCH;
    if (!host_xcr0)
        size = 0; /* nothing beyond what the main context holds */
    if (query || !size) {
        e->size = size;
        e->xfeature_mask = host_xcr0;
        return 0;
    }
    if (e->size != size || e->xfeature_mask != host_xcr0)
        return -EINVAL;

    h.xcr0 = v->xcr0;
    if (copy_to_guest(e->buffer.p, &h, sizeof(h)) ||
        copy_to_guest((char *)e->buffer.p + sizeof(h), v->xsave, xsave_size))
        return -EFAULT;
    return 0;
}

/* The one register that a guest may set and that no other call carries. */
int ctl_get_vcpu_msrs(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;
    struct xen_domctl_vcpu_msr msr = {.index = MSR_INDEX_TSC_AUX};
    struct vcpu *v;

    if (find(d, m->vcpu, &v))
        return -EINVAL;
    if (!m->msrs.p) {
        m->msr_count = 1;
        return 0;
    }

    msr.value = v->pv.tsc_aux;
    if (!msr.value) {
        m->msr_count = 0;
        return 0;
    }
    if (!m->msr_count)
        return -ENOBUFS;
    m->msr_count = 1;
    return copy_to_guest(m->msrs.p, &msr, sizeof(msr));
}

int ctl_set_vcpu_msrs(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;
    struct xen_domctl_vcpu_msr msr;
    struct vcpu *v;

    if (find(d, m->vcpu, &v) || m->msr_count > 1)
        return -EINVAL;
    if (!m->msr_count)
        return 0;
    if (copy_from_guest(&msr, m->msrs.p, sizeof(msr)))
        return -EFAULT;
    if (msr.index != MSR_INDEX_TSC_AUX || msr.reserved ||
        msr.value > UINT32_MAX)
        return -EINVAL;
    v->pv.tsc_aux = (uint32_t)msr.value;
    return 0;
}
