/*
 * Other domains' granted pages: map what stays, copy the rest. A thin seam over
 * libxengnttab, so that what stands above runs in tests (gnttab-fake.c).
 */
#ifndef PARAVANE_LIBS_GNTTAB_H
#define PARAVANE_LIBS_GNTTAB_H

#include <stdint.h>

#include <xengnttab.h>

#define GNTTAB_PAGE_SIZE 4096u

struct gnttab;

/* One piece of a copy, at most a page; `status` is GNTST_okay (0) when done. */
typedef xengnttab_grant_copy_segment_t gnttab_op_t;

/* 0 and the handle, or -errno. */
int gnttab_open(struct gnttab **out);

/* Unmaps whatever is still mapped; NULL is fine. */
void gnttab_close(struct gnttab *gt);

/*
 * Map `nr` pages of `domid` side by side. 0 and the address, or -errno with
 * nothing mapped.
 */
int gnttab_map(struct gnttab *gt, uint32_t domid, const uint32_t *refs,
               unsigned int nr, int writable, void **out);

/* All of one gnttab_map(), as it was mapped. */
void gnttab_unmap(struct gnttab *gt, void *addr, unsigned int nr);

/*
 * Do all `nr` copies, in order, as few hypercalls as possible. 0 says they were
 * tried: look at each `status`. -errno: none was.
 */
int gnttab_copy(struct gnttab *gt, gnttab_op_t *ops, unsigned int nr);

/*
 * `nr` pages of ours, side by side, whose copies are quick: they are granted to
 * our own domain, and a copy within one of them names it by its grant. (Others
 * are found and held by the kernel for each copy, which costs a PV domain more
 * than the copy.) Once for a handle, with which they go. NULL: there are none
 * to be had, and any other memory will do.
 */
void *gnttab_own_pages(struct gnttab *gt, unsigned int nr);

/* Fill in one copy between our memory and a granted page. */
static inline void gnttab_copy_in(gnttab_op_t *op, void *to, uint32_t domid,
                                  uint32_t ref, uint16_t offset, uint16_t len)
{
    op->source.foreign.ref = ref;
    op->source.foreign.offset = offset;
    op->source.foreign.domid = domid;
    op->dest.virt = to;
    op->len = len;
    op->flags = GNTCOPY_source_gref;
    op->status = GNTST_general_error;
}

static inline void gnttab_copy_out(gnttab_op_t *op, const void *from,
                                   uint32_t domid, uint32_t ref,
                                   uint16_t offset, uint16_t len)
{
    op->dest.foreign.ref = ref;
    op->dest.foreign.offset = offset;
    op->dest.foreign.domid = domid;
    op->source.virt = (void *)(uintptr_t)from;
    op->len = len;
    op->flags = GNTCOPY_dest_gref;
    op->status = GNTST_general_error;
}

/* From one granted page to another, neither of them ours. */
static inline void gnttab_copy_over(gnttab_op_t *op, uint32_t from_domid,
                                    uint32_t from_ref, uint16_t from_offset,
                                    uint32_t to_domid, uint32_t to_ref,
                                    uint16_t to_offset, uint16_t len)
{
    op->source.foreign.ref = from_ref;
    op->source.foreign.offset = from_offset;
    op->source.foreign.domid = from_domid;
    op->dest.foreign.ref = to_ref;
    op->dest.foreign.offset = to_offset;
    op->dest.foreign.domid = to_domid;
    op->len = len;
    op->flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    op->status = GNTST_general_error;
}

#endif
