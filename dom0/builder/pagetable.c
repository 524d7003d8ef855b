#include "dom0/builder/pagetable.h"

#define PRESENT  0x01u
#define WRITABLE 0x02u
#define USER     0x04u
#define ACCESSED 0x20u
#define DIRTY    0x40u

#define TABLE (PRESENT | WRITABLE | USER | ACCESSED)
#define LEAF  (PRESENT | ACCESSED)

#define ENTRIES 512u

/* Addresses [start, end) that show pfns from first_pfn on, and their tables. */
struct range {
    const struct pv_layout *l;
    const xen_pfn_t *p2m;
    uint64_t start, end, first_pfn;
    uint64_t *tables; /* page i of them is the guest's tables_pfn + i */
    uint64_t tables_pfn;
};

static uint64_t entry(uint64_t mfn, unsigned flags)
{
    return mfn << 12 | flags;
}

static int is_table(const struct pv_layout *l, uint64_t pfn)
{
    return (pfn >= l->pt_pfn && pfn - l->pt_pfn < l->nr_pt) ||
           (pfn >= l->p2m_pt_pfn && pfn - l->p2m_pt_pfn < l->nr_p2m_pt);
}

static uint64_t leaf(const struct range *r, uint64_t pfn)
{
    if (pfn >= r->l->nr_pages)
        return 0;
    return entry(r->p2m[pfn],
                 LEAF | (is_table(r->l, pfn) ? 0 : WRITABLE | DIRTY));
}

static unsigned slot(uint64_t va, unsigned shift)
{
    return (unsigned)(va >> shift) % ENTRIES;
}

/*
 * Enter into the upper tables (`upper` on, each of whose entries
 * covers 2^shift) the lower ones, from page `lower` on.
 */
static void link_tables(const struct range *r, uint64_t *upper, uint64_t lower,
                        unsigned shift)
{
    uint64_t first = r->start >> shift, last = (r->end - 1) >> shift;

    /* Entry n of a run of tables that begins with first's table. */
    for (uint64_t n = first; n <= last; n++)
        upper[n - (first & ~(uint64_t)(ENTRIES - 1))] =
            entry(r->p2m[r->tables_pfn + lower + (n - first)], TABLE);
}

static void map_range(const struct range *r, uint64_t *root)
{
    uint64_t l3 = 0, l2 = l3 + layout_tables(r->start, r->end, 39);
    uint64_t l1 = l2 + layout_tables(r->start, r->end, 30);
    uint64_t *leaves = r->tables + l1 * ENTRIES;
    uint64_t pfn = r->first_pfn;

    for (uint64_t n = r->start >> 39; n <= (r->end - 1) >> 39; n++)
        root[n % ENTRIES] =
            entry(r->p2m[r->tables_pfn + l3 + (n - (r->start >> 39))], TABLE);
    link_tables(r, r->tables + l3 * ENTRIES, l2, 30);
    link_tables(r, r->tables + l2 * ENTRIES, l1, 21);
    leaves += slot(r->start, 12);
    for (uint64_t va = r->start; va < r->end; va += PV_PAGE_SIZE)
        *leaves++ = leaf(r, pfn++);
}

void pagetable_build(const struct pv_layout *l, const xen_pfn_t *p2m,
                     uint64_t *pt, uint64_t *p2m_pt)
{
    struct range first = {
        .l = l,
        .p2m = p2m,
        .start = l->virt_base,
        .end = l->end_va,
        .tables = pt + ENTRIES,
        .tables_pfn = l->pt_pfn + 1,
    };
    struct range list = {
        .l = l,
        .p2m = p2m,
        .start = l->p2m_va,
        .end = l->p2m_va + l->nr_p2m * PV_PAGE_SIZE,
        .first_pfn = l->p2m_pfn,
        .tables = p2m_pt,
        .tables_pfn = l->p2m_pt_pfn,
    };

    map_range(&first, pt);
    if (p2m_pt)
        map_range(&list, pt);
}
