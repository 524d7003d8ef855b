/*
 * The balloon: pages of ours that the host has back for now. memory/target in
 * the store says how large the domain is to be. Runs in the store's thread.
 */
#ifndef PARAVANE_CORE_BALLOON_H
#define PARAVANE_CORE_BALLOON_H

#include "pv-frontends/core/libc.h"

/*
 * `nr_pages` is what the domain has now. Watches the target; the kernel keeps
 * `reserve` pages in any case. 0 or a negative error.
 */
int balloon_init(uint64_t nr_pages, uint64_t reserve);

/*
 * Step towards the target, a batch at a time: true while there is more to do
 * (call again soon), false when it is reached or cannot be for now.
 */
bool balloon_step(void);

/* Pages that the domain has now; pages that the balloon holds. */
uint64_t balloon_pages(void);
uint64_t balloon_held(void);

#endif
