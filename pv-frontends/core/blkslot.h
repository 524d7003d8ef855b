/* What a disk's request needs while it is in flight. Private to blkfront. */
#ifndef PARAVANE_CORE_BLKSLOT_H
#define PARAVANE_CORE_BLKSLOT_H

#include "pv-frontends/core/blkfront.h"

/* For a new ring, as many as it has. 0 or -XEN_ENOMEM. */
int blk_slots_make(struct blkfront *bf);

/* The ring is gone: what was in flight goes to bf->replay, all grants end. */
void blk_slots_drop(struct blkfront *bf);

/*
 * Take a slot for a checked request, grant its pages and compose what goes into
 * the ring. 0 or -XEN_EAGAIN.
 */
int blk_slot_fill(struct blkfront *bf, struct blk_io *io,
                  struct blkif_request *request, struct blk_slot **slot);

/* The slot in use that an answer names; NULL when there is none. */
struct blk_slot *blk_slot_of(struct blkfront *bf, uint64_t id);

/*
 * Answered: data of a read goes to its owner, grants end, the slot is free. 0,
 * or -XEN_EIO when the backend still holds on to the owner's pages.
 */
int blk_slot_empty(struct blkfront *bf, struct blk_slot *slot);

#endif
