/*
 * GNTTABOP_copy: bytes from one page to another, each named by a grant or,
 * when it is the caller's own, by its frame. No mapping is made: both pages
 * are in the direct map, held by references meanwhile.
 */
#include "grant/internal.h"

/* One side of a copy: a frame held, and how to let it go. */
struct side {
    struct domain *d; /* owner, with a reference */
    struct frame *frame;
    grant_ref_t ref;
    bool granted, readonly;
};

static int16_t side_get(struct side *s, const struct gnttab_copy_ptr *p,
                        bool granted, bool readonly)
{
    int16_t status = GNTST_okay;

    s->granted = granted;
    s->readonly = readonly;
    s->ref = p->u.ref;
    if (p->domid != DOMID_SELF && !granted)
        return GNTST_permission_denied;
    s->d = domain_get_self_or(p->domid);
    if (!s->d)
        return GNTST_bad_domain;

    if (granted) {
        status =
            grant_pin(s->d, s->ref, current->domain->id, readonly, &s->frame);
    } else {
        s->frame = grant_frame_get(s->d, p->u.gmfn, readonly);
        if (!s->frame)
            status = GNTST_bad_page;
    }
    if (status != GNTST_okay)
        domain_put(s->d);
    return status;
}

static void side_put(struct side *s)
{
    if (s->granted)
        grant_unpin(s->d, s->ref, s->readonly, s->frame);
    else
        grant_frame_put(s->d, s->frame, s->readonly);
    domain_put(s->d);
}

static int16_t copy_one(const struct gnttab_copy *op)
{
    struct side src, dst;
    int16_t status;

    if (op->source.offset + (uint32_t)op->len > PAGE_SIZE ||
        op->dest.offset + (uint32_t)op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;

    status = side_get(&src, &op->source, op->flags & GNTCOPY_source_gref, true);
    if (status != GNTST_okay)
        return status;
    status = side_get(&dst, &op->dest, op->flags & GNTCOPY_dest_gref, false);
    if (status == GNTST_okay) {
        /* They may be the same page. */
        memmove((char *)frame_virt(dst.frame) + op->dest.offset,
                (const char *)frame_virt(src.frame) + op->source.offset,
                op->len);
        side_put(&dst);
    }
    side_put(&src);
    return status;
}

void gnttab_copy(struct gnttab_copy *op)
{
    op->status = copy_one(op);
}
