/* Frames that come and go, and grants of them. */
#include "races.h"

/* ---- memory ---- */

static volatile uint64_t free_mfn;

static int give(uint64_t mfn)
{
    xen_pfn_t n = mfn;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, &n);
    return (int)hc_memory_op(XENMEM_decrease_reservation, &r);
}

static uint64_t take(void)
{
    xen_pfn_t n = va_to_pfn(page);
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, &n);
    return hc_memory_op(XENMEM_populate_physmap, &r) == 1 ? n : 0;
}

static void give_theirs(void)
{
    if (free_mfn && give(free_mfn) == 1)
        __atomic_fetch_add(&other_faults, 1, __ATOMIC_SEQ_CST);
}

void a_frame_is_given_back_once(void)
{
    unsigned int i, given = 0, taken = 0;
    uint64_t mfn;

    pages_ready();
    other_faults = 0;
    EXPECT_OK(va_map(page, 0));
    EXPECT_EQ(1, give(va_to_mfn(page)));
    other_begins(give_theirs);
    for (i = 0; i < ROUNDS / 3; i++) {
        mfn = take();
        taken += mfn != 0;
        free_mfn = mfn;
        given += give(mfn) == 1;
    }
    other_ends();
    free_mfn = 0;
    EXPECT_EQ(taken, given + other_faults);
    mfn = take();
    EXPECT(mfn);
    p2m[va_to_pfn(page)] = mfn;
    EXPECT_OK(map_rw(page));
    pages_done();
}

static void map_the_free_one(void)
{
    if (free_mfn)
        va_map(page2, pte_make(free_mfn, PTE_RW_PAGE));
    va_map(page2, 0);
}

void frames_on_their_way_out_are_not_lost(void)
{
    unsigned int i, n = 0;
    uint64_t mfn;

    pages_ready();
    EXPECT_OK(va_map(page, 0));
    EXPECT_EQ(1, give(va_to_mfn(page)));
    other_begins(map_the_free_one);
    for (i = 0; i < ROUNDS / 3; i++) {
        mfn = take();
        if (!mfn)
            continue;
        free_mfn = mfn;
        n += give(mfn) == 1;
    }
    other_ends();
    free_mfn = 0;
    EXPECT(n > 0);
    mfn = take();
    EXPECT(mfn);
    p2m[va_to_pfn(page)] = mfn;
    EXPECT_OK(map_rw(page));
    EXPECT_OK(map_rw(page2));
    pages_done();
}

static void write_where_it_was(void)
{
    other_store(page2, 0x5a5a5a5a);
}

/*
 * The other CPU has a writable translation, and nobody flushes it. The frame is
 * given away and somebody's (ours) again: clean, and it stays so.
 */
void a_reused_frame_is_clean_and_out_of_reach(void)
{
    unsigned int i, k, dirty = 0;

    pages_ready();
    for (i = 0; i < 40; i++) {
        uint64_t mfn, old = va_to_mfn(page2);

        EXPECT_OK(map_rw(page2));
        other_begins(write_where_it_was);
        hc_update_va_mapping(page2, 0, 0);
        EXPECT_EQ(1, give(old));
        mfn = take();
        EXPECT(mfn);
        p2m[va_to_pfn(page2)] = mfn;
        EXPECT_OK(va_map(page, pte_make(mfn, PTE_RO_PAGE)));
        for (k = 0; k < 200; k++)
            dirty += *(volatile uint64_t *)page != 0;
        other_ends();
        EXPECT_OK(map_rw(page));
    }
    EXPECT_EQ(0, dirty);
    EXPECT_OK(map_rw(page2));
    pages_done();
}

/* ---- grants ---- */

static volatile uint32_t handle;

static void grant(grant_ref_t ref, const void *p)
{
    grants[ref].frame = (uint32_t)va_to_mfn(p);
    grants[ref].domid = self;
    barrier();
    grants[ref].flags = GTF_permit_access;
}

static int grant_map(grant_ref_t ref, const void *at)
{
    struct gnttab_map_grant_ref op = {.host_addr = (uint64_t)at,
                                      .flags = GNTMAP_host_map,
                                      .ref = ref,
                                      .dom = self};

    hc_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);
    handle = op.handle;
    return op.status;
}

static int grant_unmap(uint32_t h, const void *at)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = (uint64_t)at, .handle = h};

    hc_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
    return op.status;
}

static void unmap_theirs(void)
{
    if (grant_unmap(handle, table) == GNTST_okay)
        __atomic_fetch_add(&other_faults, 1, __ATOMIC_SEQ_CST);
}

void a_handle_is_given_back_once(void)
{
    unsigned int i, mapped = 0;

    grants_ready();
    other_faults = 0;
    grant(40, page);
    other_begins(unmap_theirs);
    for (i = 0; i < ROUNDS; i++) {
        mapped += grant_map(40, table) == GNTST_okay;
        wins += grant_unmap(handle, table) == GNTST_okay;
    }
    other_ends();
    wins += grant_unmap(handle, table) == GNTST_okay;
    EXPECT_EQ(mapped, wins + other_faults);
    EXPECT_EQ(GTF_permit_access, grants[40].flags);
    grants[40].flags = 0;
    EXPECT_OK(map_rw(table));
    pages_done();
}

static void end_and_grant_again(void)
{
    uint16_t flags = GTF_permit_access;

    if (!__atomic_compare_exchange_n(&grants[41].flags, &flags, 0, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    /* Nobody uses it: the next one may be another page. */
    grants[41].frame = (uint32_t)va_to_mfn(other_turns & 1 ? page : page2);
    barrier();
    grants[41].flags = GTF_permit_access;
}

static void map_and_unmap(void)
{
    if (grant_map(41, table) == GNTST_okay) {
        uint32_t frame = grants[41].frame;

        wins++;
        EXPECT(grants[41].flags & GTF_reading);
        EXPECT_EQ(frame, grants[41].frame);
        EXPECT_EQ(GNTST_okay, grant_unmap(handle, table));
    }
}

void a_grant_in_use_does_not_change(void)
{
    grants_ready();
    grant(41, page);
    /* The entry may be away whenever we look. */
    for (int i = 0; i < 20 && !wins; i++)
        race(map_and_unmap, end_and_grant_again);
    EXPECT(wins > 0);
    EXPECT_EQ(GTF_permit_access, grants[41].flags);
    grants[41].flags = 0;
    EXPECT_OK(map_rw(table));
    pages_done();
}

static void flip_the_frame(void)
{
    grants[42].frame = (uint32_t)va_to_mfn(page);
    grants[42].frame = 1; /* nobody's */
}

static void copy_by_it(void)
{
    struct gnttab_copy c = {.source.u.ref = 42,
                            .source.domid = self,
                            .dest.u.gmfn = va_to_mfn(page2),
                            .dest.domid = DOMID_SELF,
                            .len = 64,
                            .flags = GNTCOPY_source_gref};

    hc_grant_table_op(GNTTABOP_copy, &c, 1);
    wins += c.status == GNTST_okay;
    if (c.status == GNTST_okay)
        EXPECT_EQ(0x77, page2[0]);
}

void copies_look_at_the_frame_once(void)
{
    grants_ready();
    page[0] = 0x77;
    grant(42, page);
    race(copy_by_it, flip_the_frame);
    EXPECT_EQ(GTF_permit_access, grants[42].flags);
    note("copies that succeeded", wins);
    pages_done();
}
