/*
 * Segment descriptors: what a guest may put into its GDT and LDT, and that
 * nothing it puts there leads out of ring 3.
 */
#include "guest.h"

#define DESC_DATA0 0x00cf92000000fffful /* data, DPL 0 */
#define DESC_DATA3 0x00cff2000000fffful
#define DESC_CODE3 0x00affa000000fffful /* 64-bit code */
#define DESC_TSS   0x0000890000000067ul
#define DESC_LDT   0x00008200000000fful
#define DESC_TRAP  0x00008f0000080000ul
#define DESC_CALL3 0x0000ec00e0080000ul /* call gate to the hypervisor's CS */

static uint64_t *gdt;

/* A loaded GDT of one page with a few segments in it. */
static void gdt_load(void)
{
    uint64_t mfn;

    if (!gdt) {
        gdt = page_alloc();
        gdt[2] = DESC_DATA0;
        gdt[3] = DESC_DATA3;
        gdt[4] = DESC_CODE3;
        map_ro(gdt);
    }
    mfn = va_to_mfn(gdt);
    EXPECT_OK(HC2(set_gdt, &mfn, 512));
}

static void gdt_unload(void)
{
    EXPECT_OK(HC2(set_gdt, NULL, 0));
}

static bool load_ds(unsigned int selector)
{
    bool trapped = TRAPS(__asm__ volatile("mov %0, %%ds" ::"r"(selector)));

    __asm__ volatile("mov %0, %%ds" ::"r"(0));
    return !trapped;
}

static void own_segments_load(void)
{
    gdt_load();
    EXPECT(load_ds(2 << 3 | 3));
    EXPECT(load_ds(3 << 3 | 3));
    EXPECT(!load_ds(5 << 3 | 3));
    EXPECT_EQ(13, trap_seen.regs.vector);
    gdt_unload();
    EXPECT(!load_ds(3 << 3 | 3));
}

/* DPL 0 became 3 in place. */
static void privilege_is_raised_in_place(void)
{
    gdt_load();
    EXPECT_EQ(3, gdt[2] >> 45 & 3);
    EXPECT_EQ(DESC_CODE3, gdt[4] & ~(1ul << 40));
    gdt_unload();
}

static void system_descriptors_are_refused(void)
{
    static const uint64_t bad[] = {DESC_TSS, DESC_LDT, DESC_TRAP, DESC_CALL3};
    uint64_t *page = page_alloc(), mfn = va_to_mfn(page);
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        page[7] = bad[i];
        EXPECT_OK(map_ro(page));
        EXPECT_REFUSED(HC2(set_gdt, &mfn, 512));
        EXPECT_OK(map_rw(page));
    }
    page_free(page);
    gdt_load();
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        EXPECT_REFUSED(HC2(update_descriptor, entry_addr(gdt, 6), bad[i]));
        EXPECT_EQ(0, gdt[6]);
    }
    EXPECT_OK(HC2(update_descriptor, entry_addr(gdt, 6), DESC_DATA3));
    EXPECT(load_ds(6 << 3 | 3));
    EXPECT_OK(HC2(update_descriptor, entry_addr(gdt, 6), 0));
    gdt_unload();
}

static void update_descriptor_wants_our_own_frame(void)
{
    uint64_t *l4 = (uint64_t *)start_info->pt_base, *data = page_alloc();

    EXPECT_REFUSED(HC2(update_descriptor, entry_addr(l4, 0), DESC_DATA3));
    EXPECT_REFUSED(HC2(update_descriptor, PTE_MFN(l4[256]) << 12, DESC_DATA3));
    EXPECT_REFUSED(HC2(update_descriptor, 0xfee00000ul, DESC_DATA3));
    EXPECT_REFUSED(HC2(update_descriptor, entry_addr(data, 0) + 4, DESC_DATA3));
    EXPECT_OK(HC2(update_descriptor, entry_addr(data, 1), DESC_DATA3));
    EXPECT_EQ(DESC_DATA3, data[1]);
    page_free(data);
}

static void set_gdt_is_bounded(void)
{
    uint64_t mfns[16], *l4 = (uint64_t *)start_info->pt_base;
    unsigned int i;

    gdt_load();
    for (i = 0; i < 16; i++)
        mfns[i] = va_to_mfn(gdt);
    EXPECT_REFUSED(HC2(set_gdt, mfns, 7169));
    EXPECT_REFUSED(HC2(set_gdt, mfns, 8192));
    EXPECT_REFUSED(HC2(set_gdt, mfns, ~0ul));
    mfns[1] = PTE_MFN(l4[256]);
    EXPECT_REFUSED(HC2(set_gdt, mfns, 1024));
    mfns[1] = 0xfffffffffful;
    EXPECT_REFUSED(HC2(set_gdt, mfns, 1024));
    EXPECT_EQ(-XEN_EFAULT, HC2(set_gdt, 0x7000000000ul, 512));
    /* Each refusal left the old one in place. */
    EXPECT(load_ds(3 << 3 | 3));
    /* The same frame may appear in all fourteen places. */
    mfns[1] = mfns[0];
    EXPECT_OK(HC2(set_gdt, mfns, 7168));
    EXPECT(load_ds((512 * 13 + 3) << 3 | 3));
    gdt_unload();
    EXPECT_OK(map_rw(gdt));
    EXPECT_OK(map_ro(gdt));
}

/* The hypervisor's own part of the GDT: loadable is only what is flat. */
static void reserved_entries_give_nothing_away(void)
{
    unsigned int index, loaded = 0;

    for (index = FIRST_RESERVED_GDT_ENTRY; index < 8192; index++)
        loaded += load_ds(index << 3 | 3);
    note("data selectors of the hypervisor that load", loaded);
    EXPECT(loaded >= 1 && loaded <= 4);
    EXPECT(load_ds(FLAT_KERNEL_DS32));
}

static void ldt_segments_load_and_its_frame_is_held(void)
{
    uint64_t *ldt = page_alloc();

    ldt[1] = DESC_DATA3;
    EXPECT_REFUSED(mmuext_linear(MMUEXT_SET_LDT, ldt + 1, 512));
    EXPECT_REFUSED(mmuext_linear(MMUEXT_SET_LDT, ldt, 8193));
    EXPECT_OK(map_ro(ldt));
    EXPECT_OK(mmuext_linear(MMUEXT_SET_LDT, ldt, 512));
    EXPECT(load_ds(1 << 3 | 7));
    EXPECT(!load_ds(2 << 3 | 7));
    EXPECT_REFUSED(map_rw(ldt));
    EXPECT_OK(mmuext_linear(MMUEXT_SET_LDT, NULL, 0));
    EXPECT(!load_ds(1 << 3 | 7));
    EXPECT_OK(map_rw(ldt));
    page_free(ldt);
}

/* A gate in the LDT: whatever is loaded from it faults, nothing leaks. */
static void ldt_with_a_gate_is_useless(void)
{
    uint64_t *ldt = page_alloc();
    bool loaded;

    ldt[1] = DESC_DATA3;
    ldt[2] = DESC_CALL3;
    EXPECT_OK(map_ro(ldt));
    EXPECT_OK(mmuext_linear(MMUEXT_SET_LDT, ldt, 512));
    loaded = load_ds(1 << 3 | 7);
    EXPECT(!loaded);
    EXPECT(TRAPS(__asm__ volatile("push %0; push $0; lretq" ::"r"(0x17ul))));
    EXPECT_OK(mmuext_linear(MMUEXT_SET_LDT, NULL, 0));
    EXPECT_OK(map_rw(ldt));
    page_free(ldt);
}

static void a_writable_ldt_does_not_load(void)
{
    uint64_t *ldt = page_alloc();

    ldt[1] = DESC_DATA3;
    EXPECT_OK(mmuext_linear(MMUEXT_SET_LDT, ldt, 512));
    EXPECT(!load_ds(1 << 3 | 7));
    EXPECT_OK(mmuext_linear(MMUEXT_SET_LDT, NULL, 0));
    page_free(ldt);
}

static uint64_t fs_word(void)
{
    uint64_t v;

    __asm__ volatile("mov %%fs:0, %0" : "=r"(v));
    return v;
}

static uint64_t gs_word(void)
{
    uint64_t v;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(v));
    return v;
}

extern const char user_bases[], user_bases_end[];
__asm__(".pushsection .rodata\n"
        ".globl user_bases, user_bases_end\n"
        "user_bases: mov %gs:0, %rbx; mov %fs:0, %rdx; mov %gs, %eax\n"
        "syscall\n"
        "user_bases_end: .popsection");

static void segment_bases_follow_the_mode(void)
{
    static uint64_t kernel_word = 0x6b65726e;

    user_init();
    ((uint64_t *)user_data_page)[0] = 0x75736572;
    ((uint64_t *)user_data_page)[1] = 0x6673;
    EXPECT_OK(hc_set_segment_base(SEGBASE_GS_KERNEL, &kernel_word));
    EXPECT_OK(hc_set_segment_base(SEGBASE_GS_USER, USER_DATA));
    EXPECT_OK(hc_set_segment_base(SEGBASE_FS, USER_DATA + 8));
    EXPECT_EQ(kernel_word, gs_word());
    EXPECT_EQ(0x6673, fs_word());
    user_run(user_bases, user_bases_end);
    EXPECT_EQ(VEC_SYSCALL, trap_seen.regs.vector);
    EXPECT_EQ(0x75736572, trap_seen.regs.rbx);
    EXPECT_EQ(0x6673, trap_seen.regs.rdx);
    EXPECT_EQ(kernel_word, gs_word());
}

static void bad_segment_bases_are_refused(void)
{
    unsigned int which;

    for (which = 0; which < 3; which++) {
        EXPECT_EQ(-XEN_EINVAL, hc_set_segment_base(which, 0x800000000000ul));
        EXPECT_EQ(-XEN_EINVAL,
                  hc_set_segment_base(which, 0xffff7ffffffffffful));
    }
    EXPECT_REFUSED(hc_set_segment_base(4, 0));
    EXPECT_REFUSED(hc_set_segment_base(~0u, 0));
}

/* A selector that does not load becomes null, quietly. */
static void user_gs_selector_is_checked(void)
{
    note("user gs = ffff", hc_set_segment_base(SEGBASE_GS_USER_SEL, 0xffff));
    user_run(user_bases, user_bases_end);
    note("user gs then reads", (int64_t)(trap_seen.regs.rax & 0xffff));
    note("user then ends with", (int64_t)trap_seen.regs.vector);
    EXPECT(trap_seen.regs.vector == VEC_SYSCALL || trap_seen.regs.vector == 14);
    gdt_load();
    EXPECT_OK(hc_set_segment_base(SEGBASE_GS_USER_SEL, 3 << 3 | 3));
    gdt_unload();
    EXPECT_OK(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0));
}

static unsigned int failsafes;

/* The failsafe callback: go on with the null selectors that it came with. */
static bool failsafe_goes_on(struct regs *regs)
{
    if (regs->vector != VEC_FAILSAFE)
        return false;
    failsafes++;
    return true;
}

/*
 * Selectors that went stale under us load no more when the vCPU comes back
 * from elsewhere: null then, or the failsafe callback, and life goes on.
 */
static void stale_selectors_survive_a_block(void)
{
    unsigned int i;
    uint16_t fs = 0xffff;

    trap_hook = failsafe_goes_on;
    for (i = 0; i < 20; i++) {
        struct sched_poll poll = {.timeout = time_ns(0) + 2000000};

        gdt_load();
        __asm__ volatile("mov %0, %%fs; mov %0, %%es" ::"r"(3 << 3 | 3));
        gdt_unload();
        hc_sched_op(SCHEDOP_poll, &poll);
        __asm__ volatile("mov %%fs, %0" : "=r"(fs));
        EXPECT(fs == 0 || fs == (3 << 3 | 3));
    }
    trap_hook = NULL;
    note("failsafe callbacks", failsafes);
    __asm__ volatile("mov %0, %%fs; mov %0, %%es" ::"r"(0));
}

const struct test guest_tests[] = {
    TEST(own_segments_load),
    TEST(privilege_is_raised_in_place),
    TEST(system_descriptors_are_refused),
    TEST(update_descriptor_wants_our_own_frame),
    TEST(set_gdt_is_bounded),
    TEST(reserved_entries_give_nothing_away),
    TEST(ldt_segments_load_and_its_frame_is_held),
    TEST(ldt_with_a_gate_is_useless),
    TEST(a_writable_ldt_does_not_load),
    TEST(segment_bases_follow_the_mode),
    TEST(bad_segment_bases_are_refused),
    TEST(user_gs_selector_is_checked),
    TEST(stale_selectors_survive_a_block),
    {0},
};
