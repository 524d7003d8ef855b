#include "grant/gnttab.h"
#include "grant/internal.h"

/* --- The table -------------------------------------------------------------
 */

static uint32_t nr_entries(const struct gnttab *g)
{
    return g->nr_frames * (uint32_t)ENTRIES_PER_FRAME;
}

static struct grant_entry_v1 *entry_of(const struct gnttab *g, grant_ref_t ref)
{
    return g->entries[ref / ENTRIES_PER_FRAME] + ref % ENTRIES_PER_FRAME;
}

static struct grant_pin *pin_of(const struct gnttab *g, grant_ref_t ref)
{
    return g->pins[ref / ENTRIES_PER_FRAME] + ref % ENTRIES_PER_FRAME;
}

/* Make the table at least nr frames long. -EINVAL past the limit, -ENOMEM. */
static int grow_locked(struct domain *d, uint32_t nr)
{
    struct gnttab *g = d->gnttab;

    if (nr > g->max_frames)
        return -EINVAL;
    while (g->nr_frames < nr) {
        void *entries = page_alloc();
        void *pins = page_alloc();

        if (!entries || !pins) {
            if (entries)
                page_free(entries);
            if (pins)
                page_free(pins);
            return -ENOMEM;
        }
        frame_share(entries, d);
        g->entries[g->nr_frames] = entries;
        g->pins[g->nr_frames] = pins;
        g->nr_frames++;
    }
    return 0;
}

int gnttab_get_frame(struct domain *d, unsigned idx, mfn_t *m)
{
    struct gnttab *g = d->gnttab;
    int rc;

    if (idx >= g->max_frames)
        return -EINVAL;
    spin_lock(&g->lock);
    rc = grow_locked(d, idx + 1);
    if (!rc)
        *m = virt_to_mfn(g->entries[nospec_index(idx, g->nr_frames)]);
    spin_unlock(&g->lock);
    return rc;
}

unsigned gnttab_nr_frames(struct domain *d)
{
    return READ_ONCE(d->gnttab->nr_frames);
}

unsigned gnttab_nr_maps(struct domain *d)
{
    return d->gnttab
               ? READ_ONCE(d->gnttab->nr_maps) + READ_ONCE(d->gnttab->nr_pins)
               : 0;
}

void gnttab_dump(struct domain *d)
{
    const struct gnttab *g = d->gnttab;

    log_info("d%u grants: %u of %u frames, %u pins by others; maps %u with %u "
             "of %u pages of handles\n",
             d->id, g->nr_frames, g->max_frames, g->nr_pins, g->nr_maps,
             g->nr_handles / (uint32_t)HANDLES_PER_PAGE, g->max_map_pages);
}

int16_t gnttab_setup(struct domain *d, uint32_t nr_frames)
{
    int rc;

    spin_lock(&d->gnttab->lock);
    rc = grow_locked(d, nr_frames);
    spin_unlock(&d->gnttab->lock);
    return rc ? GNTST_general_error : GNTST_okay;
}

int16_t gnttab_swap(struct domain *d, grant_ref_t a, grant_ref_t b)
{
    struct gnttab *g = d->gnttab;
    struct grant_pin *pa, *pb;
    struct grant_entry_v1 tmp;
    int16_t status = GNTST_bad_gntref;

    spin_lock(&g->lock);
    if (a >= nr_entries(g) || b >= nr_entries(g))
        goto unlock;
    a = nospec_index(a, nr_entries(g));
    b = nospec_index(b, nr_entries(g));
    pa = pin_of(g, a);
    pb = pin_of(g, b);

    status = GNTST_eagain;
    if (pa->readers || pa->writers || pb->readers || pb->writers)
        goto unlock;
    tmp = *entry_of(g, a);
    *entry_of(g, a) = *entry_of(g, b);
    *entry_of(g, b) = tmp;
    status = GNTST_okay;
unlock:
    spin_unlock(&g->lock);
    return status;
}

/* --- Frames ----------------------------------------------------------------
 */

static inline struct frame *frame_hold(struct domain *d, uint64_t gmfn,
                                       bool readonly)
{
    struct frame *f = frame_get(mfn(gmfn), d);

    if (!f)
        return NULL;
    /* Pages of ours that d merely sees (its own grant table) do not keep d
       alive as its memory does, so they cannot be granted on. */
    if ((f->flags & FRAME_SHARED) ||
        (!readonly && frame_type_get(f, d, FT_WRITABLE))) {
        frame_put(f);
        return NULL;
    }
    return f;
}

struct frame *grant_frame_get(struct domain *d, uint64_t gmfn, bool readonly)
{
    return frame_hold(d, gmfn, readonly);
}

void grant_frame_put(struct domain *d, struct frame *frame, bool readonly)
{
    if (readonly)
        frame_put(frame);
    else
        frame_put_typed(frame, d);
}

/* --- Pins ------------------------------------------------------------------
 */

/*
 * Mark the guest's entry as in use, if it permits `user` what is asked. Flags
 * and domain are one 32-bit word: both are right at the same moment.
 */
static int16_t status_set(struct grant_entry_v1 *entry, domid_t user,
                          bool readonly)
{
    uint32_t *word = (uint32_t *)entry;
    uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < 5; i++) {
        uint16_t flags = (uint16_t)old;
        uint32_t new = old | GTF_reading | (readonly ? 0 : GTF_writing);

        if ((flags & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access ||
            (domid_t)(old >> 16) != user)
            return GNTST_general_error;
        if (!readonly && (flags & GTF_readonly))
            return GNTST_general_error;
        if (__atomic_compare_exchange_n(word, &old, new, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            return GNTST_okay;
    }
    return GNTST_general_error; /* the guest plays with it */
}

static void status_clear(struct grant_entry_v1 *entry,
                         const struct grant_pin *pin)
{
    uint16_t clear = 0;

    if (!pin->writers)
        clear |= GTF_writing;
    if (!pin->writers && !pin->readers)
        clear |= GTF_reading;
    /* Release: the user's last accesses come before it. */
    if (clear)
        __atomic_fetch_and(&entry->flags, (uint16_t)~clear, __ATOMIC_SEQ_CST);
}

static int16_t pin_locked(struct domain *rd, grant_ref_t ref, domid_t user,
                          bool readonly, struct frame **frame)
{
    struct gnttab *g = rd->gnttab;
    struct grant_entry_v1 *entry;
    struct grant_pin *pin;
    bool used;
    int16_t status;

    if (ref >= nr_entries(g))
        return GNTST_bad_gntref;
    ref = nospec_index(ref, nr_entries(g));
    entry = entry_of(g, ref);
    pin = pin_of(g, ref);
    used = pin->readers || pin->writers;

    if (used && pin->domid != user)
        return GNTST_general_error;
    if ((readonly ? pin->readers : pin->writers) == UINT8_MAX)
        return GNTST_no_space;

    /* Flags to be added? A reader's grant may be asked for writing later. */
    if (!used || (!readonly && !pin->writers)) {
        status = status_set(entry, user, readonly);
        if (status != GNTST_okay)
            return status;
    }
    if (!used) {
        pin->frame = READ_ONCE(entry->frame);
        pin->domid = user;
    }

    *frame = frame_hold(rd, pin->frame, readonly);
    if (!*frame) {
        status_clear(entry, pin);
        return GNTST_general_error;
    }
    if (readonly)
        pin->readers++;
    else
        pin->writers++;
    g->nr_pins++;
    return GNTST_okay;
}

int16_t grant_pin(struct domain *rd, grant_ref_t ref, domid_t user,
                  bool readonly, struct frame **frame)
{
    int16_t status;

    spin_lock(&rd->gnttab->lock);
    status = pin_locked(rd, ref, user, readonly, frame);
    spin_unlock(&rd->gnttab->lock);
    return status;
}

void grant_unpin(struct domain *rd, grant_ref_t ref, bool readonly,
                 struct frame *frame)
{
    struct gnttab *g = rd->gnttab;
    struct grant_pin *pin;

    /* References go first: when the flags say free, the page is free. */
    grant_frame_put(rd, frame, readonly);

    spin_lock(&g->lock);
    pin = pin_of(g, ref);
    if (readonly)
        pin->readers--;
    else
        pin->writers--;
    g->nr_pins--;
    status_clear(entry_of(g, ref), pin);
    spin_unlock(&g->lock);
}

/* --- The domain's part -----------------------------------------------------
 */

static void gnttab_free(struct domain *d)
{
    struct gnttab *g = d->gnttab;

    if (!g)
        return;
    for (uint32_t i = 0; i < g->nr_frames; i++) {
        frame_unshare_free(g->entries[i]);
        page_free(g->pins[i]);
    }
    for (uint32_t i = 0; i * HANDLES_PER_PAGE < g->nr_handles; i++)
        page_free(g->map_pages[i]);
    mem_free(g->entries);
    mem_free(g->pins);
    mem_free(g->map_pages);
    mem_free(g);
    d->gnttab = NULL;
}

/* Negative: as we like. */
static uint32_t limit(uint32_t wanted, uint32_t standard)
{
    return (int32_t)wanted < 0 ? standard : wanted;
}

static int gnttab_init(struct domain *d)
{
    struct gnttab *g = mem_alloc(sizeof(*g));
    int rc = -ENOMEM;

    if (!g)
        return rc;
    d->gnttab = g;
    g->free_handle = NO_HANDLE;
    g->max_frames = limit(d->max_grant_frames, GNTTAB_DEFAULT_MAX_FRAMES);
    g->max_map_pages =
        limit(d->max_maptrack_frames, GNTTAB_DEFAULT_MAX_MAPTRACK);
    /* Never more entries or handles than 32 bits number. */
    if (g->max_frames > UINT32_MAX / ENTRIES_PER_FRAME ||
        g->max_map_pages > UINT32_MAX / HANDLES_PER_PAGE) {
        rc = -EINVAL;
        goto undo;
    }

    g->entries = mem_alloc(MAX(g->max_frames, 1) * sizeof(*g->entries));
    g->pins = mem_alloc(MAX(g->max_frames, 1) * sizeof(*g->pins));
    if (!g->entries || !g->pins)
        goto undo;
    /* The toolstack seeds the first entries before the guest runs. */
    rc = g->max_frames ? grow_locked(d, 1) : 0;
    if (!rc)
        return 0;
undo:
    gnttab_free(d);
    return rc;
}

/* What others map of d stays, with d's frames, until they unmap it. */
static int gnttab_kill(struct domain *d)
{
    return gnttab_unmap_all(d);
}

const struct domain_part gnttab_part = {
    .name = "gnttab",
    .init = gnttab_init,
    .kill = gnttab_kill,
    .free = gnttab_free,
};
