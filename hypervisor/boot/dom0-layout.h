/*
 * Who goes where in domain 0 as it starts (the PV ABI's domain builder rules).
 * Pure. Frame numbers are dom0's own (PFNs), virtual addresses are those of
 * the initial mapping: PFN n is at virt_base + n pages.
 */
#ifndef BOOT_DOM0_LAYOUT_H
#define BOOT_DOM0_LAYOUT_H

#include "lib/lib.h"

struct dom0_layout {
    /* Asked. */
    uint64_t virt_base, kernel_end; /* page-aligned */
    uint64_t nr_pages;              /* of dom0 */
    uint64_t initrd_size;           /* bytes, 0: none */
    bool initrd_mapped;
    uint64_t p2m_base; /* 0: inside the initial mapping */

    /* Answered. */
    uint64_t initrd_pfn, nr_initrd;
    uint64_t p2m_va, p2m_pfn, nr_p2m;
    uint64_t p2m_pt_pfn, nr_p2m_pt; /* tables outside the mapping, right
                                       behind the list */
    uint64_t start_info_va, pt_va, nr_pt, stack_va, end_va;
    uint64_t end_pfn; /* first that nothing needs */
};

/* Tables of one level that cover [start, end) when one covers 2^shift. */
static inline uint64_t layout_tables(uint64_t start, uint64_t end,
                                     unsigned shift)
{
    return ((end - 1) >> shift) - (start >> shift) + 1;
}

/* NULL, or what is wrong. */
const char *dom0_layout(struct dom0_layout *l);

#endif
