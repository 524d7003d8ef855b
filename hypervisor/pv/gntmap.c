/* Grant mappings as page-table entries of the running domain. */
#include "grant/gnttab.h"

#include "domain/domain.h"
#include "mm/tlb.h"
#include "pv/mmu.h"

/*
 * The entry for a mapping: by virtual address in the running tables, or
 * (contains_pte) by its own machine address. NULL: there is none. Lock held.
 */
static inline uint64_t *find_entry(struct domain *d, uint64_t host_addr,
                                   uint32_t flags)
{
    mfn_t m = mfn(host_addr >> PAGE_SHIFT);

    if (flags & GNTMAP_contains_pte) {
        if (host_addr % sizeof(uint64_t) || !mfn_is_ram(m))
            return NULL;
        m = mfn(nospec_index(m.n, max_mfn));
        if (frame_table_level(frame_of(m), d) != 1)
            return NULL;
        return (uint64_t *)mfn_to_virt(m) + host_addr % PAGE_SIZE / 8;
    }
    m = table_find_l1(current->pv.cr3_kernel, host_addr);
    return m.n != INVALID_MFN.n ? l1_entry(m, host_addr) : NULL;
}

/* Of an entry, what says which frame is mapped with which rights. */
#define PTE_MAPS (PTE_ADDR | PTE_P | PTE_RW)

static inline uint64_t grant_maps(const struct frame *frame, uint32_t flags)
{
    return pte_make(frame_mfn(frame),
                    flags & GNTMAP_readonly ? PTE_P : PTE_P | PTE_RW);
}

static inline uint64_t grant_pte(const struct frame *frame, uint32_t flags)
{
    uint64_t pte = grant_maps(frame, flags) | PTE_A | PTE_D;

    if (flags & GNTMAP_application_map)
        pte |= PTE_US;
    pte |= (uint64_t)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL;
    return entry_adjust(1, pte);
}

static inline int get_refs(struct domain *d, struct domain *owner,
                           struct frame *frame, bool writable)
{
    int rc;

    if (!frame_get_again(frame))
        return GNTST_general_error;
    if (writable) {
        rc = owner == d ? frame_type_get(frame, owner, FT_WRITABLE)
                        : frame_type_get_foreign(frame, owner);
        if (rc) {
            frame_put(frame);
            return GNTST_general_error;
        }
    }
    /* As entry_put() will see it. */
    if (frame->owner != d->id && !(frame->flags & FRAME_SHARED))
        d->nr_foreign_mapped++;
    return GNTST_okay;
}

/* Lock held. */
static inline void entry_replace(struct domain *d, uint64_t *p, uint64_t pte)
{
    uint64_t old = __atomic_exchange_n(p, pte, __ATOMIC_SEQ_CST);

    if (old & PTE_P)
        entry_put(d, 1, old);
}

int gnttab_pte_map(struct domain *d, struct domain *owner, uint64_t host_addr,
                   struct frame *frame, uint32_t map_flags)
{
    int status = GNTST_general_error;
    uint64_t *p;

    spin_lock(&d->mm_lock);
    p = find_entry(d, host_addr, map_flags);
    if (p)
        status = get_refs(d, owner, frame, !(map_flags & GNTMAP_readonly));
    if (status == GNTST_okay)
        entry_replace(d, p, grant_pte(frame, map_flags));
    spin_unlock(&d->mm_lock);
    return status;
}

int gnttab_pte_unmap(struct domain *d, uint64_t host_addr, struct frame *frame,
                     uint32_t map_flags, uint64_t new_host_addr)
{
    int status = GNTST_general_error;
    uint64_t *p, *q, pte = 0;

    spin_lock(&d->mm_lock);
    p = find_entry(d, host_addr, map_flags);
    /*
     * With the rights of this mapping: if the entry of a read-only grant of
     * the same frame did for it, one that may be written would stay.
     */
    if (!p || (READ_ONCE(*p) & PTE_MAPS) != grant_maps(frame, map_flags))
        goto unlock;
    if (unlikely(new_host_addr)) {
        /* The entry there moves here, and its references with it. */
        q = map_flags & GNTMAP_contains_pte ? NULL
                                            : find_entry(d, new_host_addr, 0);
        if (!q || p == q)
            goto unlock;
        pte = __atomic_exchange_n(q, 0, __ATOMIC_SEQ_CST);
    }
    entry_replace(d, p, pte);
    status = GNTST_okay;
unlock:
    spin_unlock(&d->mm_lock);
    return status;
}

void gnttab_flush(struct domain *d)
{
    tlb_flush_mask(READ_ONCE(d->dirty_cpus), TLB_ALL);
}
