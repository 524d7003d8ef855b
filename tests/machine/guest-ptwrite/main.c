/*
 * A plain store to a pinned L1 (assist writable_pagetables): carried out after
 * the same checks as mmu_update, or handed to the guest as its page fault.
 */
#include "guest.h"

static uint64_t *l1, *data;

/* A pinned, read-only mapped L1 and a page for it to map. */
static void setup(void)
{
    if (l1)
        return;
    hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    l1 = table_alloc();
    data = page_alloc();
    pin_level(1, va_to_mfn(l1));
}

static uint64_t good(void)
{
    return pte_make(va_to_mfn(data), PTE_RW_PAGE);
}

static uint64_t bad(void)
{
    return pte_make(PTE_MFN(((uint64_t *)start_info->pt_base)[256]),
                    PTE_RW_PAGE);
}

static void reset(void)
{
    setup();
    mmu_update_one(entry_addr(l1, 0), 0);
    mmu_update_one(entry_addr(l1, 1), 0);
}

/* What the entry should be, without what the hypervisor may add. */
static bool is_good(uint64_t pte)
{
    return PTE_MFN(pte) == va_to_mfn(data) &&
           (pte & (PTE_P | PTE_RW | PTE_US)) == (PTE_P | PTE_RW | PTE_US);
}

static void eight_byte_store(void)
{
    reset();
    EXPECT(!TRAPS(*(volatile uint64_t *)l1 = good()));
    EXPECT(is_good(l1[0]));
    EXPECT(!TRAPS(*(volatile uint64_t *)l1 = 0));
    EXPECT_EQ(0, l1[0]);
}

/* The reference it took is real: the page cannot become a table. */
static void a_stored_mapping_counts(void)
{
    reset();
    EXPECT(!TRAPS(*(volatile uint64_t *)l1 = good()));
    map_ro(data);
    EXPECT_REFUSED(pin_level(1, va_to_mfn(data)));
    EXPECT(!TRAPS(*(volatile uint64_t *)l1 = 0));
    EXPECT_OK(pin_level(1, va_to_mfn(data)));
    EXPECT_OK(unpin(va_to_mfn(data)));
    EXPECT_OK(map_rw(data));
}

static void exchange_returns_the_old_entry(void)
{
    uint64_t value;

    reset();
    value = good();
    EXPECT(!TRAPS(__asm__ volatile("xchg %0, (%1)"
                                   : "+r"(value)
                                   : "r"(l1)
                                   : "memory")));
    EXPECT_EQ(0, value);
    EXPECT(is_good(l1[0]));
    value = 0;
    EXPECT(!TRAPS(__asm__ volatile("xchg %0, (%1)"
                                   : "+r"(value)
                                   : "r"(l1)
                                   : "memory")));
    EXPECT(is_good(value));
    EXPECT_EQ(0, l1[0]);
}

static bool cmpxchg(uint64_t *old, uint64_t new)
{
    bool ok;

    __asm__ volatile("lock cmpxchg %2, (%3); sete %0"
                     : "=q"(ok), "+a"(*old)
                     : "r"(new), "r"(l1)
                     : "memory", "cc");
    return ok;
}

static void compare_exchange_both_ways(void)
{
    uint64_t old = 0x5000;
    bool ok = true;

    reset();
    EXPECT(!TRAPS(ok = cmpxchg(&old, good())));
    EXPECT(!ok);
    EXPECT_EQ(0, old);
    EXPECT_EQ(0, l1[0]);
    EXPECT(!TRAPS(ok = cmpxchg(&old, good())));
    EXPECT(ok);
    EXPECT(is_good(l1[0]));
}

static void read_modify_write(void)
{
    reset();
    mmu_update_one(entry_addr(l1, 0), good());
    EXPECT(!TRAPS(__asm__ volatile("lock btrq $1, (%0)" ::"r"(l1) : "memory")));
    EXPECT_EQ(0, l1[0] & PTE_RW);
    EXPECT(!TRAPS(__asm__ volatile("lock orq $0x2, (%0)" ::"r"(l1)
                                   : "memory")));
    EXPECT_EQ(PTE_RW, l1[0] & PTE_RW);
    EXPECT(!TRAPS(__asm__ volatile("andq $~2, (%0)" ::"r"(l1) : "memory")));
    EXPECT_EQ(0, l1[0] & PTE_RW);
}

/* Four bytes of a present entry's upper half: NX on, NX off. */
static void partial_stores_merge(void)
{
    volatile uint32_t *half = (volatile uint32_t *)l1;
    uint32_t low, high;

    reset();
    half = (volatile uint32_t *)l1;
    mmu_update_one(entry_addr(l1, 0), good());
    low = half[0];
    high = half[1];
    EXPECT(!TRAPS(half[1] = high | 1u << 31));
    EXPECT_EQ(high | 1u << 31, half[1]);
    EXPECT_EQ(low, half[0]);
    EXPECT(is_good(l1[0]));
}

/* #PF with write and present set, at the entry, and no change. */
static void expect_fault_at(const volatile void *at, bool trapped)
{
    EXPECT(trapped);
    EXPECT_EQ(14, trap_seen.regs.vector);
    EXPECT_EQ(3, trap_seen.regs.error);
    EXPECT_EQ((uint64_t)at, trap_seen.cr2);
}

static void a_bad_value_is_the_guests_fault(void)
{
    reset();
    expect_fault_at(l1, TRAPS(*(volatile uint64_t *)l1 = bad()));
    EXPECT_EQ(0, l1[0]);
    mmu_update_one(entry_addr(l1, 0), good());
    expect_fault_at(l1, TRAPS(*(volatile uint64_t *)l1 = bad()));
    EXPECT(is_good(l1[0]));
    expect_fault_at(l1, TRAPS(*(volatile uint64_t *)l1 =
                                  pte_make(va_to_mfn(l1), PTE_RW_PAGE)));
    EXPECT(is_good(l1[0]));
}

/* An entry built by two half stores passes the checks at each. */
static void a_bad_value_in_halves_is_refused(void)
{
    volatile uint32_t *half;
    uint64_t value;
    bool trapped;

    reset();
    half = (volatile uint32_t *)l1;
    value = bad();
    trapped =
        TRAPS(half[1] = (uint32_t)(value >> 32); half[0] = (uint32_t)value);
    EXPECT(trapped);
    EXPECT(!(l1[0] & PTE_P));
    reset();
}

static void misaligned_stores_fault(void)
{
    reset();
    mmu_update_one(entry_addr(l1, 0), good());
    mmu_update_one(entry_addr(l1, 1), good());
    EXPECT(TRAPS(*(volatile uint64_t *)((char *)l1 + 4) = 0));
    EXPECT_EQ(14, trap_seen.regs.vector);
    EXPECT(is_good(l1[0]) && is_good(l1[1]));
}

static void other_levels_are_not_emulated(void)
{
    int level;

    for (level = 2; level <= 4; level++) {
        uint64_t *t = table_alloc();

        setup();
        EXPECT_OK(pin_level(level, va_to_mfn(t)));
        expect_fault_at(t, TRAPS(*(volatile uint64_t *)t = 0x1000));
        EXPECT_EQ(0, t[0]);
        EXPECT_OK(unpin(va_to_mfn(t)));
        table_free(t);
    }
}

static void a_plain_read_only_page_faults(void)
{
    uint64_t *page = table_alloc();

    setup();
    expect_fault_at(page, TRAPS(*(volatile uint64_t *)page = 1));
    EXPECT_EQ(0, page[0]);
    table_free(page);
}

static void a_user_store_is_the_guests_fault(void)
{
    extern const char user_store[], user_store_end[];

    setup();
    __asm__ volatile(".pushsection .rodata\n"
                     ".globl user_store, user_store_end\n"
                     "user_store: mov $0x10003000, %%eax\n"
                     "movq $0, (%%rax)\n"
                     "syscall\n"
                     "user_store_end: .popsection" ::);
    user_run(user_store, user_store_end);
    EXPECT_EQ(14, trap_seen.regs.vector);
    EXPECT_EQ(7, trap_seen.regs.error);
    EXPECT_EQ(USER_RO, trap_seen.cr2);
}

static void without_the_assist_stores_fault(void)
{
    reset();
    EXPECT_OK(
        hc_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables));
    expect_fault_at(l1, TRAPS(*(volatile uint64_t *)l1 = good()));
    EXPECT_EQ(0, l1[0]);
    EXPECT_OK(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
}

static void many_entries_in_a_row(void)
{
    volatile uint64_t *t;
    unsigned int i;

    reset();
    t = l1;
    for (i = 0; i < 512; i++)
        t[i] = good();
    for (i = 0; i < 512; i++)
        EXPECT(is_good(t[i]));
    for (i = 0; i < 512; i++)
        t[i] = 0;
    map_ro(data);
    EXPECT_OK(pin_level(1, va_to_mfn(data)));
    EXPECT_OK(unpin(va_to_mfn(data)));
    EXPECT_OK(map_rw(data));
}

const struct test guest_tests[] = {
    TEST(eight_byte_store),
    TEST(a_stored_mapping_counts),
    TEST(exchange_returns_the_old_entry),
    TEST(compare_exchange_both_ways),
    TEST(read_modify_write),
    TEST(partial_stores_merge),
    TEST(a_bad_value_is_the_guests_fault),
    TEST(a_bad_value_in_halves_is_refused),
    TEST(misaligned_stores_fault),
    TEST(other_levels_are_not_emulated),
    TEST(a_plain_read_only_page_faults),
    TEST(a_user_store_is_the_guests_fault),
    TEST(without_the_assist_stores_fault),
    TEST(many_entries_in_a_row),
    {0},
};
