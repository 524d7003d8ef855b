/* What the files of mm/ share among themselves. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include "mm/alloc.h"
#include "mm/frame.h"

struct domain;

/*
 * alloc_frames() on behalf of `d`: takes from d's claim first and leaves what
 * others have claimed alone. `d` NULL: the hypervisor's own needs go first.
 */
struct frame *alloc_frames_for(struct domain *d, unsigned order,
                               unsigned addr_bits);

/* frame_alloc_domain() that may exceed max_pages: XENMEM_exchange gives as
   many frames back as it takes. */
struct frame *frame_alloc_exchange(struct domain *d, unsigned order,
                                   unsigned addr_bits);
/*
 * Take d's frame out of circulation: 0 when the allocation and the caller
 * held the only references; both are gone then, and nobody can get new ones
 * until frame_unsteal() or frame_free_stolen(). -EBUSY otherwise.
 */
int frame_steal(struct frame *f);
void frame_unsteal(struct frame *f);
void frame_free_stolen(struct frame *f);

#endif
