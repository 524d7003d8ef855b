/*
 * Unmapping in two steps with a TLB flush between them: the granter may reuse
 * the page as soon as its entry is free, so no CPU may still see it then.
 */
#include "grant/internal.h"

#include "hypercall/hypercall.h"

/*
 * Take from the mapping what the caller wants undone (GNTMAP_host_map,
 * device_map), so that nobody else undoes it too. -1 and u->status when the
 * handle or the bus address is wrong.
 */
static int claim(struct gnttab *g, struct gnttab_unmap *u,
                 struct grant_mapping *copy)
{
    struct grant_mapping *m;
    int what = -1;

    spin_lock(&g->map_lock);
    m = mapping_get_locked(g, u->handle);
    if (!m) {
        u->status = GNTST_bad_handle;
        goto unlock;
    }
    if (u->dev_bus_addr && (m->flags & GNTMAP_device_map) &&
        u->dev_bus_addr >> PAGE_SHIFT != m->frame) {
        u->status = GNTST_bad_dev_addr;
        goto unlock;
    }
    if (m->inflight == UINT8_MAX) {
        u->status = GNTST_general_error;
        goto unlock;
    }
    *copy = *m;
    what = 0;
    if (u->host_addr)
        what |= m->flags & GNTMAP_host_map;
    if (u->dev_bus_addr)
        what |= m->flags & GNTMAP_device_map;
    m->flags &= (uint8_t)~what;
    m->inflight++;
unlock:
    spin_unlock(&g->map_lock);
    return what;
}

void gnttab_unmap_begin(struct domain *d, struct gnttab_unmap *u)
{
    struct gnttab *g = d->gnttab;
    struct grant_mapping copy;
    int what = claim(g, u, &copy);

    u->begun = what >= 0;
    if (!u->begun)
        return;

    u->status = GNTST_okay;
    if (what & GNTMAP_host_map)
        u->status = (int16_t)gnttab_pte_unmap(
            d, u->host_addr, frame_of(mfn(copy.frame)),
            copy.flags & MAPPING_FLAGS, u->new_addr);
    if (u->status == GNTST_okay)
        return;

    /* It is still mapped, elsewhere than the caller said. Our count of
       unmaps under way has kept the handle. */
    spin_lock(&g->map_lock);
    mapping_restore_locked(g, u->handle, (uint8_t)what);
    spin_unlock(&g->map_lock);
    u->begun = false;
}

/* The granter, alive as long as a frame of it is referenced. */
static void let_go(const struct grant_mapping *m)
{
    struct domain *rd = domain_get(m->domid);

    if (!rd)
        return;
    grant_unpin(rd, m->ref, m->flags & GNTMAP_readonly,
                frame_of(mfn(m->frame)));
    domain_put(rd);
}

void gnttab_unmap_end(struct domain *d, struct gnttab_unmap *u)
{
    struct gnttab *g = d->gnttab;
    struct grant_mapping copy;

    if (!u->begun)
        return;
    spin_lock(&g->map_lock);
    if (mapping_settle_locked(g, u->handle, &copy)) {
        spin_unlock(&g->map_lock);
        let_go(&copy);
        return;
    }
    spin_unlock(&g->map_lock);
}

/*
 * The mapper is dead: its vCPUs no longer run and its page tables go away
 * with it (their entries hold references of their own), so only the grants
 * are to be given back.
 */
int gnttab_unmap_all(struct domain *d)
{
    struct gnttab *g = d->gnttab;

    for (; g->next_kill < g->nr_handles; g->next_kill++) {
        struct grant_mapping copy, *m;

        if (g->next_kill % 64 == 63 && hypercall_should_yield())
            return -ERESTART;
        spin_lock(&g->map_lock);
        m = mapping_get_locked(g, g->next_kill);
        if (m) {
            copy = *m;
            mapping_free_locked(g, g->next_kill);
        }
        spin_unlock(&g->map_lock);
        if (m)
            let_go(&copy);
    }
    return 0;
}
