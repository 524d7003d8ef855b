/*
 * Our memory and its addresses: page n of the domain is at VIRT_BASE + n *
 * 4096. The builder mapped the first few megabytes so; memory_init() extends
 * its tables over the rest, up to a gigabyte less some room for foreign frames.
 */
#include "pv-frontends/guest/guest.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/ring.h"

enum {
    PTES = 512,
    MAX_PAGES = 255 * 1024,     /* of a gigabyte */
    FOREIGN_FIRST = 255 * 1024, /* the pages behind them are for that */
    FOREIGN_PAGES = 1024,
    WORD = 64,
    NR_CACHED = 256,
};

#define PTE_LEAF  0x67ul /* present, writable, user, accessed, dirty */
#define PTE_RO    0x25ul
#define PTE_TABLE 0x67ul
#define PTE_MFN   0x000ffffffffff000ul
#define M2P       ((const volatile uint64_t *)0xffff800000000000ul)

extern char image_begin[] __asm__("_start");

static uint64_t *p2m, nr_pages, nr_free;
static uint64_t used[MAX_PAGES / WORD]; /* bit per page */
static unsigned int hint, nr_foreign;
static void *cached[NR_CACHED];
static unsigned int nr_cached;

uint64_t pfn_to_mfn(uint64_t pfn)
{
    return p2m[pfn];
}

uint64_t mfn_to_pfn(uint64_t mfn)
{
    return M2P[mfn];
}

/* ---- page tables -----------------------------------------------------------
 */

static int mmu_update(uint64_t address, uint64_t value)
{
    struct mmu_update one = {address, value};

    return (int)shim_hypercall(__HYPERVISOR_mmu_update, (uint64_t)&one, 1, 0,
                               DOMID_SELF);
}

static int va_map(const void *va, uint64_t pte)
{
    return (int)shim_hypercall(__HYPERVISOR_update_va_mapping, (uint64_t)va,
                               pte, UVMF_INVLPG | UVMF_ALL, 0);
}

static uint64_t *table_of(uint64_t entry)
{
    return pfn_to_va(M2P[(entry & PTE_MFN) >> 12]);
}

/* The entry of the second level over an address of ours. */
static uint64_t *l2_entry(const void *va)
{
    uint64_t at = (uint64_t)va;
    uint64_t *l4 = (uint64_t *)start_info->pt_base;
    uint64_t *l3 = table_of(l4[at >> 39 & 511]);
    uint64_t *l2 = table_of(l3[at >> 30 & 511]);

    return &l2[at >> 21 & 511];
}

static uint64_t machine_address(const void *va)
{
    return p2m[va_to_pfn(va)] << 12 | ((uint64_t)va & (PAGE_SIZE - 1));
}

/* A table for the 2 MiB at `va`, with the pages of ours that lie there. */
static int table_add(void *va)
{
    uint64_t *entry = l2_entry(va), first = va_to_pfn(va);
    uint64_t *table;
    int rc;

    if (*entry & 1)
        return 0;
    table = shim_pages_alloc(1);
    if (!table)
        return -XEN_ENOMEM;
    for (unsigned int i = 0; i < PTES; i++)
        if (first + i < nr_pages)
            table[i] = p2m[first + i] << 12 | PTE_LEAF;
    rc = va_map(table, machine_address(table) | PTE_RO);
    if (!rc)
        rc = mmu_update(machine_address(entry),
                        machine_address(table) | PTE_TABLE);
    return rc;
}

void *memory_map_frame(uint64_t mfn)
{
    void *va = pfn_to_va(FOREIGN_FIRST + nr_foreign);

    if (nr_foreign == FOREIGN_PAGES || table_add(va) ||
        va_map(va, mfn << 12 | PTE_LEAF))
        return NULL;
    nr_foreign++;
    return va;
}

void memory_unmap_frames(void)
{
    while (nr_foreign)
        (void)va_map(pfn_to_va(FOREIGN_FIRST + --nr_foreign), 0);
}

/* ---- pages ------------------------------------------------------------------
 */

static void mark(uint64_t pfn, bool is_used)
{
    if (is_used)
        used[pfn / WORD] |= 1ul << pfn % WORD;
    else
        used[pfn / WORD] &= ~(1ul << pfn % WORD);
}

static bool is_used(uint64_t pfn)
{
    return used[pfn / WORD] >> pfn % WORD & 1;
}

static void range_free(uint64_t from, uint64_t to)
{
    for (uint64_t pfn = from; pfn < to; pfn++) {
        mark(pfn, false);
        nr_free++;
    }
}

/* `nr` free pages side by side at or behind `from`; 0 when there are none. */
static uint64_t find(uint64_t from, unsigned int nr)
{
    unsigned int run = 0;

    for (uint64_t pfn = from; pfn < nr_pages; pfn++) {
        if (used[pfn / WORD] == ~0ul) {
            pfn |= WORD - 1;
            run = 0;
            continue;
        }
        run = is_used(pfn) ? 0 : run + 1;
        if (run == nr)
            return pfn - nr + 1;
    }
    return 0;
}

static void *take(unsigned int nr)
{
    uint64_t pfn;

    if (nr == 1 && nr_cached)
        return cached[--nr_cached];
    pfn = find(hint, nr);
    if (!pfn)
        pfn = find(1, nr);
    if (!pfn)
        return NULL;
    for (unsigned int i = 0; i < nr; i++)
        mark(pfn + i, true);
    hint = (unsigned int)(pfn + nr);
    return pfn_to_va(pfn);
}

void *shim_pages_alloc(unsigned int nr)
{
    unsigned long saved = shim_lock();
    void *pages = take(nr);

    if (pages)
        nr_free -= nr;
    shim_unlock(saved);
    return pages ? memset(pages, 0, nr * PAGE_SIZE) : NULL;
}

static void give(void *page)
{
    if (nr_cached < NR_CACHED)
        cached[nr_cached++] = page;
    else
        mark(va_to_pfn(page), false);
}

void shim_pages_free(void *pages, unsigned int nr)
{
    unsigned long saved = shim_lock();

    for (unsigned int i = 0; i < nr; i++)
        give((char *)pages + i * PAGE_SIZE);
    nr_free += nr;
    shim_unlock(saved);
}

uint64_t memory_pages_free(void)
{
    return nr_free;
}

/* ---- the shim's
 * ---------------------------------------------------------------
 */

uint64_t shim_frame(const void *page)
{
    return p2m[va_to_pfn(page)];
}

uint64_t shim_pfn(const void *page)
{
    return va_to_pfn(page);
}

void *shim_map_frames(const uint64_t *frames, unsigned int nr)
{
    void *first = NULL;

    for (unsigned int i = 0; i < nr; i++) {
        void *va = memory_map_frame(frames[i]);

        if (!va)
            return NULL;
        if (!i)
            first = va;
    }
    return first;
}

int shim_page_detach(void *page, uint64_t *frame)
{
    int rc = va_map(page, 0);

    if (rc)
        return rc;
    *frame = shim_frame(page);
    p2m[va_to_pfn(page)] = ~0ul;
    return 0;
}

int shim_page_attach(void *page, uint64_t frame)
{
    p2m[va_to_pfn(page)] = frame;
    return va_map(page, frame << 12 | PTE_LEAF);
}

/*
 * The builder's blocks lie one behind the other from the image on: image, disk,
 * p2m, start_info, the two rings, the page tables, and last the stack, or the
 * p2m behind that.
 */
static uint64_t builders_end(uint64_t boot_stack)
{
    uint64_t end = va_to_pfn((void *)boot_stack);
    uint64_t tables =
        va_to_pfn((void *)start_info->pt_base) + start_info->nr_pt_frames;
    uint64_t list =
        va_to_pfn((void *)(start_info->mfn_list + start_info->nr_pages * 8 +
                           PAGE_SIZE - 1));

    if (tables > end)
        end = tables;
    return list > end ? list : end;
}

/* Where a tool that dumps or saves us finds our pages. */
void memory_publish_p2m(void)
{
    struct arch_shared_info *arch = &shim_shared_info()->arch;

    arch->max_pfn = start_info->nr_pages;
    arch->p2m_vaddr = start_info->mfn_list;
    arch->p2m_cr3 = p2m[va_to_pfn((void *)start_info->pt_base)] << 12;
}

int memory_init(uint64_t boot_stack)
{
    uint64_t mapped;
    int rc = 0;

    p2m = (uint64_t *)start_info->mfn_list;
    nr_pages = start_info->nr_pages < MAX_PAGES ? start_info->nr_pages
                                                : (uint64_t)MAX_PAGES;
    memory_publish_p2m();
    memset(used, 0xff, sizeof(used));
    /* What the builder mapped ends with a table; whole ones can be used. */
    mapped = (builders_end(boot_stack) + PTES - 1) & ~(uint64_t)(PTES - 1);
    if (mapped > nr_pages)
        mapped = nr_pages;
    range_free(1, va_to_pfn(image_begin) & ~255ul);
    range_free(builders_end(boot_stack), mapped);
    while (!rc && mapped < nr_pages) {
        uint64_t end = mapped + PTES < nr_pages ? mapped + PTES : nr_pages;

        rc = table_add(pfn_to_va(mapped));
        if (!rc)
            range_free(mapped, end);
        mapped = end;
    }
    return rc;
}
