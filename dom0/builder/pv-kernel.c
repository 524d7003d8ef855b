/* A kernel's segments into a PV guest's pages. */
#include "dom0/builder/fill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The part of a segment's file bytes that lies in the kernel's page `page`. */
struct piece {
    uint64_t offset;      /* in the image */
    unsigned start, size; /* in the page */
};

static struct piece piece_of(const struct fill *f, const struct elf_segment *s,
                             uint64_t page)
{
    uint64_t from = f->k->start + page * PV_PAGE_SIZE;
    uint64_t to = from + PV_PAGE_SIZE, end = s->va + s->file_size;

    if (from < s->va)
        from = s->va;
    if (to > end)
        to = end;
    return (struct piece){.offset = s->offset + (from - s->va),
                          .start = (unsigned)(from % PV_PAGE_SIZE),
                          .size = (unsigned)(to - from)};
}

/* May any byte of it be other than zero? */
static bool has_bytes(const struct image *img, const struct piece *p)
{
    for (uint64_t i = p->offset / PV_PAGE_SIZE;
         i <= (p->offset + p->size - 1) / PV_PAGE_SIZE; i++)
        if (img->nonzero[i / 8] & 1u << (i % 8))
            return true;
    return false;
}

static uint64_t first_page(const struct fill *f, const struct elf_segment *s)
{
    return (s->va - f->k->start) / PV_PAGE_SIZE;
}

static uint64_t last_page(const struct fill *f, const struct elf_segment *s)
{
    return (s->va + s->file_size - 1 - f->k->start) / PV_PAGE_SIZE;
}

static void mark_pages(const struct fill *f, uint32_t *wanted)
{
    for (unsigned i = 0; i < f->k->nr_segments; i++) {
        const struct elf_segment *s = &f->k->segment[i];

        if (!s->file_size)
            continue;
        for (uint64_t n = first_page(f, s); n <= last_page(f, s); n++) {
            struct piece p = piece_of(f, s, n);

            if (has_bytes(f->kernel, &p))
                wanted[n] = 1;
        }
    }
}

/* Where memory may hold what an earlier owner left, all of the kernel's pages
   are written; where it is zero, those that are not. */
int fill_open_kernel(const struct fill *f, struct window *w)
{
    uint64_t first = (f->k->start - f->l->virt_base) / PV_PAGE_SIZE;
    uint64_t nr = (f->k->end - f->k->start) / PV_PAGE_SIZE;
    uint32_t *wanted;

    if (!f->b->zeroed)
        return window_open(f, w, first, first + nr);
    wanted = calloc(nr, sizeof(*wanted));
    if (!wanted)
        return builder_fail(f->err, -ENOMEM,
                            "There is no memory left in "
                            "dom0.");
    mark_pages(f, wanted);
    return window_open_some(f, w, first, nr, wanted);
}

static void copy_segment(const struct fill *f, const struct elf_segment *s,
                         const struct window *w)
{
    for (uint64_t n = first_page(f, s); n <= last_page(f, s); n++) {
        struct piece p = piece_of(f, s, n);
        uint8_t *to = window_page(w, w->pfn + n);

        if (!to)
            continue;
        if (p.size == PV_PAGE_SIZE)
            page_copy(to, f->kernel->data + p.offset);
        else
            memcpy(to + p.start, f->kernel->data + p.offset, p.size);
    }
}

static bool is_covered(const struct fill *f, uint64_t page)
{
    uint64_t va = f->k->start + page * PV_PAGE_SIZE;

    for (unsigned i = 0; i < f->k->nr_segments; i++) {
        const struct elf_segment *s = &f->k->segment[i];

        if (s->va <= va && va + PV_PAGE_SIZE <= s->va + s->file_size)
            return true;
    }
    return false;
}

/* The pages that no segment fills whole begin as zeroes. */
void fill_copy_kernel(const struct fill *f, const struct window *w)
{
    for (uint64_t n = 0; n < w->nr; n++) {
        void *to = window_page(w, w->pfn + n);

        if (to && !is_covered(f, n))
            page_zero(to);
    }
    for (unsigned i = 0; i < f->k->nr_segments; i++)
        if (f->k->segment[i].file_size)
            copy_segment(f, &f->k->segment[i], w);
}
