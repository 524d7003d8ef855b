/* GNTTABOP_map_grant_ref: the running domain maps another's grant. */
#include "grant/internal.h"

/* --- Handles ---------------------------------------------------------------
 */

static struct grant_mapping *mapping_of(struct gnttab *g, uint32_t handle)
{
    return g->map_pages[handle / HANDLES_PER_PAGE] + handle % HANDLES_PER_PAGE;
}

struct grant_mapping *mapping_get_locked(struct gnttab *g, uint32_t handle)
{
    struct grant_mapping *m;

    if (handle >= g->nr_handles)
        return NULL;
    m = mapping_of(g, nospec_index(handle, g->nr_handles));
    /* Live ones only: not those being set up or on their way out. */
    return m->flags & MAPPING_LIVE ? m : NULL;
}

void mapping_free_locked(struct gnttab *g, uint32_t handle)
{
    struct grant_mapping *m = mapping_of(g, handle);

    memset(m, 0, sizeof(*m));
    m->ref = g->free_handle;
    g->free_handle = handle;
    g->nr_maps--;
}

void mapping_restore_locked(struct gnttab *g, uint32_t handle, uint8_t what)
{
    struct grant_mapping *m = mapping_of(g, handle);

    m->flags |= what;
    m->inflight--;
}

bool mapping_settle_locked(struct gnttab *g, uint32_t handle,
                           struct grant_mapping *copy)
{
    struct grant_mapping *m = mapping_of(g, handle);

    m->inflight--;
    if (m->inflight || m->flags & MAPPING_LIVE)
        return false;
    *copy = *m;
    mapping_free_locked(g, handle);
    return true;
}

static void mapping_free(struct gnttab *g, uint32_t handle)
{
    spin_lock(&g->map_lock);
    mapping_free_locked(g, handle);
    spin_unlock(&g->map_lock);
}

static bool grow_handles_locked(struct gnttab *g)
{
    uint32_t page = g->nr_handles / HANDLES_PER_PAGE;

    if (page >= g->max_map_pages)
        return false;
    /* Most guests never map anything: no array before the first handle. */
    if (!g->map_pages)
        g->map_pages = mem_alloc(g->max_map_pages * sizeof(*g->map_pages));
    if (!g->map_pages)
        return false;
    g->map_pages[page] = page_alloc();
    if (!g->map_pages[page])
        return false;
    g->nr_handles += HANDLES_PER_PAGE;
    /* The last first, so that handles are given out in order. */
    for (uint32_t i = 1; i <= HANDLES_PER_PAGE; i++) {
        mapping_of(g, g->nr_handles - i)->ref = g->free_handle;
        g->free_handle = g->nr_handles - i;
    }
    return true;
}

/* A handle that does not answer yet; NO_HANDLE when the limit is reached. */
static uint32_t handle_alloc(struct gnttab *g)
{
    uint32_t handle = NO_HANDLE;

    spin_lock(&g->map_lock);
    if (g->free_handle != NO_HANDLE || grow_handles_locked(g)) {
        handle = g->free_handle;
        g->free_handle = mapping_of(g, handle)->ref;
        mapping_of(g, handle)->flags = MAPPING_USED;
        g->nr_maps++;
    }
    spin_unlock(&g->map_lock);
    return handle;
}

/* --- Mapping ---------------------------------------------------------------
 */

static int16_t map_pinned(struct domain *d, struct domain *rd, uint32_t handle,
                          struct gnttab_map_grant_ref *op)
{
    bool readonly = op->flags & GNTMAP_readonly;
    struct gnttab *g = d->gnttab;
    struct frame *frame;
    struct grant_mapping *m;
    uint64_t mfn_n;
    int status;

    status = grant_pin(rd, op->ref, d->id, readonly, &frame);
    if (status != GNTST_okay)
        return (int16_t)status;

    if (op->flags & GNTMAP_host_map) {
        status = gnttab_pte_map(d, rd, op->host_addr, frame, op->flags);
        if (status != GNTST_okay) {
            grant_unpin(rd, op->ref, readonly, frame);
            return (int16_t)status;
        }
    }

    mfn_n = frame_mfn(frame).n;
    spin_lock(&g->map_lock);
    m = mapping_of(g, handle);
    m->ref = op->ref;
    m->frame = (uint32_t)mfn_n;
    m->domid = rd->id;
    m->flags = MAPPING_USED | (op->flags & MAPPING_FLAGS);
    spin_unlock(&g->map_lock);

    op->handle = handle;
    op->dev_bus_addr = mfn_n << PAGE_SHIFT;
    return GNTST_okay;
}

static int16_t map_one(struct domain *d, struct gnttab_map_grant_ref *op)
{
    struct domain *rd;
    uint32_t handle;
    int16_t status;

    if (!(op->flags & MAPPING_LIVE))
        return GNTST_bad_gntref;
    rd = domain_get(op->dom);
    if (!rd)
        return GNTST_bad_domain;

    status = GNTST_general_error;
    if (domain_is_dying(rd))
        goto put;
    status = GNTST_no_space;
    handle = handle_alloc(d->gnttab);
    if (handle == NO_HANDLE)
        goto put;
    status = map_pinned(d, rd, handle, op);
    if (status != GNTST_okay)
        mapping_free(d->gnttab, handle);
put:
    domain_put(rd);
    return status;
}

void gnttab_map(struct gnttab_map_grant_ref *op)
{
    op->status = map_one(current->domain, op);
}
