/*
 * Grant tables, with our own domain on both sides: what is granted can be
 * copied and mapped, nothing else can, and what is in use cannot be ended.
 */
#include "guest.h"

#define BAD_REF 0x7ffffff0u

static grant_entry_v1_t *table; /* the first frame */
static uint16_t self = DOMID_SELF;

/* Our own number, which a grant to ourselves must name. */
static uint16_t own_domid(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF,
                                         .remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = DOMID_SELF};
    struct evtchn_close close;

    hc_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
    close.port = status.port = alloc.port;
    hc_event_channel_op(EVTCHNOP_status, &status);
    hc_event_channel_op(EVTCHNOP_close, &close);
    return status.u.unbound.dom;
}

static void setup_table_gives_frames(void)
{
    static uint64_t frames[4];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    struct gnttab_query_size q = {.dom = DOMID_SELF};

    set_xen_guest_handle(op.frame_list, frames);
    EXPECT_OK(hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    EXPECT_EQ(GNTST_okay, op.status);
    table = page_alloc();
    EXPECT_OK(va_map(table, pte_make(frames[0], PTE_RW_PAGE)));
    EXPECT_OK(hc_grant_table_op(GNTTABOP_query_size, &q, 1));
    EXPECT_EQ(GNTST_okay, q.status);
    EXPECT(q.nr_frames >= 1 && q.max_nr_frames >= q.nr_frames);
    note("grant frames at most", q.max_nr_frames);
    /* What the toolstack put there for the console and the store. */
    EXPECT(table[GNTTAB_RESERVED_CONSOLE].flags & GTF_permit_access);
    EXPECT(table[GNTTAB_RESERVED_XENSTORE].flags & GTF_permit_access);
    self = own_domid();
    note("own domid", self);
    EXPECT(self != DOMID_SELF);
}

static void setup_table_is_bounded(void)
{
    static uint64_t frames[70];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 100000};

    set_xen_guest_handle(op.frame_list, frames);
    EXPECT_OK(hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    EXPECT(op.status < 0);
    note("100000 frames", op.status);
    op.dom = 0;
    op.nr_frames = 1;
    EXPECT_OK(hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    EXPECT(op.status < 0);
    note("dom0's table", op.status);
    op.dom = 999;
    EXPECT_OK(hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    EXPECT(op.status < 0);
    note("nobody's table", op.status);
    op.dom = DOMID_SELF;
    set_xen_guest_handle(op.frame_list, (uint64_t *)0x7000000000);
    note("frames to nowhere", hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    note("and status", op.status);
}

static void grant(grant_ref_t ref, const void *page, uint16_t flags)
{
    table[ref].frame = (uint32_t)va_to_mfn(page);
    table[ref].domid = self;
    barrier();
    table[ref].flags = GTF_permit_access | flags;
}

static void end_access(grant_ref_t ref)
{
    table[ref].flags = 0;
}

static int copy(struct gnttab_copy *c)
{
    EXPECT_OK(hc_grant_table_op(GNTTABOP_copy, c, 1));
    return c->status;
}

static void copy_by_reference_and_by_frame(void)
{
    uint8_t *from = page_alloc(), *to = page_alloc();
    struct gnttab_copy c = {.len = 100, .flags = GNTCOPY_source_gref};

    memset(from + 10, 0x5a, 100);
    grant(20, from, GTF_readonly);
    grant(21, to, 0);
    c.source.u.ref = 20;
    c.source.domid = self;
    c.source.offset = 10;
    c.dest.u.gmfn = va_to_mfn(to);
    c.dest.domid = DOMID_SELF;
    c.dest.offset = 4000 - 100;
    EXPECT_EQ(GNTST_okay, copy(&c));
    EXPECT_EQ(0, memcmp(from + 10, to + 3900, 100));
    EXPECT_EQ(0, to[4000]);
    /* And with references on both sides. */
    memset(to, 0, PAGE_SIZE);
    c.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    c.dest.u.ref = 21;
    c.dest.domid = self;
    EXPECT_EQ(GNTST_okay, copy(&c));
    EXPECT_EQ(0, memcmp(from + 10, to + 3900, 100));
    /* The marks of use are gone again. */
    EXPECT_EQ(0, table[20].flags & (GTF_reading | GTF_writing));
    EXPECT_EQ(0, table[21].flags & (GTF_reading | GTF_writing));
    end_access(20);
    end_access(21);
    page_free(from);
    page_free(to);
}

static void bad_copies_are_refused(void)
{
    uint8_t *from = page_alloc(), *to = page_alloc();
    uint64_t *l1 = table_alloc();
    struct gnttab_copy c = {.len = 8, .flags = GNTCOPY_dest_gref};

    grant(22, to, GTF_readonly);
    c.source.u.gmfn = va_to_mfn(from);
    c.source.domid = DOMID_SELF;
    c.dest.u.ref = 22;
    c.dest.domid = self;
    EXPECT(copy(&c) < 0);
    note("copy into a read-only grant", c.status);
    EXPECT_EQ(0, table[22].flags & (GTF_reading | GTF_writing));
    c.dest.u.ref = 23;
    EXPECT(copy(&c) < 0);
    note("copy into an unused reference", c.status);
    c.dest.u.ref = BAD_REF;
    EXPECT(copy(&c) < 0);
    note("copy into a reference beyond", c.status);
    grant(22, to, 0);
    table[22].domid = 0;
    c.dest.u.ref = 22;
    EXPECT(copy(&c) < 0);
    note("copy by another's grant", c.status);
    grant(22, to, 0);
    c.dest.offset = 4092;
    EXPECT(copy(&c) < 0);
    note("copy over the page's end", c.status);
    c.dest.offset = 0;
    c.len = 0xffff;
    EXPECT(copy(&c) < 0);
    c.len = 8;
    c.source.offset = 0xfff0;
    EXPECT(copy(&c) < 0);
    c.source.offset = 0;
    /* A grant of what is not ours to give. */
    table[22].frame = (uint32_t)PTE_MFN(((uint64_t *)start_info->pt_base)[256]);
    EXPECT(copy(&c) < 0);
    note("copy into a granted hypervisor frame", c.status);
    table[22].frame = 0xfee00;
    EXPECT(copy(&c) < 0);
    table[22].frame = 0xffffffff;
    EXPECT(copy(&c) < 0);
    /* A page table is no destination, whatever the grant says. */
    EXPECT_OK(pin_level(1, va_to_mfn(l1)));
    table[22].frame = (uint32_t)va_to_mfn(l1);
    EXPECT(copy(&c) < 0);
    note("copy into a page table", c.status);
    c.flags = 0;
    c.dest.u.gmfn = va_to_mfn(l1);
    c.dest.domid = DOMID_SELF;
    EXPECT(copy(&c) < 0);
    c.dest.domid = 0;
    c.dest.u.gmfn = 0x100;
    EXPECT(copy(&c) < 0);
    note("copy into dom0 by frame", c.status);
    c.dest.domid = DOMID_SELF;
    c.dest.u.gmfn = va_to_mfn(to);
    c.source.domid = 0;
    c.source.u.gmfn = 0x100;
    EXPECT(copy(&c) < 0);
    EXPECT_OK(unpin(va_to_mfn(l1)));
    end_access(22);
    table_free(l1);
    page_free(from);
    page_free(to);
}

static struct gnttab_map_grant_ref map_op(const void *at, grant_ref_t ref,
                                          uint32_t flags)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = (uint64_t)at,
        .flags = flags,
        .ref = ref,
        .dom = self,
    };

    hc_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);
    return op;
}

static int unmap(uint64_t host_addr, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = host_addr,
                                        .handle = handle};

    EXPECT_OK(hc_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1));
    return op.status;
}

/*
 * The peer refuses (or not) to map a domain's grants into itself; what it
 * says is noted, and when it agrees the mapping must be a good one.
 */
static void own_grants_map_cleanly_or_not_at_all(void)
{
    uint8_t *page = page_alloc(), *at = page_alloc();
    struct gnttab_map_grant_ref op;

    EXPECT_OK(va_map(at, 0));
    grant(30, page, 0);
    op = map_op(at, 30, GNTMAP_host_map);
    note("mapping an own grant", op.status);
    if (op.status == GNTST_okay) {
        page[0] = 0x77;
        EXPECT_EQ(0x77, at[0]);
        at[1] = 0x66;
        EXPECT_EQ(0x66, page[1]);
        EXPECT(table[30].flags & GTF_writing);
        EXPECT(table[30].flags & GTF_reading);
        /* A mapped page is written through the grant: no table. */
        EXPECT_OK(map_ro(page));
        EXPECT_REFUSED(pin_level(1, va_to_mfn(page)));
        EXPECT(unmap((uint64_t)at + PAGE_SIZE, op.handle) < 0);
        EXPECT_EQ(GNTST_okay, unmap((uint64_t)at, op.handle));
        EXPECT(TRAPS(*(volatile uint8_t *)at));
        EXPECT(unmap((uint64_t)at, op.handle) < 0);
        EXPECT_EQ(0, table[30].flags & (GTF_reading | GTF_writing));
        EXPECT_OK(map_rw(page));
        memset(page, 0, PAGE_SIZE);
        EXPECT_OK(map_ro(page));
        EXPECT_OK(pin_level(1, va_to_mfn(page)));
        EXPECT_OK(unpin(va_to_mfn(page)));
        EXPECT_OK(map_rw(page));
    }
    end_access(30);
    EXPECT_OK(map_rw(at));
    page_free(page);
    page_free(at);
}

static void a_read_only_grant_maps_read_only(void)
{
    uint8_t *page = page_alloc(), *at = page_alloc();
    struct gnttab_map_grant_ref op;

    EXPECT_OK(va_map(at, 0));
    grant(31, page, GTF_readonly);
    op = map_op(at, 31, GNTMAP_host_map);
    EXPECT(op.status != GNTST_okay);
    note("writable map of a read-only grant", op.status);
    op = map_op(at, 31, GNTMAP_host_map | GNTMAP_readonly);
    if (op.status == GNTST_okay) {
        EXPECT(!TRAPS(*(volatile uint8_t *)at));
        EXPECT(TRAPS(*(volatile uint8_t *)at = 1));
        EXPECT_EQ(GTF_reading, table[31].flags & (GTF_reading | GTF_writing));
        EXPECT_EQ(GNTST_okay, unmap((uint64_t)at, op.handle));
    }
    end_access(31);
    EXPECT_OK(map_rw(at));
    page_free(page);
    page_free(at);
}

/*
 * Two grants of one page, one to write. Naming the other's entry must not end
 * the writable one and leave its entry behind.
 */
static void one_grants_entry_does_not_end_anothers(void)
{
    uint8_t *page = page_alloc(), *rw = page_alloc(), *ro = page_alloc();
    struct gnttab_map_grant_ref a, b;

    EXPECT_OK(va_map(rw, 0));
    EXPECT_OK(va_map(ro, 0));
    grant(33, page, 0);
    grant(34, page, GTF_readonly);
    a = map_op(rw, 33, GNTMAP_host_map);
    b = map_op(ro, 34, GNTMAP_host_map | GNTMAP_readonly);
    EXPECT_EQ(GNTST_okay, a.status);
    EXPECT_EQ(GNTST_okay, b.status);
    EXPECT(unmap((uint64_t)ro, a.handle) != GNTST_okay);
    EXPECT(unmap((uint64_t)rw, b.handle) != GNTST_okay);
    EXPECT(table[33].flags & GTF_writing);
    EXPECT_EQ(GNTST_okay, unmap((uint64_t)rw, a.handle));
    EXPECT_EQ(GNTST_okay, unmap((uint64_t)ro, b.handle));
    EXPECT_EQ(0, table[33].flags & (GTF_reading | GTF_writing));
    end_access(33);
    end_access(34);
    EXPECT_OK(map_rw(rw));
    EXPECT_OK(map_rw(ro));
    page_free(page);
    page_free(rw);
    page_free(ro);
}

/* By the entry's own address, as a user-space mapping is made. */
static void maps_by_entry_address_check_the_entry(void)
{
    uint8_t *page = page_alloc(), *at = page_alloc();
    uint64_t entry = pte_addr(at);
    struct gnttab_map_grant_ref op;
    uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte;

    EXPECT_OK(va_map(at, 0));
    grant(32, page, 0);
    op = map_op((void *)entry, 32, flags);
    note("map by entry address", op.status);
    if (op.status == GNTST_okay) {
        page[5] = 5;
        EXPECT_EQ(5, at[5]);
        EXPECT_EQ(GNTST_okay, unmap(entry, op.handle));
    }
    /* An "entry" in a plain page, in an L4, in nobody's frame. */
    op = map_op((void *)(va_to_mfn(page) << 12), 32, flags);
    EXPECT(op.status != GNTST_okay);
    op = map_op((void *)(entry_addr((uint64_t *)start_info->pt_base, 8)), 32,
                flags);
    EXPECT(op.status != GNTST_okay);
    op = map_op((void *)0xfee00000ul, 32, flags);
    EXPECT(op.status != GNTST_okay);
    op = map_op((void *)(PTE_MFN(((uint64_t *)start_info->pt_base)[256]) << 12),
                32, flags);
    EXPECT(op.status != GNTST_okay);
    EXPECT_EQ(0, table[32].flags & (GTF_reading | GTF_writing));
    end_access(32);
    EXPECT_OK(map_rw(at));
    page_free(page);
    page_free(at);
}

static void bad_maps_are_refused(void)
{
    uint8_t *page = page_alloc(), *at = page_alloc();
    struct gnttab_map_grant_ref op;

    op = map_op(at, 40, GNTMAP_host_map);
    EXPECT(op.status < 0);
    note("map of an unused reference", op.status);
    op = map_op(at, BAD_REF, GNTMAP_host_map);
    EXPECT(op.status < 0);
    note("map of a reference beyond", op.status);
    grant(40, page, 0);
    op = map_op(at, 40, 0);
    EXPECT(op.status < 0);
    note("map without a kind", op.status);
    op = map_op((void *)0xffff830000000000ul, 40, GNTMAP_host_map);
    EXPECT(op.status < 0);
    note("map into the hypervisor", op.status);
    op = map_op((void *)0x7000000000ul, 40, GNTMAP_host_map);
    EXPECT(op.status < 0);
    note("map where no table is", op.status);
    EXPECT_EQ(0, table[40].flags & (GTF_reading | GTF_writing));
    table[40].frame = (uint32_t)PTE_MFN(((uint64_t *)start_info->pt_base)[256]);
    op = map_op(at, 40, GNTMAP_host_map);
    EXPECT(op.status < 0);
    note("map of a granted hypervisor frame", op.status);
    table[40].frame = 0xffffffff;
    op = map_op(at, 40, GNTMAP_host_map);
    EXPECT(op.status < 0);
    end_access(40);
    page_free(page);
    page_free(at);
}

static void bad_unmaps_are_refused(void)
{
    static const grant_handle_t handles[] = {0, 1, 1000, 0x7fffffff, ~0u};
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(handles); i++) {
        int status = unmap((uint64_t)table, handles[i]);

        EXPECT(status < 0);
        note("unmap of a handle nobody gave", status);
    }
}

/* What is mapped in one batch stops where the pointers do. */
static void bad_batches_are_refused(void)
{
    EXPECT_EQ(-XEN_EFAULT, hc_grant_table_op(GNTTABOP_copy, 0x7000000000, 1));
    EXPECT_EQ(-XEN_EFAULT,
              hc_grant_table_op(GNTTABOP_map_grant_ref, 0x7000000000, 1));
    EXPECT_EQ(-XEN_EFAULT,
              hc_grant_table_op(GNTTABOP_unmap_grant_ref, 0x7000000000, 1));
    EXPECT_REFUSED(hc_grant_table_op(GNTTABOP_copy, 0x7000000000, ~0u));
    EXPECT_REFUSED(hc_grant_table_op(99, 0, 0));
    EXPECT_EQ(0, hc_grant_table_op(GNTTABOP_copy, 0, 0));
}

static void versions_are_negotiated(void)
{
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    struct gnttab_set_version set = {.version = 1};

    EXPECT_OK(hc_grant_table_op(GNTTABOP_get_version, &get, 1));
    EXPECT_EQ(1, get.version);
    EXPECT_OK(hc_grant_table_op(GNTTABOP_set_version, &set, 1));
    set.version = 3;
    EXPECT_EQ(-XEN_EINVAL, hc_grant_table_op(GNTTABOP_set_version, &set, 1));
    set.version = 2;
    note("asking for version 2",
         hc_grant_table_op(GNTTABOP_set_version, &set, 1));
    set.version = 1;
    EXPECT_OK(hc_grant_table_op(GNTTABOP_set_version, &set, 1));
}

static void grant_frames_map_like_data_only(void)
{
    uint64_t mfn = PTE_MFN(*pte_of_level(table, 1));

    EXPECT_REFUSED(pin_level(1, mfn));
    EXPECT_REFUSED(HC2(set_gdt, &mfn, 512));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, mfn));
}

const struct test guest_tests[] = {
    TEST(setup_table_gives_frames),
    TEST(setup_table_is_bounded),
    TEST(copy_by_reference_and_by_frame),
    TEST(bad_copies_are_refused),
    TEST(own_grants_map_cleanly_or_not_at_all),
    TEST(a_read_only_grant_maps_read_only),
    TEST(one_grants_entry_does_not_end_anothers),
    TEST(maps_by_entry_address_check_the_entry),
    TEST(bad_maps_are_refused),
    TEST(bad_unmaps_are_refused),
    TEST(bad_batches_are_refused),
    TEST(versions_are_negotiated),
    TEST(grant_frames_map_like_data_only),
    {0},
};
