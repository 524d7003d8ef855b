/*
 * The lists by which a reader of a dump goes from the guest's page numbers to
 * machine frames: pages of machine frames, by page number; pages that name
 * those; one that names these. Made up for the dump, behind all memory: the
 * guest's own may be incomplete, and newer kernels have none.
 */
#ifndef DOM0_DEBUG_DUMP_LISTS_H
#define DOM0_DEBUG_DUMP_LISTS_H

#include <stddef.h>
#include <stdint.h>

#define DUMP_MAX_PFN (1ull << 27) /* as far as one root page goes */

struct dump_page {
    uint64_t pfn, mfn;
};

struct dump_lists {
    struct dump_page *pages; /* by page number */
    size_t nr_pages, room;
    uint64_t mfn;    /* where the lists begin */
    uint64_t *leafs; /* the frame of each page of frames */
    size_t nr_leafs, nr_made;
};

/* Page numbers ascend, below DUMP_MAX_PFN. */
int dump_lists_add(struct dump_lists *l, uint64_t pfn, uint64_t mfn);
/* All were added: decide where everything goes, from this frame on. */
int dump_lists_place(struct dump_lists *l, uint64_t mfn);
uint64_t dump_lists_root(const struct dump_lists *l);
size_t dump_lists_pages(const struct dump_lists *l);
/* All pages in turn; stops at the first error. */
int dump_lists_write(const struct dump_lists *l,
                     int (*put)(void *arg, const void *page), void *arg);
void dump_lists_free(struct dump_lists *l);

#endif
