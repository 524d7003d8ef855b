/* The hypervisor's own page tables (slots 256 to 271 of every L4). */
#ifndef MM_HVMAP_H
#define MM_HVMAP_H

#include "mm/frame.h"

enum hvmap_prot {
    HVMAP_RO,
    HVMAP_RW,
    HVMAP_RX,
    HVMAP_RW_UC,
    HVMAP_RW_WC,
    HVMAP_RO_GUEST /* user-readable: the M2P */
};

/*
 * Boot, before the allocator runs: build the final tables (direct map, image
 * with W^X, stacks, frame table, M2P) out of early memory and switch to them.
 */
void hvmap_init(void);
/* The tables with nothing but ours: idle CPUs, secondary CPU bring-up. */
extern mfn_t host_l4;
/* Install slots 256..271 in a fresh guest L4. */
void hvmap_fill_l4(uint64_t *l4);
/* Map or replace 4 KiB pages of our own space. 0 or -ENOMEM. */
int hvmap_map(uintptr_t va, mfn_t m, size_t nr_pages, enum hvmap_prot prot);
void hvmap_unmap(uintptr_t va, size_t nr_pages);
/* Device memory; lives for ever unless unmapped. NULL: no room. */
void *ioremap(uint64_t phys, size_t size);
void *ioremap_wc(uint64_t phys, size_t size); /* frame buffers */
void iounmap(void *p, size_t size);
/* The L1 entry of a mapped 4 KiB page of ours (GDT windows rewrite theirs). */
uint64_t *hvmap_l1e(uintptr_t va);

#endif
