/*
 * The balloon and the frame exchange: counts add up, the M2P follows, and no
 * frame in use or not ours can be given away.
 */
#include "guest.h"

static int64_t reservation(unsigned int cmd)
{
    domid_t dom = DOMID_SELF;

    return hc_memory_op(cmd, &dom);
}

static int64_t pages_now(void)
{
    return reservation(XENMEM_current_reservation);
}

static int64_t frames_op(unsigned int cmd, uint64_t *frames, uint64_t nr,
                         unsigned int order)
{
    struct xen_memory_reservation r = {
        .nr_extents = nr,
        .extent_order = order,
        .domid = DOMID_SELF,
    };

    set_xen_guest_handle(r.extent_start, frames);
    return hc_memory_op(cmd, &r);
}

static void counts_are_what_the_toolstack_said(void)
{
    EXPECT_EQ(start_info->nr_pages, pages_now());
    EXPECT(reservation(XENMEM_maximum_reservation) >= pages_now());
    note("maximum over current", reservation(XENMEM_maximum_reservation) -
                                     pages_now());
    EXPECT(hc_memory_op(XENMEM_maximum_ram_page, NULL) > 0);
}

static void a_page_goes_and_comes_back(void)
{
    uint64_t *page = page_alloc(), pfn = va_to_pfn(page), mfn = p2m[pfn];
    int64_t before = pages_now();
    uint64_t frame = mfn, i, dirty = 0;

    page[0] = 0x1234;
    EXPECT_OK(va_map(page, 0));
    EXPECT_EQ(1, frames_op(XENMEM_decrease_reservation, &frame, 1, 0));
    EXPECT_EQ(before - 1, pages_now());
    EXPECT(M2P[mfn] != pfn);
    EXPECT_REFUSED(va_map(page, pte_make(mfn, PTE_RW_PAGE)));
    frame = pfn;
    EXPECT_EQ(1, frames_op(XENMEM_populate_physmap, &frame, 1, 0));
    EXPECT_EQ(before, pages_now());
    EXPECT_EQ(pfn, M2P[frame]);
    p2m[pfn] = frame;
    EXPECT_OK(map_rw(page));
    for (i = 0; i < 512; i++)
        dirty += page[i] != 0;
    /* The peer scrubs only what a dying domain leaves. */
    if (dirty)
        test_skip("what a living guest gave away comes back unscrubbed");
    page_free(page);
}

/* A frame that is still mapped or typed is not gone until it is let go. */
static void a_mapped_page_stays_ours_to_touch_only(void)
{
    uint64_t *page = page_alloc(), pfn = va_to_pfn(page), mfn = p2m[pfn];
    uint64_t frame = mfn;
    int64_t before = pages_now(), rc;

    page[0] = 0x77;
    rc = frames_op(XENMEM_decrease_reservation, &frame, 1, 0);
    note("giving away a mapped page", rc);
    EXPECT_EQ(0x77, page[0]);
    page[0] = 0x78;
    if (rc == 1) {
        /* Let go of the last mapping, then take a fresh one. */
        EXPECT_OK(va_map(page, 0));
        frame = pfn;
        EXPECT_EQ(1, frames_op(XENMEM_populate_physmap, &frame, 1, 0));
        p2m[pfn] = frame;
        EXPECT_OK(map_rw(page));
    }
    EXPECT_EQ(before, pages_now());
    page_free(page);
}

static void a_page_table_cannot_be_given_away(void)
{
    uint64_t *t = table_alloc(), frame = va_to_mfn(t);
    int64_t before = pages_now(), rc;

    EXPECT_OK(pin_level(1, frame));
    rc = frames_op(XENMEM_decrease_reservation, &frame, 1, 0);
    note("giving away a pinned table", rc);
    if (rc == 1) {
        /* Taken from the count, but it stays ours while it is mapped. */
        EXPECT_EQ(0, t[0]);
        return;
    }
    EXPECT_EQ(0, rc);
    EXPECT_EQ(before, pages_now());
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
}

static void frames_of_others_cannot_be_given_away(void)
{
    uint64_t frame = PTE_MFN(((uint64_t *)start_info->pt_base)[256]);
    int64_t before = pages_now();

    EXPECT_EQ(0, frames_op(XENMEM_decrease_reservation, &frame, 1, 0));
    frame = 0xfee00;
    EXPECT_EQ(0, frames_op(XENMEM_decrease_reservation, &frame, 1, 0));
    frame = 0xfffffffffful;
    EXPECT_EQ(0, frames_op(XENMEM_decrease_reservation, &frame, 1, 0));
    frame = start_info->shared_info >> 12;
    note("giving away shared_info",
         frames_op(XENMEM_decrease_reservation, &frame, 1, 0));
    EXPECT(shared->vcpu_info[1].evtchn_upcall_mask);
    EXPECT_EQ(before, pages_now());
}

/* A batch that goes wrong in the middle says how far it came. */
static void a_batch_stops_at_the_bad_frame(void)
{
    uint64_t *a = page_alloc(), *b = page_alloc();
    uint64_t pfns[2] = {va_to_pfn(a), va_to_pfn(b)};
    uint64_t frames[3] = {p2m[pfns[0]], 0xfffffffffful, p2m[pfns[1]]};
    int64_t before = pages_now();

    EXPECT_OK(va_map(a, 0));
    EXPECT_EQ(1, frames_op(XENMEM_decrease_reservation, frames, 3, 0));
    EXPECT_EQ(before - 1, pages_now());
    frames[0] = pfns[0];
    EXPECT_EQ(1, frames_op(XENMEM_populate_physmap, frames, 1, 0));
    p2m[pfns[0]] = frames[0];
    EXPECT_OK(map_rw(a));
    page_free(a);
    page_free(b);
}

static void no_more_than_the_maximum(void)
{
    static uint64_t frames[2000];
    int64_t max = reservation(XENMEM_maximum_reservation), before = pages_now();
    int64_t got, i;

    for (i = 0; i < 2000; i++)
        frames[i] = 0x100000 + (uint64_t)i;
    got = frames_op(XENMEM_populate_physmap, frames, 2000, 0);
    note("pages over the allowance asked, got", got);
    EXPECT(got >= 0 && got <= max - before);
    EXPECT_EQ(before + got, pages_now());
    EXPECT_EQ(0, frames_op(XENMEM_populate_physmap, frames, 1, 0));
    if (got > 0)
        EXPECT_EQ(got, frames_op(XENMEM_decrease_reservation, frames,
                                 (uint64_t)got, 0));
    EXPECT_EQ(before, pages_now());
}

static void impossible_requests_are_refused(void)
{
    static const unsigned int orders[] = {10, 19, 20, 31, 63, ~0u};
    uint64_t frame;
    int64_t before = pages_now(), rc;
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(orders); i++) {
        frame = 0x100000;
        rc = frames_op(XENMEM_populate_physmap, &frame, 1, orders[i]);
        note("populate of a big order", rc);
        EXPECT(rc <= 0);
        frame = va_to_mfn(page_alloc());
        rc = frames_op(XENMEM_decrease_reservation, &frame, 1, orders[i]);
        note("decrease of a big order", rc);
        EXPECT(rc <= 0);
    }
    EXPECT(frames_op(XENMEM_populate_physmap, &frame, ~0ul, 0) <= 0);
    EXPECT(frames_op(XENMEM_decrease_reservation, &frame, ~0ul >> 3, 0) <= 0);
    EXPECT(pages_now() <= before && pages_now() >= before - 2);
}

static void bad_pointers_are_faults(void)
{
    uint64_t *none = (uint64_t *)0x7000000000;

    /* These answer with the number of extents done: none. */
    EXPECT(hc_memory_op(XENMEM_populate_physmap, none) <= 0);
    EXPECT(hc_memory_op(XENMEM_decrease_reservation, none) <= 0);
    note("populate from nowhere",
         frames_op(XENMEM_populate_physmap, none, 1, 0));
    note("decrease from nowhere",
         frames_op(XENMEM_decrease_reservation, none, 1, 0));
    EXPECT(frames_op(XENMEM_populate_physmap, none, 1, 0) <= 0);
    EXPECT(frames_op(XENMEM_decrease_reservation, none, 1, 0) <= 0);
    EXPECT_EQ(-XEN_EFAULT, hc_memory_op(XENMEM_exchange, none));
    EXPECT_EQ(-XEN_EFAULT, hc_memory_op(XENMEM_maximum_reservation, none));
    EXPECT_EQ(-XEN_ENOSYS, hc_memory_op(60, NULL));
}

static int64_t exchange(uint64_t *in, uint64_t nr_in, unsigned int order_in,
                        uint64_t *out, uint64_t nr_out, unsigned int order_out,
                        uint64_t *done)
{
    struct xen_memory_exchange x = {
        .in = {.nr_extents = nr_in,
               .extent_order = order_in,
               .domid = DOMID_SELF},
        .out = {.nr_extents = nr_out,
                .extent_order = order_out,
                .domid = DOMID_SELF},
    };
    int64_t rc;

    set_xen_guest_handle(x.in.extent_start, in);
    set_xen_guest_handle(x.out.extent_start, out);
    rc = hc_memory_op(XENMEM_exchange, &x);
    *done = x.nr_exchanged;
    return rc;
}

/* Four single frames for one run of four: contiguous, zeroed, M2P set. */
static void exchange_makes_frames_contiguous(void)
{
    uint64_t in[4], out[1], done = 99, *page[4], base;
    int64_t before = pages_now(), rc;
    unsigned int i;

    for (i = 0; i < 4; i++) {
        page[i] = page_alloc();
        page[i][0] = i + 1;
    }
    base = va_to_pfn(page[0]);
    for (i = 0; i < 4; i++) {
        EXPECT_EQ(base + i, va_to_pfn(page[i]));
        in[i] = va_to_mfn(page[i]);
        EXPECT_OK(va_map(page[i], 0));
    }
    out[0] = base;
    rc = exchange(in, 4, 0, out, 1, 2, &done);
    note("exchange by a guest", rc);
    if (rc == 0) {
        EXPECT_EQ(4, done);
        for (i = 0; i < 4; i++) {
            EXPECT_EQ(base + i, M2P[out[0] + i]);
            p2m[base + i] = out[0] + i;
        }
    } else {
        EXPECT_EQ(0, done);
    }
    EXPECT_EQ(before, pages_now());
    for (i = 0; i < 4; i++) {
        EXPECT_OK(map_rw(page[i]));
        EXPECT(rc ? page[i][0] == i + 1 : page[i][0] == 0);
        page_free(page[i]);
    }
}

static void bad_exchanges_are_refused(void)
{
    uint64_t *page = page_alloc();
    uint64_t in[2] = {va_to_mfn(page), va_to_mfn(page)};
    uint64_t out[2] = {va_to_pfn(page), 0}, done = 99;
    int64_t before = pages_now();

    /* Mapped, so not free to go. */
    EXPECT_REFUSED(exchange(in, 1, 0, out, 1, 0, &done));
    EXPECT_EQ(0, done);
    /* Sizes that differ, orders beyond reason, frames of others. */
    EXPECT_REFUSED(exchange(in, 2, 0, out, 1, 0, &done));
    EXPECT_REFUSED(exchange(in, 1, 0, out, 1, 1, &done));
    EXPECT_REFUSED(exchange(in, 1, 63, out, 1, 63, &done));
    EXPECT_REFUSED(exchange(in, ~0ul, 0, out, ~0ul, 0, &done));
    in[0] = PTE_MFN(((uint64_t *)start_info->pt_base)[256]);
    EXPECT_REFUSED(exchange(in, 1, 0, out, 1, 0, &done));
    in[0] = 0xfffffffffful;
    EXPECT_REFUSED(exchange(in, 1, 0, out, 1, 0, &done));
    EXPECT_REFUSED(
        exchange((uint64_t *)0x7000000000, 1, 0, out, 1, 0, &done));
    EXPECT_EQ(before, pages_now());
    page[0] = 1;
    EXPECT_EQ(1, page[0]);
    page_free(page);
}

static void others_memory_is_not_ours(void)
{
    uint64_t frame = va_to_mfn(page_alloc());
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = 0};
    domid_t dom = 0;

    set_xen_guest_handle(r.extent_start, &frame);
    EXPECT(hc_memory_op(XENMEM_decrease_reservation, &r) <= 0);
    EXPECT(hc_memory_op(XENMEM_populate_physmap, &r) <= 0);
    EXPECT_REFUSED(hc_memory_op(XENMEM_current_reservation, &dom));
    dom = 999;
    EXPECT_REFUSED(hc_memory_op(XENMEM_current_reservation, &dom));
    dom = DOMID_IO;
    EXPECT_REFUSED(hc_memory_op(XENMEM_current_reservation, &dom));
}

static void the_m2p_is_where_it_says(void)
{
    struct xen_machphys_mapping map = {0};

    EXPECT_OK(hc_memory_op(XENMEM_machphys_mapping, &map));
    EXPECT_EQ((uint64_t)M2P, map.v_start);
    EXPECT(map.v_end > map.v_start && map.max_mfn > 0);
}

static void the_memory_map_is_ours(void)
{
    struct xen_memory_map map = {.nr_entries = 32};
    static struct {
        uint64_t addr, size;
        uint32_t type;
    } __attribute__((packed)) entries[32];
    int64_t rc;

    set_xen_guest_handle(map.buffer, (void *)entries);
    rc = hc_memory_op(XENMEM_memory_map, &map);
    if (rc == -XEN_ENOSYS) {
        test_skip("the toolstack set no memory map");
        return;
    }
    EXPECT_EQ(0, rc);
    EXPECT(map.nr_entries >= 1);
    EXPECT_EQ(1, entries[0].type);
    EXPECT(entries[0].size >= start_info->nr_pages << 12);
    EXPECT_EQ(-XEN_EPERM, hc_memory_op(XENMEM_machine_memory_map, &map));
    EXPECT_REFUSED(hc_memory_op(XENMEM_set_memory_map, &map));
}

const struct test guest_tests[] = {
    TEST(counts_are_what_the_toolstack_said),
    TEST(a_page_goes_and_comes_back),
    TEST(a_mapped_page_stays_ours_to_touch_only),
    TEST(a_page_table_cannot_be_given_away),
    TEST(frames_of_others_cannot_be_given_away),
    TEST(a_batch_stops_at_the_bad_frame),
    TEST(no_more_than_the_maximum),
    TEST(impossible_requests_are_refused),
    TEST(bad_pointers_are_faults),
    TEST(exchange_makes_frames_contiguous),
    TEST(bad_exchanges_are_refused),
    TEST(others_memory_is_not_ours),
    TEST(the_m2p_is_where_it_says),
    TEST(the_memory_map_is_ours),
    {0},
};
