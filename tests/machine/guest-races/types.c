/* What a frame is: tables, roots, descriptors. */
#include "races.h"

/* ---- types ---- */

static void pin_then_watch(void)
{
    uint64_t before;

    map_ro(page);
    if (pin_level(1, va_to_mfn(page)))
        return;
    wins++;
    before = *(volatile uint64_t *)page;
    EXPECT_EQ(before, *(volatile uint64_t *)page);
    EXPECT_EQ(before, *(volatile uint64_t *)page);
    unpin(va_to_mfn(page));
}

static void map_and_scribble(void)
{
    if (!map_rw(page)) {
        other_store(page, other_turns << 12);
        other_store(page, 0);
    }
    va_map(page, pte_make(va_to_mfn(page), PTE_RO_PAGE));
}

void a_pinned_table_is_never_written(void)
{
    pages_ready();
    race(pin_then_watch, map_and_scribble);
    note("pins that succeeded", wins);
    pages_done();
}

static void unflushed_map_and_scribble(void)
{
    hc_update_va_mapping(page, pte_make(va_to_mfn(page), PTE_RW_PAGE), 0);
    other_store(page, 0x1000);
    hc_update_va_mapping(page, pte_make(va_to_mfn(page), PTE_RO_PAGE), 0);
    other_store(page, 0x2000);
}

void nor_through_what_a_cpu_remembers(void)
{
    pages_ready();
    race(pin_then_watch, unflushed_map_and_scribble);
    pages_done();
}

static void unpin_ours(void)
{
    if (!unpin(va_to_mfn(table)))
        wins++;
}

static void unpin_theirs(void)
{
    if (!unpin(va_to_mfn(table)))
        __atomic_fetch_add(&other_faults, 1, __ATOMIC_SEQ_CST);
}

void a_pin_is_undone_once(void)
{
    unsigned int i, pins = 0;

    pages_ready();
    other_faults = 0;
    EXPECT_OK(map_ro(table));
    other_begins(unpin_theirs);
    for (i = 0; i < ROUNDS; i++) {
        pins += !pin_level(1, va_to_mfn(table));
        unpin_ours();
    }
    other_ends();
    wins += !unpin(va_to_mfn(table));
    EXPECT_EQ(pins, wins + other_faults);
    pages_done();
}

static void pin_as_1(void)
{
    pin_level(1, va_to_mfn(table));
    unpin(va_to_mfn(table));
}

static void pin_as_2(void)
{
    pin_level(2, va_to_mfn(table));
    unpin(va_to_mfn(table));
}

void one_level_at_a_time(void)
{
    pages_ready();
    EXPECT_OK(map_ro(table));
    race(pin_as_1, pin_as_2);
    pages_done();
}

static void entry_to_page(void)
{
    mmu_update_one(entry_addr(table, 7),
                   pte_make(va_to_mfn(page), PTE_RW_PAGE));
}

static void entry_to_page2(void)
{
    mmu_update_one(entry_addr(table, 7),
                   pte_make(va_to_mfn(page2), PTE_RW_PAGE));
    mmu_update_one(entry_addr(table, 7), 0);
}

void an_entry_counts_for_one_frame(void)
{
    pages_ready();
    EXPECT_OK(map_ro(table));
    EXPECT_OK(pin_level(1, va_to_mfn(table)));
    race(entry_to_page, entry_to_page2);
    EXPECT_OK(mmu_update_one(entry_addr(table, 7), 0));
    pages_done();
}

/* An update of a table that stops being one is a plain store, or refused. */
void updates_meet_tables_that_go(void)
{
    pages_ready();
    EXPECT_OK(map_ro(table));
    race(pin_as_1, entry_to_page2);
    unpin(va_to_mfn(table));
    EXPECT_OK(map_rw(table));
    table[7] = 0;
    pages_done();
}

static void write_protect(void)
{
    mmu_update_one(pte_addr(page), pte_make(va_to_mfn(page), PTE_RO_PAGE));
    mmu_update_one(pte_addr(page), pte_make(va_to_mfn(page), PTE_RW_PAGE));
}

void write_protections_count_once(void)
{
    pages_ready();
    race(write_protect, write_protect);
    pages_done();
}

static void store_an_entry(void)
{
    __atomic_exchange_n(&table[3], pte_make(va_to_mfn(page), PTE_RW_PAGE),
                        __ATOMIC_SEQ_CST);
}

static void update_the_entry(void)
{
    mmu_update_one(entry_addr(table, 3), 0);
    mmu_update_one(entry_addr(table, 3),
                   pte_make(va_to_mfn(page2), PTE_RO_PAGE));
}

void emulated_stores_meet_updates(void)
{
    pages_ready();
    hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    EXPECT_OK(map_ro(table));
    EXPECT_OK(pin_level(1, va_to_mfn(table)));
    race(store_an_entry, update_the_entry);
    EXPECT_OK(mmu_update_one(entry_addr(table, 3), 0));
    hc_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables);
    pages_done();
}

static void copy_into(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE,
                           .arg1.mfn = va_to_mfn(table),
                           .arg2.src_mfn = va_to_mfn(page)};

    hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void pin_then_look(void)
{
    if (pin_level(1, va_to_mfn(table)))
        return;
    wins += table[0] != 0 && !(table[0] & PTE_US);
    unpin(va_to_mfn(table));
    copy_into();
}

/* Its entry maps a foreign frame: no table may ever hold it. */
void copies_do_not_reach_tables(void)
{
    pages_ready();
    page[0] = pte_make(1, PTE_P | PTE_RW);
    EXPECT_OK(map_ro(table));
    race(pin_then_look, copy_into);
    EXPECT_EQ(0, wins);
    EXPECT_OK(map_rw(table));
    pages_done();
}

/* ---- roots and descriptors ---- */

static void load_user_root(void)
{
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_l4));
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0);
}

static void pin_user_root(void)
{
    unpin(va_to_mfn(user_l4));
    pin_level(4, va_to_mfn(user_l4));
}

void a_root_in_use_stays_one(void)
{
    pages_ready();
    user_init();
    race(load_user_root, pin_user_root);
    pin_level(4, va_to_mfn(user_l4));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_l4)));
    pages_done();
}

static void gdt_on(void)
{
    uint64_t mfn = va_to_mfn(table);

    map_ro(table);
    if (!HC2(set_gdt, &mfn, 512)) {
        uint64_t before = *(volatile uint64_t *)(table + 20);

        wins++;
        EXPECT_EQ(before, *(volatile uint64_t *)(table + 20));
    }
    HC2(set_gdt, NULL, 0);
}

static void gdt_scribble(void)
{
    if (!map_rw(table)) {
        other_store(table + 20, 0x0000890000000067); /* a TSS */
        other_store(table + 20, 0);
    }
    map_ro(table);
}

void descriptors_in_use_are_never_written(void)
{
    pages_ready();
    race(gdt_on, gdt_scribble);
    pages_done();
}

static void update_a_descriptor(void)
{
    HC2(update_descriptor, entry_addr(table, 30), 0x00cff3000000ffff);
    HC2(update_descriptor, entry_addr(table, 30), 0x0000890000000067);
}

void descriptor_updates_meet_tables_and_gdts(void)
{
    pages_ready();
    race(gdt_on, update_a_descriptor);
    EXPECT_OK(map_ro(table));
    race(pin_as_1, update_a_descriptor);
    EXPECT_OK(map_rw(table));
    table[30] = 0;
    pages_done();
}

static void load_ldt(void)
{
    mmuext_linear(MMUEXT_SET_LDT, table, 512);
    TRAPS(__asm__ volatile("mov %0, %%es" ::"r"(0xf)));
    mmuext_linear(MMUEXT_SET_LDT, NULL, 0);
    __asm__ volatile("mov %0, %%es" ::"r"(0));
}

void ldt_pages_come_and_go(void)
{
    pages_ready();
    race(load_ldt, gdt_scribble);
    pages_done();
}
