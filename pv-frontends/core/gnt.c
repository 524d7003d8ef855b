#include "pv-frontends/core/gnt.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/hypercall.h"
#include "pv-frontends/core/ring.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/shim/shim.h"

enum {
    PER_FRAME = SHIM_PAGE_SIZE / sizeof(grant_entry_v1_t),
    MAX_FRAMES = 64,
    MAX_KEPT = 256,
};

struct kept_page {
    grant_ref_t ref;
    void *page;
};

static struct {
    grant_entry_v1_t *table;
    unsigned int nr_frames;
    /* Free references: `next[ref]` is the one behind it. */
    grant_ref_t *next, first_free;
    unsigned int nr_free;
    struct kept_page kept[MAX_KEPT];
    unsigned int nr_kept;
} gnt;

/* How many frames we may have, at most `wanted`. */
static unsigned int frames_allowed(unsigned int wanted)
{
    struct gnttab_query_size query = {.dom = DOMID_SELF};

    if (wanted > MAX_FRAMES)
        wanted = MAX_FRAMES;
    if (hc_grant_table_op(GNTTABOP_query_size, &query, 1) ||
        query.status != GNTST_okay)
        return wanted;
    return wanted < query.max_nr_frames ? wanted : query.max_nr_frames;
}

static int table_setup(uint64_t *frames, unsigned int nr)
{
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = nr};
    struct gnttab_set_version version = {.version = 1};
    int rc;

    /* A host without the call has version 1 only. */
    (void)hc_grant_table_op(GNTTABOP_set_version, &version, 1);
    set_xen_guest_handle(setup.frame_list, frames);
    rc = hc_grant_table_op(GNTTABOP_setup_table, &setup, 1);
    if (!rc && setup.status != GNTST_okay)
        rc = -XEN_ENOMEM;
    return rc;
}

static void free_list_fill(void)
{
    grant_ref_t nr = gnt.nr_frames * PER_FRAME;

    gnt.first_free = GNT_NONE;
    gnt.nr_free = 0;
    for (grant_ref_t ref = nr; ref-- > GNTTAB_NR_RESERVED_ENTRIES;) {
        gnt.next[ref] = gnt.first_free;
        gnt.first_free = ref;
        gnt.nr_free++;
    }
}

int gnt_init(unsigned int nr_frames)
{
    uint64_t frames[MAX_FRAMES];
    size_t bytes;
    int rc;

    gnt.nr_frames = frames_allowed(nr_frames);
    if (!gnt.nr_frames)
        return -XEN_ENOMEM;
    rc = table_setup(frames, gnt.nr_frames);
    if (rc)
        return rc;
    gnt.table = shim_map_frames(frames, gnt.nr_frames);
    bytes = gnt.nr_frames * PER_FRAME * sizeof(*gnt.next);
    gnt.next = shim_pages_alloc((unsigned int)(bytes / SHIM_PAGE_SIZE));
    if (!gnt.table || !gnt.next)
        return -XEN_ENOMEM;
    gnt.nr_kept = 0;
    free_list_fill();
    return 0;
}

int gnt_resume(bool cancelled)
{
    uint64_t frames[MAX_FRAMES];
    int rc = table_setup(frames, gnt.nr_frames);

    if (rc)
        return rc;
    gnt.table = shim_map_frames(frames, gnt.nr_frames);
    if (!gnt.table)
        return -XEN_ENOMEM;
    if (cancelled)
        return 0;
    /* Nobody holds anything in a new table. */
    for (unsigned int i = 0; i < gnt.nr_kept; i++)
        if (gnt.kept[i].page)
            shim_pages_free(gnt.kept[i].page, 1);
    gnt.nr_kept = 0;
    free_list_fill();
    return 0;
}

static grant_ref_t ref_take(void)
{
    unsigned long saved = shim_lock();
    grant_ref_t ref = gnt.first_free;

    if (ref != GNT_NONE) {
        gnt.first_free = gnt.next[ref];
        gnt.nr_free--;
    }
    shim_unlock(saved);
    return ref;
}

static void ref_give(grant_ref_t ref)
{
    unsigned long saved = shim_lock();

    gnt.next[ref] = gnt.first_free;
    gnt.first_free = ref;
    gnt.nr_free++;
    shim_unlock(saved);
}

grant_ref_t gnt_grant(domid_t domid, const void *page, bool read_only)
{
    grant_ref_t ref = ref_take();

    if (ref == GNT_NONE)
        return ref;
    gnt.table[ref].frame = (uint32_t)shim_frame(page);
    gnt.table[ref].domid = domid;
    /* The entry holds from here on: the rest must be there first. */
    xen_wmb();
    shared_write(
        gnt.table[ref].flags,
        (uint16_t)(GTF_permit_access | (read_only ? GTF_readonly : 0)));
    return ref;
}

/* Clear an entry's flags, unless it is in use. */
static bool entry_clear(grant_ref_t ref)
{
    uint16_t *flags = &gnt.table[ref].flags, old = shared_read(*flags);

    do {
        if (old & (GTF_reading | GTF_writing))
            return false;
    } while (!__atomic_compare_exchange_n(flags, &old, 0, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return true;
}

int gnt_end(grant_ref_t ref)
{
    if (!entry_clear(ref))
        return -XEN_EBUSY;
    ref_give(ref);
    return 0;
}

/* No room to remember it: it stays granted and unused, which harms nobody. */
static void keep(grant_ref_t ref, void *page)
{
    unsigned long saved = shim_lock();
    bool room = gnt.nr_kept < MAX_KEPT;

    if (room)
        gnt.kept[gnt.nr_kept++] = (struct kept_page){ref, page};
    shim_unlock(saved);
    if (!room)
        log_number("grants", "a page is lost to a peer that keeps it, grant",
                   ref);
}

void gnt_end_page(grant_ref_t ref, void *page)
{
    if (gnt_end(ref))
        keep(ref, page);
    else if (page)
        shim_pages_free(page, 1);
}

static bool kept_take(unsigned int i, struct kept_page *kept)
{
    unsigned long saved = shim_lock();
    bool is = i < gnt.nr_kept && entry_clear(gnt.kept[i].ref);

    if (is) {
        *kept = gnt.kept[i];
        gnt.kept[i] = gnt.kept[--gnt.nr_kept];
    }
    shim_unlock(saved);
    return is;
}

unsigned int gnt_poll(void)
{
    struct kept_page kept;

    for (unsigned int i = gnt.nr_kept; i-- > 0;) {
        if (!kept_take(i, &kept))
            continue;
        ref_give(kept.ref);
        if (kept.page)
            shim_pages_free(kept.page, 1);
    }
    return gnt.nr_kept;
}

unsigned int gnt_free_count(void)
{
    return gnt.nr_free;
}
