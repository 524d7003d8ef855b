/*
 * Who goes where in a PV guest as it starts. Pure. Frame numbers (pfn) are the
 * guest's own; virtual addresses are those of the first mapping, in which pfn n
 * is at virt_base + n pages. Upwards: kernel, (ramdisk), (frame list),
 * start_info, store page, console page, page tables, boot stack, at least
 * 512 KiB mapped but unused up to a multiple of 4 MiB; then, not mapped there,
 * the ramdisk and the frame list for kernels that take them so.
 */
#ifndef DOM0_BUILDER_LAYOUT_H
#define DOM0_BUILDER_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#define PV_PAGE_SIZE 4096ull

struct pv_layout {
    /* Asked. */
    uint64_t virt_base, kernel_end; /* page-aligned */
    uint64_t nr_pages;              /* of the guest */
    uint64_t ramdisk_size;          /* bytes, 0: none */
    bool ramdisk_unmapped;
    bool p2m_outside; /* of the first mapping, at p2m_base */
    uint64_t p2m_base;

    /* Answered. */
    uint64_t ramdisk_pfn, nr_ramdisk;
    uint64_t p2m_va, p2m_pfn, nr_p2m;
    uint64_t p2m_pt_pfn, nr_p2m_pt; /* tables outside the mapping */
    uint64_t start_info_pfn, store_pfn, console_pfn;
    uint64_t pt_pfn, nr_pt; /* the first is the root */
    uint64_t stack_pfn;
    uint64_t end_va;  /* of the first mapping */
    uint64_t end_pfn; /* first that nothing needs */
};

static inline uint64_t layout_va(const struct pv_layout *l, uint64_t pfn)
{
    return l->virt_base + pfn * PV_PAGE_SIZE;
}

/* Tables of one level that cover [start, end) when one covers 2^shift. */
static inline uint64_t layout_tables(uint64_t start, uint64_t end,
                                     unsigned shift)
{
    return ((end - 1) >> shift) - (start >> shift) + 1;
}

/* NULL, or what is wrong. `end_pfn` > nr_pages is the caller's to see. */
const char *layout_place(struct pv_layout *l);

#endif
