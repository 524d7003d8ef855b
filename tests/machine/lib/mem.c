/*
 * Our frames and the tables that map them. The domain builder mapped the
 * image, the pool in its bss included, so the pool's pages have an address.
 */
#include "internal.h"

#define POOL_PAGES 512

uint64_t *p2m;
static uint8_t pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static void *pool_free[POOL_PAGES];
static unsigned int pool_nr;

void mem_init(void)
{
    unsigned int i;

    for (i = POOL_PAGES; i-- > 0;)
        pool_free[pool_nr++] = pool[i];
}

void *page_alloc(void)
{
    if (!pool_nr) {
        verdict_died("the page pool is empty");
        guest_shutdown(SHUTDOWN_crash);
    }
    return memset(pool_free[--pool_nr], 0, PAGE_SIZE);
}

void page_free(void *page)
{
    pool_free[pool_nr++] = page;
}

uint64_t *pte_of_level(const void *va, int level)
{
    uint64_t *table = (uint64_t *)start_info->pt_base;
    int at;

    for (at = 4;; at--) {
        uint64_t *entry = &table[((uint64_t)va >> (12 + 9 * (at - 1))) & 511];

        if (at == level)
            return entry;
        if (!(*entry & PTE_P))
            return NULL;
        table = pfn_to_va(M2P[PTE_MFN(*entry)]);
    }
}

uint64_t pte_addr(const void *va)
{
    uint64_t *entry = pte_of_level(va, 1);

    return (va_to_mfn(entry) << 12) + ((uint64_t)entry & (PAGE_SIZE - 1));
}

int va_map(const void *va, uint64_t pte)
{
    return (int)hc_update_va_mapping(va, pte, UVMF_INVLPG | UVMF_ALL);
}

int map_ro(const void *page)
{
    return va_map(page, pte_make(va_to_mfn(page), PTE_RO_PAGE));
}

int map_rw(const void *page)
{
    return va_map(page, pte_make(va_to_mfn(page), PTE_RW_PAGE));
}

int mmu_update_one(uint64_t ptr, uint64_t val)
{
    struct mmu_update req = {ptr, val};

    return (int)hc_mmu_update(&req, 1, NULL, DOMID_SELF);
}

int mmuext_one(unsigned int cmd, uint64_t mfn)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

    return (int)hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

int mmuext_linear(unsigned int cmd, const void *linear, unsigned int nr)
{
    struct mmuext_op op = {
        .cmd = cmd,
        .arg1.linear_addr = (uint64_t)linear,
        .arg2.nr_ents = nr,
    };

    return (int)hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

int pin_level(int level, uint64_t mfn)
{
    return mmuext_one(MMUEXT_PIN_L1_TABLE + (unsigned int)level - 1, mfn);
}

int unpin(uint64_t mfn)
{
    return mmuext_one(MMUEXT_UNPIN_TABLE, mfn);
}

uint64_t *table_alloc(void)
{
    uint64_t *table = page_alloc();

    map_ro(table);
    return table;
}

void table_free(uint64_t *table)
{
    if (map_rw(table)) {
        verdict_died("a table's page stays read-only");
        guest_shutdown(SHUTDOWN_crash);
    }
    page_free(table);
}
