/*
 * Grant tables, version 1: a guest lets named domains use its pages. PORTABLE.
 */
#ifndef GRANT_GNTTAB_H
#define GRANT_GNTTAB_H

#include "mm/frame.h"

#include <xen/grant_table.h>

struct domain;
struct domain_part;

extern const struct domain_part gnttab_part;

#define GNTTAB_DEFAULT_MAX_FRAMES   64
#define GNTTAB_DEFAULT_MAX_MAPTRACK 1024 /* pages */

/* Frame `idx` of d's table, growing it if allowed (XENMEM_acquire_resource,
   setup_table). -EINVAL, -ENOMEM. */
int gnttab_get_frame(struct domain *d, unsigned idx, mfn_t *m);
unsigned gnttab_nr_frames(struct domain *d);
/* Debug key g: its table and what it maps, in a line of the log. */
void gnttab_dump(struct domain *d);
/* Live mappings by and of d, for leak tests and listings. */
unsigned gnttab_nr_maps(struct domain *d);

/*
 * A grant mapping as the page tables need it: pv/mmu.c provides these two.
 * gnttab_pte_map: write the L1 entry for host_addr (a virtual address, or
 * with contains_pte the machine address of the entry) of the running domain,
 * with references as entry_get() takes them for `owner`'s frame.
 * gnttab_pte_unmap: the entry must still map `frame`; clears it.
 * Both return GNTST_*.
 */
int gnttab_pte_map(struct domain *d, struct domain *owner, uint64_t host_addr,
                   struct frame *frame, uint32_t map_flags);
int gnttab_pte_unmap(struct domain *d, uint64_t host_addr, struct frame *frame,
                     uint32_t map_flags, uint64_t new_host_addr);
/* Flush after a batch of unmaps. */
void gnttab_flush(struct domain *d);

#endif
