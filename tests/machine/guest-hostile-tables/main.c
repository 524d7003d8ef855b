/*
 * Page tables pinned, shared and stacked as oddly as the rules allow, and left
 * so: taking such a domain down must give every frame back.
 */
#include "guest.h"

static void a_jungle_of_tables(void)
{
    uint64_t *l1 = page_alloc(), *l2 = page_alloc(), *l3 = page_alloc();
    unsigned int i, n;

    /* All entries the same: counts of 512 at each level. */
    for (i = 0; i < 512; i++) {
        l1[i] = pte_make(va_to_mfn(l1), PTE_RO_PAGE);
        l2[i] = pte_make(va_to_mfn(l1), PTE_TABLE);
        l3[i] = pte_make(va_to_mfn(l2), PTE_TABLE);
    }
    EXPECT_OK(map_ro(l1));
    EXPECT_OK(map_ro(l2));
    EXPECT_OK(map_ro(l3));
    for (n = 0; n < 40; n++) {
        uint64_t *l4 = page_alloc();

        for (i = 0; i < 512; i++)
            l4[i] = pte_make(va_to_mfn(l3), PTE_TABLE);
        EXPECT_OK(map_ro(l4));
        EXPECT_OK(pin_level(4, va_to_mfn(l4)));
    }
    EXPECT_OK(pin_level(3, va_to_mfn(l3)));
    EXPECT_OK(pin_level(2, va_to_mfn(l2)));
    EXPECT_OK(pin_level(1, va_to_mfn(l1)));
}

static void a_user_table_and_descriptors_in_use(void)
{
    uint64_t *gdt = table_alloc(), mfn = va_to_mfn(gdt);

    user_init();
    EXPECT_OK(HC2(set_gdt, &mfn, 512));
    EXPECT_OK(mmuext_linear(MMUEXT_SET_LDT, table_alloc(), 512));
    EXPECT(TRAPS(__asm__ volatile("mov %0, %%ds" ::"r"(0xf))));
}

const struct test guest_tests[] = {
    TEST(a_jungle_of_tables),
    TEST(a_user_table_and_descriptors_in_use),
    {0},
};
