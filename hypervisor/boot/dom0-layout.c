#include "boot/dom0-layout.h"

#include "mm/layout.h"

#define L1_SHIFT 21
#define L2_SHIFT 30
#define L3_SHIFT 39

#define MAPPING_ALIGN (4ul << 20)
#define STACK_SLACK   (512ul << 10)
/* No mapping grows past this: it must not wrap. */
#define MAX_MAPPING (1ull << 30)

static uint64_t pages_of(uint64_t bytes)
{
    return bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
}

static uint64_t pfn_of(const struct dom0_layout *l, uint64_t va)
{
    return (va - l->virt_base) / PAGE_SIZE;
}

static uint64_t tables_below_l4(uint64_t start, uint64_t end)
{
    return layout_tables(start, end, L1_SHIFT) +
           layout_tables(start, end, L2_SHIFT) +
           layout_tables(start, end, L3_SHIFT);
}

static bool shares_slot(uint64_t start, uint64_t end, uint64_t slot)
{
    return (start >> L3_SHIFT) <= slot && slot <= ((end - 1) >> L3_SHIFT);
}

/* A list outside the mapping has root entries of its own, none of them ours. */
static const char *check_p2m(const struct dom0_layout *l)
{
    uint64_t start = l->p2m_base, end = start + l->nr_p2m * PAGE_SIZE;

    if (start % PAGE_SIZE || end <= start ||
        (end > 1ull << 47 && start < HOST_VA_END) ||
        shares_slot(start, end, l->virt_base >> L3_SHIFT))
        return "the kernel's INIT_P2M note asks for an impossible place";
    return NULL;
}

/* The tables map themselves too, so their number is found by trying. */
static void place_tables(struct dom0_layout *l, uint64_t va)
{
    uint64_t end, need;

    l->pt_va = va;
    l->nr_pt = 1;
    for (;;) {
        l->stack_va = va + l->nr_pt * PAGE_SIZE;
        end = ROUND_UP(l->stack_va + PAGE_SIZE, MAPPING_ALIGN);
        if (end - (l->stack_va + PAGE_SIZE) < STACK_SLACK)
            end += MAPPING_ALIGN;
        need = 1 + tables_below_l4(l->virt_base, end);
        if (need <= l->nr_pt)
            break;
        l->nr_pt = need;
    }
    l->end_va = end;
}

const char *dom0_layout(struct dom0_layout *l)
{
    uint64_t va = l->kernel_end, pfn;
    const char *why;

    l->nr_initrd = pages_of(l->initrd_size);
    l->nr_p2m = pages_of(l->nr_pages * sizeof(uint64_t));
    if (l->virt_base % PAGE_SIZE || l->kernel_end <= l->virt_base ||
        l->kernel_end - l->virt_base > MAX_MAPPING ||
        (l->initrd_mapped && l->nr_initrd > MAX_MAPPING / PAGE_SIZE))
        return "the kernel or the initrd is too large for the initial mapping";

    if (l->initrd_mapped) {
        l->initrd_pfn = pfn_of(l, va);
        va += l->nr_initrd * PAGE_SIZE;
    }
    if (!l->p2m_base) {
        l->p2m_va = va;
        l->p2m_pfn = pfn_of(l, va);
        va += l->nr_p2m * PAGE_SIZE;
    }
    l->start_info_va = va;
    if (va - l->virt_base > MAX_MAPPING || va < l->virt_base)
        return "the kernel, the initrd and the memory list do not fit into "
               "the initial mapping: give dom0 less memory (dom0_mem=)";
    place_tables(l, va + PAGE_SIZE);
    if (l->end_va <= l->virt_base)
        return "the kernel leaves no room behind it in its address space";

    pfn = pfn_of(l, l->end_va);
    if (!l->initrd_mapped) {
        l->initrd_pfn = pfn;
        pfn += l->nr_initrd;
    }
    if (l->p2m_base) {
        why = check_p2m(l);
        if (why)
            return why;
        l->p2m_va = l->p2m_base;
        l->p2m_pfn = pfn;
        l->p2m_pt_pfn = pfn + l->nr_p2m;
        l->nr_p2m_pt =
            tables_below_l4(l->p2m_base, l->p2m_base + l->nr_p2m * PAGE_SIZE);
        pfn = l->p2m_pt_pfn + l->nr_p2m_pt;
    }
    l->end_pfn = pfn;
    if (pfn > l->nr_pages)
        return "dom0's memory is too small for its kernel and initrd: raise "
               "dom0_mem=, or give the machine more";
    return NULL;
}
