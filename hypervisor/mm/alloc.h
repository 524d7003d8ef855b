/*
 * The buddy allocator for machine frames. Boot hands it the RAM map.
 */
#ifndef MM_ALLOC_H
#define MM_ALLOC_H

#include "mm/frame.h"

#define ALLOC_MAX_ORDER 18 /* 1 GiB */

/* Give [start, end) to the allocator; frame table must cover it. */
void alloc_add_range(mfn_t start, mfn_t end);
/*
 * A naturally aligned block of 2^order frames, refs 0, owner DOMID_INVALID;
 * every frame flushed of stale translations, not zeroed. FRAME_DIRTY says
 * which need scrubbing. `addr_bits` limits the machine address, 0: any.
 */
struct frame *alloc_frames(unsigned order, unsigned addr_bits);
void alloc_free(struct frame *f, unsigned order);
/* Hypervisor memory, zeroed, contiguous in the direct map; NULL: none left. */
void *alloc_host_pages(unsigned order);
void free_host_pages(void *p, unsigned order);
uint64_t alloc_nr_free(void);  /* frames */
uint64_t alloc_nr_total(void); /* frames ever given to the allocator */
/*
 * XENMEM_claim_pages: promise nr frames to d out of the free ones (0 cancels);
 * -ENOMEM, -EINVAL as <xen/memory.h> says. d->claimed counts down on alloc.
 */
int alloc_claim(struct domain *d, uint64_t nr);
uint64_t alloc_nr_claimed(void);
/* Idle CPUs scrub a little; false when nothing is dirty. */
bool alloc_scrub_some(void);
/* Not before dom0 is built: until then idle CPUs would only be in its way. */
void alloc_scrub_start(void);

#endif
