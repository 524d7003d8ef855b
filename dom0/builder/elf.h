/*
 * A PV kernel: an ELF file with Xen's notes. Pure: reads only the image it is
 * given, never past its end.
 */
#ifndef DOM0_BUILDER_ELF_H
#define DOM0_BUILDER_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 32

/* Where bytes [offset, +file_size) of the image go; the rest is zero. */
struct elf_segment {
    uint64_t va, mem_size;
    uint64_t offset, file_size;
};

struct pv_kernel {
    struct elf_segment segment[ELF_MAX_SEGMENTS]; /* ascending, apart */
    unsigned nr_segments;

    /* From the notes. */
    uint64_t entry, virt_base, paddr_offset, hypercall_page, p2m_base;
    bool has_entry, has_virt_base, has_hypercall_page, has_p2m_base;
    bool mod_start_pfn; /* takes its ramdisk unmapped, by frame number */
    uint64_t hv_start_low;
    char guest_os[32];

    uint64_t start, end; /* virtual, of all segments, page-aligned */
};

/* NULL, or why the image cannot be a PV guest's kernel. */
const char *elf_parse_kernel(const uint8_t *image, size_t size,
                             struct pv_kernel *k);

#endif
