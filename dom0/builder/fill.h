/*
 * A PV guest being filled: what pv.c, pv-memory.c and pv-kernel.c work on, and
 * the windows through which they see its pages.
 */
#ifndef DOM0_BUILDER_FILL_H
#define DOM0_BUILDER_FILL_H

#include "dom0/builder/internal.h"

struct fill {
    struct builder *b;
    const struct domconfig *cfg;
    const struct pv_kernel *k;
    const struct pv_layout *l;
    const struct image *kernel, *ramdisk;
    struct built_domain *out;
    struct builder_error *err;

    xen_pfn_t *p2m; /* machine frame of each page */
    uint64_t shared_info_mfn;
};

/* -Exxx in one sentence: the hypervisor refused to <what>. */
int fill_refused(const struct fill *f, int rc, const char *what);

/* pv-memory.c: all of its pages, their frames in f->p2m. */
int fill_give_memory(const struct fill *f);

/* Guest pages [pfn, pfn + nr) mapped here, or some of them: */
struct window {
    uint64_t pfn, nr;
    uint8_t *at;
    uint32_t *place; /* of page pfn + i: 1 + its place in the mapping, 0: it is
                        not there; NULL: all are, in order */
    uint64_t nr_mapped;
};

/* Pages [first, end). Both report their failure in f->err. */
int window_open(const struct fill *f, struct window *w, uint64_t first,
                uint64_t end);
/* Of the nr pages from `first` those whose `place` is not 0. The array was
   malloc()ed and is taken over in any case. */
int window_open_some(const struct fill *f, struct window *w, uint64_t first,
                     uint64_t nr, uint32_t *place);
void window_close(const struct fill *f, struct window *w); /* zeroed: fine */
/* NULL: this page is not mapped. */
void *window_page(const struct window *w, uint64_t pfn);

void page_copy(void *to, const void *from);
void page_zero(void *to);

/* pv-kernel.c: the pages that must be written, and writing them. */
int fill_open_kernel(const struct fill *f, struct window *w);
void fill_copy_kernel(const struct fill *f, const struct window *w);

#endif
