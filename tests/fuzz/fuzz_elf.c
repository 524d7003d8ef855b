/*
 * Any bytes as an unpacked PV kernel: parsed, placed, mapped. The parser's
 * first byte of the input chooses the guest's size and its ramdisk's.
 * sources: dom0/builder/elf.c dom0/builder/layout.c dom0/builder/pagetable.c
 */
#include "dom0/builder/elf.h"
#include "dom0/builder/pagetable.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PAGES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_segments(const struct pv_kernel *k, size_t size)
{
    uint64_t at = k->start;

    for (unsigned i = 0; i < k->nr_segments; i++) {
        const struct elf_segment *s = &k->segment[i];

        if (s->va < at || s->file_size > s->mem_size ||
            s->offset + s->file_size > size || s->offset > size)
            abort();
        at = s->va + s->mem_size;
    }
    if (at > k->end)
        abort();
}

static void build(const struct pv_layout *l)
{
    xen_pfn_t *p2m = malloc(l->nr_pages * sizeof(*p2m));
    uint64_t *pt = calloc(l->nr_pt, PV_PAGE_SIZE);
    uint64_t *p2m_pt = l->nr_p2m_pt ? calloc(l->nr_p2m_pt, PV_PAGE_SIZE) : NULL;

    for (uint64_t i = 0; i < l->nr_pages; i++)
        p2m[i] = i + 1;
    pagetable_build(l, p2m, pt, p2m_pt);
    free(p2m_pt);
    free(pt);
    free(p2m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_kernel k;
    struct pv_layout l;

    if (!size || elf_parse_kernel(data + 1, size - 1, &k))
        return 0;
    check_segments(&k, size - 1);
    l = (struct pv_layout){
        .virt_base = k.virt_base,
        .kernel_end = k.end,
        .nr_pages = (uint64_t)(data[0] & 63) * 1024 + 1024,
        .ramdisk_size = (uint64_t)(data[0] >> 6) * 100000,
        .ramdisk_unmapped = k.mod_start_pfn,
        .p2m_outside = k.has_p2m_base,
        .p2m_base = k.p2m_base,
    };
    if (layout_place(&l) || l.end_pfn > l.nr_pages || l.nr_pages > MAX_PAGES)
        return 0;
    build(&l);
    return 0;
}
