/*
 * The smallest guest: it starts as the ABI promises and ends. It runs after
 * and beside the hostile ones, to show that they hurt nobody else.
 */
#include "guest.h"

static void starts_with_the_promised_state(void)
{
    unsigned int i;

    EXPECT_EQ(0, memcmp(start_info->magic, "xen-3.0-x86_64", 14));
    EXPECT(start_info->nr_pages > 0x800);
    EXPECT_EQ(0, start_info->flags & SIF_INITDOMAIN);
    EXPECT_EQ(0, start_info->shared_info & (PAGE_SIZE - 1));
    EXPECT(start_info->store_evtchn && start_info->console.domU.evtchn);
    EXPECT((boot_rflags & 0x200) && !(boot_rflags & 0x3400));
    for (i = 0; i < ARRAY_SIZE(boot_gprs); i++)
        EXPECT_EQ(0, boot_gprs[i]);
    for (i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        EXPECT_EQ(1, shared->vcpu_info[i].evtchn_upcall_mask);
}

static void p2m_and_m2p_agree(void)
{
    uint64_t pfn, bad = 0;

    for (pfn = 0; pfn < start_info->nr_pages; pfn++)
        bad += M2P[p2m[pfn]] != pfn;
    EXPECT_EQ(0, bad);
}

static void fpu_starts_clean(void)
{
    static const uint8_t zero[16 * 16];

    EXPECT_EQ(0x37f, *(uint16_t *)boot_fpu);
    EXPECT_EQ(0x1f80, *(uint32_t *)(boot_fpu + 24));
    EXPECT_EQ(0, memcmp(boot_fpu + 32, zero, 8 * 16));
    EXPECT_EQ(0, memcmp(boot_fpu + 160, zero, sizeof(zero)));
}

/* Frames that no image covers hold nothing of who had them before. */
static void memory_starts_clean(void)
{
    uint64_t pfn, dirty = 0, *page = page_alloc();
    unsigned int i;

    for (pfn = start_info->nr_pages - 512; pfn < start_info->nr_pages; pfn++) {
        if (!EXPECT_OK(va_map(page, pte_make(p2m[pfn], PTE_RO_PAGE))))
            return;
        for (i = 0; i < 512; i++)
            dirty += page[i] != 0;
    }
    EXPECT_EQ(0, dirty);
    EXPECT_OK(map_rw(page));
    page_free(page);
}

const struct test guest_tests[] = {
    TEST(starts_with_the_promised_state),
    TEST(p2m_and_m2p_agree),
    TEST(fpu_starts_clean),
    TEST(memory_starts_clean),
    {0},
};
