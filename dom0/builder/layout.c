#include "dom0/builder/layout.h"

#include <stddef.h>

#define L1_SHIFT 21
#define L2_SHIFT 30
#define L3_SHIFT 39

#define MAPPING_ALIGN (4ull << 20)
#define STACK_SLACK   (512ull << 10)
/* The first mapping does not grow past this: it must not wrap. */
#define MAX_MAPPING (1ull << 30)

/* Where the hypervisor lives in every PV address space. */
#define HYPERVISOR_START 0xffff800000000000ull
#define HYPERVISOR_END   0xffff880000000000ull
#define CANONICAL_LOW    (1ull << 47)
#define CANONICAL_HIGH   0xffff800000000000ull

static uint64_t pages_of(uint64_t bytes)
{
    return bytes / PV_PAGE_SIZE + (bytes % PV_PAGE_SIZE != 0);
}

static uint64_t tables_below_root(uint64_t start, uint64_t end)
{
    return layout_tables(start, end, L1_SHIFT) +
           layout_tables(start, end, L2_SHIFT) +
           layout_tables(start, end, L3_SHIFT);
}

/* Can a guest have [start, end) at all? */
static bool is_guest_range(uint64_t start, uint64_t end)
{
    if (end <= start)
        return false;
    if (end <= CANONICAL_LOW)
        return true;
    return start >= CANONICAL_HIGH &&
           (end <= HYPERVISOR_START || start >= HYPERVISOR_END);
}

/* A list outside the mapping has root entries of its own. */
static const char *check_p2m(const struct pv_layout *l)
{
    uint64_t start = l->p2m_base, end = start + l->nr_p2m * PV_PAGE_SIZE;
    uint64_t slot = l->virt_base >> L3_SHIFT;

    if (start % PV_PAGE_SIZE || !is_guest_range(start, end) ||
        (start >> L3_SHIFT <= slot && slot <= (end - 1) >> L3_SHIFT))
        return "the kernel's INIT_P2M note asks for an impossible place";
    return NULL;
}

/* The tables map themselves too: their number is found by trying. */
static void place_tables(struct pv_layout *l, uint64_t pfn)
{
    uint64_t stack_end, end, need;

    l->pt_pfn = pfn;
    l->nr_pt = 1;
    for (;;) {
        l->stack_pfn = pfn + l->nr_pt;
        stack_end = layout_va(l, l->stack_pfn + 1);
        end = (stack_end + STACK_SLACK + MAPPING_ALIGN - 1) &
              ~(MAPPING_ALIGN - 1);
        need = 1 + tables_below_root(l->virt_base, end);
        if (need <= l->nr_pt)
            break;
        l->nr_pt = need;
    }
    l->end_va = end;
}

/* What lies behind the first mapping. */
static const char *place_outside(struct pv_layout *l)
{
    uint64_t pfn = (l->end_va - l->virt_base) / PV_PAGE_SIZE;
    const char *why;

    if (l->ramdisk_unmapped) {
        l->ramdisk_pfn = pfn;
        pfn += l->nr_ramdisk;
    }
    if (l->p2m_outside) {
        why = check_p2m(l);
        if (why)
            return why;
        l->p2m_va = l->p2m_base;
        l->p2m_pfn = pfn;
        l->p2m_pt_pfn = pfn + l->nr_p2m;
        l->nr_p2m_pt = tables_below_root(
            l->p2m_base, l->p2m_base + l->nr_p2m * PV_PAGE_SIZE);
        pfn = l->p2m_pt_pfn + l->nr_p2m_pt;
    }
    l->end_pfn = pfn;
    /* What is mapped but unused need not exist. */
    if (!(l->ramdisk_unmapped && l->nr_ramdisk) && !l->p2m_outside)
        l->end_pfn = l->stack_pfn + 1;
    return NULL;
}

const char *layout_place(struct pv_layout *l)
{
    static const char too_large[] =
        "the kernel, the ramdisk and the memory list do not fit into the "
        "kernel's first mapping";
    uint64_t pfn = (l->kernel_end - l->virt_base) / PV_PAGE_SIZE;

    l->nr_ramdisk = pages_of(l->ramdisk_size);
    l->nr_p2m = pages_of(l->nr_pages * sizeof(uint64_t));
    if (l->kernel_end <= l->virt_base || l->virt_base % PV_PAGE_SIZE ||
        l->kernel_end - l->virt_base > MAX_MAPPING ||
        (!l->ramdisk_unmapped && l->nr_ramdisk > MAX_MAPPING / PV_PAGE_SIZE) ||
        (!l->p2m_outside && l->nr_p2m > MAX_MAPPING / PV_PAGE_SIZE))
        return too_large;

    if (!l->ramdisk_unmapped) {
        l->ramdisk_pfn = pfn;
        pfn += l->nr_ramdisk;
    }
    if (!l->p2m_outside) {
        l->p2m_pfn = pfn;
        l->p2m_va = layout_va(l, pfn);
        pfn += l->nr_p2m;
    }
    l->start_info_pfn = pfn++;
    l->store_pfn = pfn++;
    l->console_pfn = pfn++;
    if (pfn > MAX_MAPPING / PV_PAGE_SIZE)
        return too_large;
    place_tables(l, pfn);
    if (!is_guest_range(l->virt_base, l->end_va))
        return "the kernel asks for addresses that a guest cannot have";
    return place_outside(l);
}
