/* domctl: what only PV guests have, and what they have not. */
#include "domain/ctl.h"
#include "hypercall/hypercall.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"
#include "pv/pv.h"

#define MAX_PAGEFRAMES 1024u

int ctl_hypercall_init(struct domain *d, struct xen_domctl *op)
{
    mfn_t m = mfn(op->u.hypercall_init.gmfn);

    if (!mfn_is_ram(m) || frame_get_typed(m, d, FT_WRITABLE))
        return -EACCES;
    pv_fill_hypercall_page(mfn_to_virt(m));
    frame_put_typed(frame_of(m), d);
    return 0;
}

int ctl_set_address_size(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    return op->u.address_size.size == 64 ? 0 : -EINVAL;
}

int ctl_get_address_size(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    op->u.address_size.size = 64;
    return 0;
}

/* A frame number in, its type in the top bits out. */
static uint32_t frame_info(struct domain *d, uint64_t gmfn)
{
    static const uint32_t table[] = {
        [FT_L1] = XEN_DOMCTL_PFINFO_L1TAB,
        [FT_L2] = XEN_DOMCTL_PFINFO_L2TAB,
        [FT_L3] = XEN_DOMCTL_PFINFO_L3TAB,
        [FT_L4] = XEN_DOMCTL_PFINFO_L4TAB,
        [FT_SEGDESC] = 0,
        [FT_WRITABLE] = 0,
    };
    struct frame *f = NULL;
    uint32_t info;

    if (mfn_is_ram(mfn(gmfn)))
        f = frame_get(mfn(gmfn), d);
    if (!f)
        return XEN_DOMCTL_PFINFO_XTAB;
    if (f->flags & FRAME_SHARED) {
        frame_put(f);
        return XEN_DOMCTL_PFINFO_XTAB;
    }

    info = table[frame_type(f)];
    if (frame_is_pinned(f))
        info |= XEN_DOMCTL_PFINFO_LPINTAB;
    frame_put(f);
    return info;
}

int ctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getpageframeinfo3 *g = &op->u.getpageframeinfo3;
    int rc = 0;

    if (g->num > MAX_PAGEFRAMES)
        return -E2BIG;
    for (uint64_t i = 0; i < g->num && !rc; i++) {
        xen_pfn_t pfn;

        rc = copy_array_from_guest(&pfn, g->array, i, 1);
        if (rc)
            break;
        pfn = frame_info(d, pfn);
        rc = copy_array_to_guest(g->array, i, &pfn, 1);
    }
    return rc;
}

/* Without shadow paging there is no dirty log of a PV guest to switch on,
   hence none to switch off. */
int ctl_shadow_op(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    return op->u.shadow_op.op == XEN_DOMCTL_SHADOW_OP_OFF ? -EINVAL
                                                          : -EOPNOTSUPP;
}

int ctl_only_hvm(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    (void)op;
    return -EINVAL;
}

int ctl_no_mempool(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    (void)op;
    return -EOPNOTSUPP;
}
