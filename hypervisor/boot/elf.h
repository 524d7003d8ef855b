/*
 * The kernel of domain 0 as an ELF file with Xen's notes. Pure: reads only
 * the image it is given, never past its end.
 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include "lib/lib.h"

#define MAX_SEGMENTS 16

struct elf_segment {
    uint64_t paddr, mem_size;   /* where it goes */
    uint64_t offset, file_size; /* where it is in the image; the rest is 0 */
};

struct xen_kernel {
    const uint8_t *image;
    size_t size;
    struct elf_segment segment[MAX_SEGMENTS];
    unsigned nr_segments;

    /* From the notes; addresses are virtual unless said. */
    uint64_t entry, virt_base, paddr_offset, hypercall_page, p2m_base;
    bool has_entry, has_virt_base, has_hypercall_page, has_p2m_base;
    bool mod_start_pfn; /* takes its initrd unmapped, by frame number */
    uint64_t hv_start_low;

    uint64_t start, end; /* virtual, of all segments, page-aligned */
};

/* NULL, or why the image is no kernel for dom0 and what to do about it. */
const char *xen_kernel_parse(const void *image, size_t size,
                             struct xen_kernel *k);

#endif
