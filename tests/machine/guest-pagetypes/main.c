/*
 * The rules that keep page tables honest: no writable mapping of a page table
 * or descriptor frame, no mapping of a frame we have no right to, and every
 * refusal leaves things as they were.
 */
#include "guest.h"

#define L4_SELF ((uint64_t *)start_info->pt_base)

/* A page to move mappings about in; its own frame is parked meanwhile. */
static void *window(void)
{
    static void *page;

    if (!page)
        page = page_alloc();
    return page;
}

static int window_map(uint64_t pte)
{
    return va_map(window(), pte);
}

static int window_rw(const void *page)
{
    return window_map(pte_make(va_to_mfn(page), PTE_RW_PAGE));
}

static void pinned_table_refuses_writable_maps(void)
{
    int level;

    for (level = 1; level <= 4; level++) {
        uint64_t *t = table_alloc();

        EXPECT_OK(pin_level(level, va_to_mfn(t)));
        EXPECT_REFUSED(map_rw(t));
        EXPECT_REFUSED(window_rw(t));
        EXPECT_OK(window_map(pte_make(va_to_mfn(t), PTE_RO_PAGE)));
        EXPECT_OK(unpin(va_to_mfn(t)));
        EXPECT_OK(window_rw(t));
        EXPECT_OK(window_map(0));
        table_free(t);
    }
}

static void writable_page_cannot_be_pinned(void)
{
    uint64_t *page = page_alloc();
    int level;

    for (level = 1; level <= 4; level++)
        EXPECT_REFUSED(pin_level(level, va_to_mfn(page)));
    page_free(page);
}

/* Of two writable mappings each one alone must still prevent it. */
static void second_writable_map_still_counts(void)
{
    uint64_t *page = page_alloc();

    EXPECT_OK(window_rw(page));
    EXPECT_OK(map_ro(page));
    EXPECT_REFUSED(pin_level(1, va_to_mfn(page)));
    EXPECT_OK(window_map(0));
    EXPECT_OK(pin_level(1, va_to_mfn(page)));
    EXPECT_OK(unpin(va_to_mfn(page)));
    table_free(page);
}

static void pinning_twice_and_unpinning_twice_is_refused(void)
{
    uint64_t *t = table_alloc();

    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    EXPECT_REFUSED(pin_level(1, va_to_mfn(t)));
    EXPECT_OK(unpin(va_to_mfn(t)));
    EXPECT_REFUSED(unpin(va_to_mfn(t)));
    table_free(t);
}

static void a_frame_has_one_table_level_at_a_time(void)
{
    uint64_t *t = table_alloc(), *l3 = table_alloc();
    int level;

    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    for (level = 2; level <= 4; level++)
        EXPECT_REFUSED(pin_level(level, va_to_mfn(t)));
    EXPECT_OK(pin_level(3, va_to_mfn(l3)));
    EXPECT_REFUSED(
        mmu_update_one(entry_addr(l3, 0), pte_make(va_to_mfn(t), PTE_TABLE)));
    EXPECT_EQ(0, l3[0]);
    EXPECT_OK(unpin(va_to_mfn(l3)));
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    table_free(l3);
}

/* L4 to L1 hold each other; dropping the top gives all of them back. */
static void a_pinned_tree_holds_its_branches(void)
{
    uint64_t *t[5];
    int level;

    for (level = 1; level <= 4; level++) {
        t[level] = page_alloc();
        if (level > 1)
            t[level][7] = pte_make(va_to_mfn(t[level - 1]), PTE_TABLE);
    }
    for (level = 1; level <= 4; level++)
        EXPECT_OK(map_ro(t[level]));
    EXPECT_OK(pin_level(4, va_to_mfn(t[4])));
    for (level = 1; level <= 4; level++)
        EXPECT_REFUSED(map_rw(t[level]));
    EXPECT_OK(mmu_update_one(entry_addr(t[4], 7), 0));
    for (level = 1; level <= 3; level++)
        EXPECT_OK(map_rw(t[level]));
    EXPECT_REFUSED(map_rw(t[4]));
    EXPECT_OK(unpin(va_to_mfn(t[4])));
    EXPECT_OK(map_rw(t[4]));
    for (level = 1; level <= 4; level++)
        page_free(t[level]);
}

/* A bad entry behind good ones: what the good ones took is given back. */
static void a_failed_pin_leaves_nothing_held(void)
{
    uint64_t *l2 = page_alloc(), *good = table_alloc(), *bad = page_alloc();
    uint64_t *l1 = page_alloc(), *data = page_alloc();

    l2[0] = pte_make(va_to_mfn(good), PTE_TABLE);
    l2[511] = pte_make(va_to_mfn(bad), PTE_TABLE);
    EXPECT_OK(map_ro(l2));
    EXPECT_REFUSED(pin_level(2, va_to_mfn(l2)));
    EXPECT_OK(map_rw(good));
    EXPECT_OK(map_rw(l2));

    l1[0] = pte_make(va_to_mfn(data), PTE_RW_PAGE);
    l1[511] = pte_make(PTE_MFN(L4_SELF[256]), PTE_RO_PAGE);
    EXPECT_OK(map_ro(l1));
    EXPECT_REFUSED(pin_level(1, va_to_mfn(l1)));
    EXPECT_OK(map_ro(data));
    EXPECT_OK(pin_level(1, va_to_mfn(data)));
    EXPECT_OK(unpin(va_to_mfn(data)));
    EXPECT_OK(map_rw(data));
    EXPECT_OK(map_rw(l1));
    page_free(l2);
    page_free(good);
    page_free(bad);
    page_free(l1);
    page_free(data);
}

static void a_table_cannot_map_itself_writable(void)
{
    uint64_t *t = page_alloc(), *other = table_alloc();

    t[3] = pte_make(va_to_mfn(t), PTE_RW_PAGE);
    EXPECT_OK(map_ro(t));
    EXPECT_REFUSED(pin_level(1, va_to_mfn(t)));
    EXPECT_OK(map_rw(t));
    t[3] = 0;
    EXPECT_OK(map_ro(t));
    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    EXPECT_REFUSED(
        mmu_update_one(entry_addr(t, 3), pte_make(va_to_mfn(t), PTE_RW_PAGE)));
    EXPECT_OK(
        mmu_update_one(entry_addr(t, 3), pte_make(va_to_mfn(t), PTE_RO_PAGE)));
    EXPECT_OK(pin_level(4, va_to_mfn(other)));
    EXPECT_REFUSED(mmu_update_one(entry_addr(t, 4),
                                  pte_make(va_to_mfn(other), PTE_RW_PAGE)));
    EXPECT_OK(unpin(va_to_mfn(other)));
    EXPECT_OK(mmu_update_one(entry_addr(t, 3), 0));
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    table_free(other);
}

/*
 * An entry for a table of the same level: never writable. Read-only the peer
 * takes it, and then its reference must go with the entry.
 */
static void linear_tables_are_refused_or_released(void)
{
    int level, rc;

    for (level = 2; level <= 4; level++) {
        uint64_t *t = table_alloc();
        uint64_t self = pte_make(va_to_mfn(t), PTE_TABLE);

        EXPECT_OK(pin_level(level, va_to_mfn(t)));
        EXPECT_REFUSED(mmu_update_one(entry_addr(t, 8), self));
        rc = mmu_update_one(entry_addr(t, 8), self & ~PTE_RW);
        note("read-only linear entry", rc);
        if (!rc) {
            EXPECT_REFUSED(map_rw(t));
            EXPECT_OK(mmu_update_one(entry_addr(t, 8), 0));
        }
        EXPECT_OK(unpin(va_to_mfn(t)));
        table_free(t);
    }
}

static void descriptor_frames_stay_read_only(void)
{
    uint64_t *gdt = page_alloc(), mfn = va_to_mfn(gdt);

    EXPECT_REFUSED(HC2(set_gdt, &mfn, 512));
    EXPECT_OK(map_ro(gdt));
    EXPECT_OK(HC2(set_gdt, &mfn, 512));
    EXPECT_REFUSED(map_rw(gdt));
    EXPECT_REFUSED(window_rw(gdt));
    EXPECT_REFUSED(pin_level(1, mfn));
    EXPECT_OK(HC2(set_gdt, NULL, 0));
    table_free(gdt);
}

static bool m2p_read(uint64_t mfn, uint64_t *pfn)
{
    static volatile uint64_t value;
    bool trapped = TRAPS(value = M2P[mfn]);

    *pfn = value;
    return !trapped;
}

/* Frames that somebody has, but not we. */
static void foreign_frames_cannot_be_mapped(void)
{
    uint64_t mfn, pfn, seen = 0, mapped = 0;

    for (mfn = 0x1000; mfn < 0x140000 && seen < 2000; mfn += 61) {
        if (!m2p_read(mfn, &pfn))
            continue;
        if (pfn < start_info->nr_pages && p2m[pfn] == mfn)
            continue;
        seen++;
        if (!window_map(pte_make(mfn, PTE_RO_PAGE)))
            mapped++;
        if (!window_map(pte_make(mfn, PTE_RW_PAGE)))
            mapped++;
    }
    note("foreign frames tried", (int64_t)seen);
    EXPECT(seen > 100);
    EXPECT_EQ(0, mapped);
}

static void hypervisor_frames_cannot_be_mapped(void)
{
    unsigned int slot;

    for (slot = 256; slot < 272; slot++) {
        uint64_t mfn = PTE_MFN(L4_SELF[slot]);

        /* The peer's linear slot names our own L4: that one we may read. */
        if (!(L4_SELF[slot] & PTE_P) || mfn == va_to_mfn(L4_SELF))
            continue;
        EXPECT_REFUSED(window_map(pte_make(mfn, PTE_RW_PAGE)));
        EXPECT_REFUSED(window_map(pte_make(mfn, PTE_RO_PAGE)));
        EXPECT_REFUSED(pin_level(3, mfn));
    }
}

static void mmio_cannot_be_mapped(void)
{
    static const uint64_t mfns[] = {0xfee00,   0xfec00,     0xfed00, 0xb8,
                                    0xf0,      0,           0xfeb00, 0xe0000,
                                    0xfffffff, 0xfffffffffe};
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(mfns); i++) {
        EXPECT_REFUSED(window_map(pte_make(mfns[i], PTE_RO_PAGE)));
        EXPECT_REFUSED(window_map(pte_make(mfns[i], PTE_RW_PAGE)));
        EXPECT_REFUSED(pin_level(1, mfns[i]));
    }
}

static void superpages_and_bad_bits_are_refused(void)
{
    uint64_t *t, *low, *data = page_alloc();
    int level;

    for (level = 2; level <= 4; level++) {
        t = table_alloc();
        low = table_alloc();
        EXPECT_OK(pin_level(level, va_to_mfn(t)));
        EXPECT_REFUSED(
            mmu_update_one(entry_addr(t, 0), pte_make(va_to_mfn(data) & ~511ul,
                                                      PTE_TABLE | PTE_PS)));
        EXPECT_REFUSED(mmu_update_one(
            entry_addr(t, 0), pte_make(va_to_mfn(low), PTE_TABLE | PTE_PS)));
        EXPECT_REFUSED(mmu_update_one(
            entry_addr(t, 0), pte_make(va_to_mfn(low), PTE_TABLE | PTE_PCD)));
        EXPECT_REFUSED(mmu_update_one(
            entry_addr(t, 0), pte_make(va_to_mfn(low), PTE_TABLE | PTE_G)));
        EXPECT_EQ(0, t[0]);
        /* Not present: software's own, whatever it holds. */
        EXPECT_OK(mmu_update_one(entry_addr(t, 0), 0x7ffff0ul << 12 | PTE_PS));
        EXPECT_EQ(0x7ffff0ul << 12 | PTE_PS, t[0]);
        EXPECT_OK(unpin(va_to_mfn(t)));
        table_free(t);
        table_free(low);
    }
    /* Address bits beyond the machine's. */
    EXPECT_REFUSED(
        window_map(pte_make(va_to_mfn(data), PTE_RW_PAGE) | 1ul << 51));
    EXPECT_REFUSED(
        window_map(pte_make(va_to_mfn(data), PTE_RW_PAGE) | 1ul << 45));
    /* Available bits and NX are the guest's. */
    EXPECT_OK(window_map(pte_make(va_to_mfn(data), PTE_RW_PAGE) | PTE_NX |
                         0xe00 | 1ul << 58));
    EXPECT_OK(window_map(0));
    page_free(data);
}

static void adjusted_entries_read_back(void)
{
    uint64_t *data = page_alloc(), pte;

    EXPECT_OK(window_map(pte_make(va_to_mfn(data), PTE_P | PTE_RW)));
    pte = *pte_of_level(window(), 1);
    EXPECT_EQ(va_to_mfn(data), PTE_MFN(pte));
    EXPECT_EQ(PTE_P | PTE_RW | PTE_US, pte & (PTE_P | PTE_RW | PTE_US));
    note("entry of a kernel page", (int64_t)(pte & ~(0xfffffffffful << 12)));
    EXPECT_OK(window_map(pte_make(va_to_mfn(data), PTE_P | PTE_RW | PTE_US)));
    pte = *pte_of_level(window(), 1);
    note("entry of a user page", (int64_t)(pte & ~(0xfffffffffful << 12)));
    EXPECT_OK(window_map(0));
    page_free(data);
}

static void reserved_l4_slots_are_the_hypervisors(void)
{
    uint64_t *l4 = page_alloc(), *l3 = table_alloc(), *own = L4_SELF;
    uint64_t entry = pte_make(va_to_mfn(l3), PTE_TABLE);
    unsigned int slot;

    for (slot = 256; slot < 272; slot++) {
        uint64_t old = own[slot];

        EXPECT_REFUSED(mmu_update_one(entry_addr(own, slot), entry));
        EXPECT_EQ(old, own[slot]);
        EXPECT_REFUSED(mmu_update_one(entry_addr(own, slot), 0));
        EXPECT_EQ(old, own[slot]);
        l4[slot] = entry;
    }
    EXPECT_OK(map_ro(l4));
    EXPECT_OK(pin_level(4, va_to_mfn(l4)));
    for (slot = 256; slot < 272; slot++)
        EXPECT(l4[slot] != entry);
    /* Nobody took a reference through those entries. */
    EXPECT_OK(map_rw(l3));
    EXPECT_OK(map_ro(l3));
    EXPECT_OK(mmu_update_one(entry_addr(l4, 272), entry));
    EXPECT_OK(mmu_update_one(entry_addr(l4, 255), entry));
    EXPECT_OK(unpin(va_to_mfn(l4)));
    table_free(l4);
    table_free(l3);
}

static void done_counts_up_to_the_bad_entry(void)
{
    uint64_t *t = table_alloc(), *data = page_alloc();
    uint64_t good = pte_make(va_to_mfn(data), PTE_RO_PAGE);
    struct mmu_update req[3] = {
        {entry_addr(t, 0), good},
        {entry_addr(t, 1), pte_make(PTE_MFN(L4_SELF[256]), PTE_RW_PAGE)},
        {entry_addr(t, 2), good},
    };
    unsigned int done = 99;

    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    EXPECT_REFUSED(hc_mmu_update(req, 3, &done, DOMID_SELF));
    EXPECT_EQ(1, done);
    EXPECT_EQ(va_to_mfn(data), PTE_MFN(t[0]));
    EXPECT_EQ(0, t[1]);
    EXPECT_EQ(0, t[2]);
    done = 99;
    EXPECT_OK(hc_mmu_update(req, 0, &done, DOMID_SELF));
    EXPECT_EQ(0, done);
    req[1] = req[2];
    EXPECT_OK(hc_mmu_update(req, 3, &done, DOMID_SELF));
    EXPECT_EQ(3, done);
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    page_free(data);
}

static void preserve_ad_keeps_hardwares_bits(void)
{
    uint64_t *t = table_alloc(), *data = page_alloc();
    uint64_t pte = pte_make(va_to_mfn(data), PTE_P | PTE_US);
    uint64_t at = entry_addr(t, 0);

    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    EXPECT_OK(mmu_update_one(at, pte | PTE_RW | PTE_A | PTE_D));
    EXPECT_OK(mmu_update_one(at | MMU_PT_UPDATE_PRESERVE_AD, pte));
    EXPECT_EQ(PTE_A | PTE_D, t[0] & (PTE_A | PTE_D | PTE_RW));
    EXPECT_OK(mmu_update_one(at, pte));
    EXPECT_EQ(0, t[0] & (PTE_A | PTE_D));
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    page_free(data);
}

static void m2p_updates_only_on_own_frames(void)
{
    uint64_t *data = page_alloc(), mfn = va_to_mfn(data), pfn = va_to_pfn(data);
    uint64_t cmd = MMU_MACHPHYS_UPDATE;

    EXPECT_OK(mmu_update_one(mfn << 12 | cmd, 0x12345));
    EXPECT_EQ(0x12345, M2P[mfn]);
    EXPECT_OK(mmu_update_one(mfn << 12 | cmd, pfn));
    EXPECT_EQ(pfn, M2P[mfn]);
    EXPECT_REFUSED(mmu_update_one(PTE_MFN(L4_SELF[256]) << 12 | cmd, pfn));
    EXPECT_REFUSED(mmu_update_one(0xfee00ul << 12 | cmd, pfn));
    EXPECT_REFUSED(mmu_update_one(0xfffffffffful << 12 | cmd, pfn));
    page_free(data);
}

static void m2p_is_read_only(void)
{
    volatile uint64_t *entry = (uint64_t *)&M2P[va_to_mfn(window())];

    EXPECT(TRAPS(*entry = 0));
    EXPECT_EQ(14, trap_seen.regs.vector);
    EXPECT_EQ(3, trap_seen.regs.error);
}

static void the_hypervisors_range_is_out_of_reach(void)
{
    uint64_t slot, reached = 0;

    for (slot = 257; slot < 272; slot++) {
        volatile uint64_t *at = (void *)(0xffff000000000000ul | slot << 39);

        if (!TRAPS((void)*at))
            reached++;
        if (!TRAPS(*at = 0))
            reached++;
        EXPECT_REFUSED(va_map((void *)at, 0));
    }
    EXPECT_EQ(0, reached);
}

/* Hypercall arguments there must be as bad as unmapped ones. */
static void pointers_into_the_hypervisor_are_refused(void)
{
    uint64_t slot;

    for (slot = 257; slot < 272; slot++) {
        void *at = (void *)(0xffff000000000000ul | slot << 39);

        EXPECT_EQ(-XEN_EFAULT, hc_xen_version(XENVER_capabilities, at));
        EXPECT_EQ(-XEN_EFAULT, hc_mmu_update(at, 1, NULL, DOMID_SELF));
        EXPECT_EQ(-XEN_EFAULT, hc_mmuext_op(at, 1, NULL, DOMID_SELF));
    }
    EXPECT_EQ(-XEN_EFAULT,
              hc_xen_version(XENVER_capabilities, (void *)&M2P[0]));
}

static void only_a_level_4_table_can_be_loaded(void)
{
    uint64_t *page = page_alloc(), *l1 = table_alloc(), *empty = table_alloc();

    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, va_to_mfn(page)));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(page)));
    EXPECT_OK(pin_level(1, va_to_mfn(l1)));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, va_to_mfn(l1)));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(l1)));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, PTE_MFN(L4_SELF[256])));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, 0xfffffffffful));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, va_to_mfn(L4_SELF)));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(empty)));
    EXPECT_REFUSED(map_rw(empty));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0));
    EXPECT_OK(unpin(va_to_mfn(l1)));
    table_free(empty);
    table_free(l1);
    page_free(page);
}

/* The table in use counts as used, pinned or not. */
static void an_unpinned_root_in_use_stays_a_root(void)
{
    EXPECT_OK(unpin(va_to_mfn(L4_SELF)));
    EXPECT_REFUSED(window_rw(L4_SELF));
    EXPECT_OK(pin_level(4, va_to_mfn(L4_SELF)));
}

/* A plain page takes an mmu_update as a store. */
static void plain_pages_take_updates_as_stores(void)
{
    uint64_t *data = page_alloc(), *ro = table_alloc();

    EXPECT_OK(mmu_update_one(entry_addr(data, 5), 0x1234));
    EXPECT_EQ(0x1234, data[5]);
    EXPECT_OK(mmu_update_one(entry_addr(ro, 5), 0x1234));
    EXPECT_EQ(0x1234, ro[5]);
    EXPECT_REFUSED(
        mmu_update_one(PTE_MFN(L4_SELF[256]) << 12, pte_make(1, PTE_RW_PAGE)));
    page_free(data);
    table_free(ro);
}

/* An entry address that is not one: half an entry off. */
static void misaligned_updates_do_no_harm(void)
{
    uint64_t *t = table_alloc(), *data = page_alloc();
    uint64_t pte = pte_make(va_to_mfn(data), PTE_RO_PAGE);
    int rc;

    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    EXPECT_OK(mmu_update_one(entry_addr(t, 1), pte));
    rc = mmu_update_one(entry_addr(t, 0) + 4, pte << 32 | pte);
    note("update half an entry off", rc);
    EXPECT(!(t[0] & PTE_P) || PTE_MFN(t[0]) == va_to_mfn(data));
    EXPECT(!(t[1] & PTE_P) || PTE_MFN(t[1]) == va_to_mfn(data));
    mmu_update_one(entry_addr(t, 0), 0);
    mmu_update_one(entry_addr(t, 1), 0);
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    page_free(data);
}

static void other_domains_are_not_ours_to_name(void)
{
    static const uint16_t doms[] = {
        0, 99, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, 0x7fef};
    uint64_t *t = table_alloc(), *data = page_alloc();
    struct mmu_update req = {0, pte_make(va_to_mfn(data), PTE_RO_PAGE)};
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L1_TABLE};
    unsigned int i;

    req.ptr = entry_addr(t, 0);
    op.arg1.mfn = va_to_mfn(data);
    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    for (i = 0; i < ARRAY_SIZE(doms); i++) {
        EXPECT_REFUSED(hc_mmu_update(&req, 1, NULL, doms[i]));
        EXPECT_REFUSED(
            hc_mmu_update(&req, 1, NULL, (doms[i] + 1ul) << 16 | DOMID_SELF));
        EXPECT_REFUSED(hc_mmuext_op(&op, 1, NULL, doms[i]));
        EXPECT_REFUSED(
            HC4(update_va_mapping_otherdomain, window(), req.val, 0, doms[i]));
    }
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    page_free(data);
}

static void update_va_mapping_wants_a_mapped_table(void)
{
    EXPECT_REFUSED(va_map((void *)0x8000000000ul, 0));
    EXPECT_REFUSED(va_map((void *)0x800000000000ul, 0));
    EXPECT_REFUSED(va_map((void *)0xffff700000000000ul, 0));
    EXPECT_REFUSED(va_map((void *)0xffffffffc0000000ul, 0));
}

static void unknown_commands_are_refused(void)
{
    struct mmuext_op op = {.cmd = 77};
    struct mmu_update req = {entry_addr(window(), 0) | 3, 0};
    unsigned int done = 99;

    EXPECT_EQ(-XEN_ENOSYS, hc_mmuext_op(&op, 1, &done, DOMID_SELF));
    EXPECT_EQ(0, done);
    note("mmu_update command 3", hc_mmu_update(&req, 1, &done, DOMID_SELF));
}

/* The TLB has forgotten the writable mapping when the type changes. */
static void no_stale_writable_translation_survives(void)
{
    uint64_t *page = page_alloc();
    volatile uint64_t *w = window();

    EXPECT_OK(window_rw(page));
    w[0] = 1;
    EXPECT_OK(map_ro(page));
    EXPECT_OK(hc_update_va_mapping(w, 0, UVMF_NONE));
    EXPECT_EQ(1, page[0]);
    EXPECT_OK(mmu_update_one(entry_addr(page, 0), 0));
    EXPECT_OK(pin_level(1, va_to_mfn(page)));
    EXPECT(TRAPS(w[0] = pte_make(va_to_mfn(page), PTE_RW_PAGE)));
    EXPECT_EQ(0, page[0]);
    EXPECT_OK(unpin(va_to_mfn(page)));
    table_free(page);
}

static void clear_and_copy_page_need_plain_pages(void)
{
    uint64_t *a = page_alloc(), *b = page_alloc(), *t = table_alloc();
    struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE};

    a[9] = 9;
    op.arg1.mfn = va_to_mfn(b);
    op.arg2.src_mfn = va_to_mfn(a);
    EXPECT_OK(hc_mmuext_op(&op, 1, NULL, DOMID_SELF));
    EXPECT_EQ(9, b[9]);
    EXPECT_OK(mmuext_one(MMUEXT_CLEAR_PAGE, va_to_mfn(b)));
    EXPECT_EQ(0, b[9]);
    EXPECT_OK(pin_level(1, va_to_mfn(t)));
    op.arg1.mfn = va_to_mfn(t);
    EXPECT_REFUSED(hc_mmuext_op(&op, 1, NULL, DOMID_SELF));
    EXPECT_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, va_to_mfn(t)));
    op.arg1.mfn = va_to_mfn(b);
    op.arg2.src_mfn = PTE_MFN(L4_SELF[256]);
    EXPECT_REFUSED(hc_mmuext_op(&op, 1, NULL, DOMID_SELF));
    EXPECT_OK(unpin(va_to_mfn(t)));
    table_free(t);
    page_free(a);
    page_free(b);
}

const struct test guest_tests[] = {
    TEST(pinned_table_refuses_writable_maps),
    TEST(writable_page_cannot_be_pinned),
    TEST(second_writable_map_still_counts),
    TEST(pinning_twice_and_unpinning_twice_is_refused),
    TEST(a_frame_has_one_table_level_at_a_time),
    TEST(a_pinned_tree_holds_its_branches),
    TEST(a_failed_pin_leaves_nothing_held),
    TEST(a_table_cannot_map_itself_writable),
    TEST(linear_tables_are_refused_or_released),
    TEST(descriptor_frames_stay_read_only),
    TEST(foreign_frames_cannot_be_mapped),
    TEST(hypervisor_frames_cannot_be_mapped),
    TEST(mmio_cannot_be_mapped),
    TEST(superpages_and_bad_bits_are_refused),
    TEST(adjusted_entries_read_back),
    TEST(reserved_l4_slots_are_the_hypervisors),
    TEST(done_counts_up_to_the_bad_entry),
    TEST(preserve_ad_keeps_hardwares_bits),
    TEST(m2p_updates_only_on_own_frames),
    TEST(m2p_is_read_only),
    TEST(the_hypervisors_range_is_out_of_reach),
    TEST(pointers_into_the_hypervisor_are_refused),
    TEST(only_a_level_4_table_can_be_loaded),
    TEST(an_unpinned_root_in_use_stays_a_root),
    TEST(plain_pages_take_updates_as_stores),
    TEST(misaligned_updates_do_no_harm),
    TEST(other_domains_are_not_ours_to_name),
    TEST(update_va_mapping_wants_a_mapped_table),
    TEST(unknown_commands_are_refused),
    TEST(no_stale_writable_translation_survives),
    TEST(clear_and_copy_page_need_plain_pages),
    {0},
};
