/*
 * Each call with as much to do as a guest may ask for: none of them may keep
 * its CPU for a millisecond, which the host sees (debug key l; the case
 * calls-give-way-in-time looks). What is asked for must all be done, too. The
 * guest ends with its tables pinned, so that its teardown is a long one.
 */
#include "evtchn.h"

#define FIRST_SPARE 4096 /* pfn: beyond what the builder maps */
#define NR_L1       8192
#define NR_L2       (NR_L1 / 512)

static uint64_t *window; /* a page of ours whose mapping moves */

static uint64_t spare(uint64_t i)
{
    return p2m[FIRST_SPARE + i];
}

static bool has_spare(uint64_t nr)
{
    return FIRST_SPARE + nr <= start_info->nr_pages;
}

static void window_to(uint64_t mfn)
{
    va_map(window, pte_make(mfn, PTE_RW_PAGE));
}

/* Fill the frame with entries that name nr frames from there on, again and
 * again. */
static void fill_table(uint64_t table, uint64_t first, uint64_t nr, uint64_t at,
                       uint64_t flags)
{
    unsigned i;

    window_to(spare(table));
    for (i = 0; i < 512; i++)
        window[i] = pte_make(spare(first + (at + i) % nr), flags);
}

#define FIRST_L2   NR_L1
#define L3         (NR_L1 + NR_L2)
#define FIRST_DATA (L3 + 1)
#define NR_DATA    1000

/* Four million entries below one table of the third level; `home` is the
 * window's own page, which it shows again. */
static void fill_tree(uint64_t home)
{
    uint64_t i;

    for (i = 0; i < NR_L1; i++)
        fill_table(i, FIRST_DATA, NR_DATA, i * 512, PTE_RW_PAGE);
    for (i = 0; i < NR_L2; i++)
        fill_table(FIRST_L2 + i, 0, NR_L1, i * 512, PTE_TABLE);
    fill_table(L3, FIRST_L2, NR_L2, 0, PTE_TABLE);
    window_to(home);
}

static void four_million_entries_in_one_pin(void)
{
    uint64_t home;

    if (!EXPECT(has_spare(FIRST_DATA + NR_DATA)))
        return;
    window = page_alloc();
    home = va_to_mfn(window);
    fill_tree(home);
    EXPECT_OK(pin_level(3, spare(L3)));
    EXPECT_REFUSED(va_map(window, pte_make(spare(0), PTE_RW_PAGE)));
    EXPECT_OK(unpin(spare(L3)));
    EXPECT_OK(va_map(window, pte_make(spare(0), PTE_RW_PAGE)));
    EXPECT_OK(va_map(window, pte_make(home, PTE_RW_PAGE)));
}

static void pins_by_the_hundred_in_one_call(void)
{
    static struct mmuext_op op[16];
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(op); i++)
        op[i] = (struct mmuext_op){.cmd = i % 2 ? MMUEXT_UNPIN_TABLE
                                                : MMUEXT_PIN_L2_TABLE,
                                   .arg1.mfn = spare(FIRST_L2 + i / 2 % NR_L2)};
    EXPECT_OK(hc_mmuext_op(op, ARRAY_SIZE(op), NULL, DOMID_SELF));
}

static void flushes_by_the_thousand(void)
{
    static struct mmuext_op op[4096];
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(op); i++)
        op[i].cmd = i % 2 ? MMUEXT_TLB_FLUSH_ALL : MMUEXT_TLB_FLUSH_LOCAL;
    EXPECT_OK(hc_mmuext_op(op, ARRAY_SIZE(op), NULL, DOMID_SELF));
}

static void updates_by_the_thousand(void)
{
    static struct mmu_update req[16384];
    uint64_t *page = page_alloc(), at = pte_addr(page), mfn = va_to_mfn(page);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(req); i++) {
        req[i].ptr = at;
        req[i].val = pte_make(mfn, i % 2 ? PTE_RW_PAGE : PTE_RO_PAGE);
    }
    EXPECT_OK(hc_mmu_update(req, ARRAY_SIZE(req), NULL, DOMID_SELF));
    page_free(page);
}

static void a_table_of_tables_comes_and_goes_by_one_entry(void)
{
    uint64_t *l3 = table_alloc();

    EXPECT_OK(pin_level(3, va_to_mfn(l3)));
    EXPECT_OK(mmu_update_one(entry_addr(l3, 0),
                             pte_make(spare(FIRST_L2), PTE_TABLE)));
    EXPECT_OK(mmu_update_one(entry_addr(l3, 0), 0));
    EXPECT_OK(unpin(va_to_mfn(l3)));
    table_free(l3);
}

static void calls_by_the_thousand_in_one(void)
{
    static struct multicall_entry call[4096];
    uint64_t *page = page_alloc(), mfn = va_to_mfn(page);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(call); i++) {
        call[i].op = __HYPERVISOR_update_va_mapping;
        call[i].args[0] = (uint64_t)page;
        call[i].args[1] = pte_make(mfn, i % 2 ? PTE_RW_PAGE : PTE_RO_PAGE);
        call[i].args[2] = UVMF_INVLPG | UVMF_ALL;
    }
    EXPECT_OK(HC2(multicall, call, ARRAY_SIZE(call)));
    page_free(page);
}

static int64_t reserve(unsigned cmd, uint64_t *list, uint64_t nr,
                       unsigned order)
{
    struct xen_memory_reservation r = {
        .nr_extents = nr, .extent_order = order, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, list);
    return hc_memory_op(cmd, &r);
}

#define NR_BALLOON 8192
static uint64_t list[NR_BALLOON], new_list[NR_BALLOON];

/* The frames of the tables, which nothing maps now. */
static void memory_goes_and_comes_in_single_frames(void)
{
    uint64_t i;

    for (i = 0; i < NR_BALLOON; i++)
        list[i] = spare(i);
    EXPECT_EQ(NR_BALLOON,
              reserve(XENMEM_decrease_reservation, list, NR_BALLOON, 0));
    for (i = 0; i < NR_BALLOON; i++)
        list[i] = FIRST_SPARE + i;
    EXPECT_EQ(NR_BALLOON,
              reserve(XENMEM_populate_physmap, list, NR_BALLOON, 0));
    memcpy(&p2m[FIRST_SPARE], list, sizeof(list));
}

static void memory_goes_and_comes_in_large_ones(void)
{
    uint64_t i, n = NR_BALLOON >> 9, mfn;

    for (i = 0; i < NR_BALLOON; i++)
        list[i] = spare(i);
    EXPECT_EQ(NR_BALLOON,
              reserve(XENMEM_decrease_reservation, list, NR_BALLOON, 0));
    for (i = 0; i < n; i++)
        list[i] = FIRST_SPARE + (i << 9);
    if (!EXPECT_EQ(n, reserve(XENMEM_populate_physmap, list, n, 9)))
        return;
    for (i = 0; i < n; i++)
        for (mfn = 0; mfn < 512; mfn++)
            p2m[FIRST_SPARE + (i << 9) + mfn] = list[i] + mfn;
    EXPECT_EQ(n, reserve(XENMEM_decrease_reservation, list, n, 9));
    for (i = 0; i < n; i++)
        list[i] = FIRST_SPARE + (i << 9);
    EXPECT_EQ(n, reserve(XENMEM_populate_physmap, list, n, 9));
    for (i = 0; i < n; i++)
        for (mfn = 0; mfn < 512; mfn++)
            p2m[FIRST_SPARE + (i << 9) + mfn] = list[i] + mfn;
}

static void memory_is_exchanged(void)
{
    xen_memory_exchange_t x = {
        .in = {.nr_extents = NR_BALLOON, .domid = DOMID_SELF},
        .out = {.nr_extents = NR_BALLOON >> 9,
                .extent_order = 9,
                .domid = DOMID_SELF}};
    uint64_t i;

    for (i = 0; i < NR_BALLOON; i++)
        list[i] = spare(i);
    for (i = 0; i < NR_BALLOON >> 9; i++)
        new_list[i] = FIRST_SPARE + (i << 9);
    set_xen_guest_handle(x.in.extent_start, list);
    set_xen_guest_handle(x.out.extent_start, new_list);
    EXPECT_OK(hc_memory_op(XENMEM_exchange, &x));
    EXPECT_EQ(NR_BALLOON, x.nr_exchanged);
    for (i = 0; i < NR_BALLOON; i++)
        p2m[FIRST_SPARE + i] = new_list[i >> 9] + (i & 511);
}

/* ---- grants ---- */

#define NR_COPIES 2048
#define NR_MAPS   256

static grant_entry_v1_t *grants;

static domid_t own_domid(void)
{
    struct evtchn_status status = {.dom = DOMID_SELF};

    status.port = (evtchn_port_t)ev_alloc_unbound(DOMID_SELF);
    hc_event_channel_op(EVTCHNOP_status, &status);
    ev_close(status.port);
    return status.u.unbound.dom;
}

static void the_grant_table_grows_at_once(void)
{
    static uint64_t frames[64];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 64};

    set_xen_guest_handle(op.frame_list, frames);
    EXPECT_OK(hc_grant_table_op(GNTTABOP_setup_table, &op, 1));
    EXPECT_EQ(GNTST_okay, op.status);
    grants = page_alloc();
    EXPECT_OK(va_map(grants, pte_make(frames[0], PTE_RW_PAGE)));
}

static void grants_are_mapped_and_unmapped_in_one_call(void)
{
    static struct gnttab_map_grant_ref map[NR_MAPS];
    static struct gnttab_unmap_grant_ref unmap[NR_MAPS];
    uint8_t *granted = page_alloc();
    domid_t self = own_domid();
    unsigned i, ok = 0;

    grants[20] = (grant_entry_v1_t){.frame = (uint32_t)va_to_mfn(granted),
                                    .domid = self,
                                    .flags = GTF_permit_access};
    for (i = 0; i < NR_MAPS; i++) {
        map[i].host_addr = (uint64_t)page_alloc();
        map[i].dom = self;
        map[i].ref = 20;
        map[i].flags = GNTMAP_host_map;
        va_map((void *)map[i].host_addr, 0);
    }
    EXPECT_OK(hc_grant_table_op(GNTTABOP_map_grant_ref, map, NR_MAPS));
    for (i = 0; i < NR_MAPS; i++) {
        ok += map[i].status == GNTST_okay;
        unmap[i].host_addr = map[i].host_addr;
        unmap[i].handle = map[i].handle;
    }
    EXPECT(ok >= 255); /* users of one grant */
    EXPECT_OK(hc_grant_table_op(GNTTABOP_unmap_grant_ref, unmap, ok));
    EXPECT_EQ(GNTST_okay, unmap[ok - 1].status);
    EXPECT_EQ(0, grants[20].flags & (GTF_reading | GTF_writing));
    grants[20].flags = 0;
    for (i = 0; i < NR_MAPS; i++) {
        map_rw((void *)map[i].host_addr);
        page_free((void *)map[i].host_addr);
    }
    page_free(granted);
}

static void pages_are_copied_in_one_call(void)
{
    static struct gnttab_copy op[NR_COPIES];
    uint8_t *from = page_alloc(), *to = page_alloc();
    unsigned i;

    for (i = 0; i < NR_COPIES; i++) {
        op[i].source.u.gmfn = va_to_mfn(from);
        op[i].dest.u.gmfn = va_to_mfn(to);
        op[i].source.domid = op[i].dest.domid = DOMID_SELF;
        op[i].len = PAGE_SIZE;
    }
    from[4095] = 0x5a;
    EXPECT_OK(hc_grant_table_op(GNTTABOP_copy, op, NR_COPIES));
    EXPECT_EQ(GNTST_okay, op[NR_COPIES - 1].status);
    EXPECT_EQ(0x5a, to[4095]);
    page_free(from);
    page_free(to);
}

/* ---- events, descriptors, the rest ---- */

/* Its teardown closes them. */
static void all_channels_are_taken(void)
{
    unsigned n = 0;

    while (n < 200000 && ev_alloc_unbound(0) > 0)
        n++;
    note("event channels", n);
    EXPECT(n > 3000);
}

static void the_largest_descriptor_tables(void)
{
    uint64_t mfn[14], *gdt;
    unsigned i, k;

    for (i = 0; i < ARRAY_SIZE(mfn); i++) {
        gdt = page_alloc();
        for (k = 0; k < 512; k++)
            gdt[k] = 0x00cff3000000ffff; /* flat data of privilege 3 */
        mfn[i] = va_to_mfn(gdt);
        map_ro(gdt);
    }
    EXPECT_OK(HC2(set_gdt, mfn, 14 * 512));
}

static void many_ports_are_polled(void)
{
    static evtchn_port_t ports[128];
    struct sched_poll poll = {.nr_ports = 128, .timeout = 1};
    unsigned i;

    for (i = 0; i < 128; i++)
        ports[i] = i + 1;
    set_xen_guest_handle(poll.ports, ports);
    EXPECT_OK(hc_sched_op(SCHEDOP_poll, &poll));
}

static void much_is_said_at_once(void)
{
    static char text[65536];

    memset(text, 'x', sizeof(text));
    note("64 KiB to the host's console",
         hc_console_io(CONSOLEIO_write, sizeof(text), text));
}

static void all_of_it_is_pinned_at_the_end(void)
{
    fill_tree(va_to_mfn(window));
    EXPECT_OK(pin_level(3, spare(L3)));
}

const struct test guest_tests[] = {
    TEST(four_million_entries_in_one_pin),
    TEST(pins_by_the_hundred_in_one_call),
    TEST(flushes_by_the_thousand),
    TEST(updates_by_the_thousand),
    TEST(a_table_of_tables_comes_and_goes_by_one_entry),
    TEST(calls_by_the_thousand_in_one),
    TEST(memory_goes_and_comes_in_single_frames),
    TEST(memory_goes_and_comes_in_large_ones),
    TEST(memory_is_exchanged),
    TEST(the_grant_table_grows_at_once),
    TEST(grants_are_mapped_and_unmapped_in_one_call),
    TEST(pages_are_copied_in_one_call),
    TEST(the_largest_descriptor_tables),
    TEST(many_ports_are_polled),
    TEST(much_is_said_at_once),
    TEST(all_channels_are_taken),
    TEST(all_of_it_is_pinned_at_the_end),
    {0},
};
