/* Grant mappings as page-table entries of the running domain. */
#include "grant/gnttab.h"

#include "domain/domain.h"
#include "mm/tlb.h"
#include "pv/mmu.h"

/*
 * Where the entry for a mapping is: by virtual address in the running tables,
 * or (contains_pte) by the entry's own machine address. Lock held.
 */
static bool find_entry(struct domain *d, uint64_t host_addr, uint32_t flags,
                       struct frame **table, unsigned *idx)
{
    mfn_t m = mfn(host_addr >> PAGE_SHIFT);

    if (flags & GNTMAP_contains_pte) {
        if (host_addr % sizeof(uint64_t) || !mfn_is_ram(m))
            return false;
        *table = frame_of(mfn(nospec_index(m.n, max_mfn)));
        *idx = (host_addr & (PAGE_SIZE - 1)) / sizeof(uint64_t);
    } else {
        if (!table_find_l1e(current->pv.cr3_kernel, host_addr, table))
            return false;
        *idx = host_addr >> PAGE_SHIFT & 511;
    }
    return frame_table_level(*table, d) == 1;
}

static uint64_t grant_pte(struct frame *frame, uint32_t flags)
{
    uint64_t pte = pte_make(frame_mfn(frame), PTE_P | PTE_A | PTE_D);

    if (!(flags & GNTMAP_readonly))
        pte |= PTE_RW;
    if (flags & GNTMAP_application_map)
        pte |= PTE_US;
    pte |= (uint64_t)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL;
    return entry_adjust(1, pte);
}

static int get_refs(struct domain *d, struct domain *owner, struct frame *frame,
                    bool writable)
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

int gnttab_pte_map(struct domain *d, struct domain *owner, uint64_t host_addr,
                   struct frame *frame, uint32_t map_flags)
{
    uint64_t pte = grant_pte(frame, map_flags), *p;
    struct frame *table;
    unsigned idx;
    int status = GNTST_general_error;

    spin_lock(&d->mm_lock);
    if (find_entry(d, host_addr, map_flags, &table, &idx))
        status = get_refs(d, owner, frame, pte & PTE_RW);
    if (status == GNTST_okay) {
        p = (uint64_t *)frame_virt(table) + idx;
        entry_put(d, 1, __atomic_exchange_n(p, pte, __ATOMIC_SEQ_CST));
    }
    spin_unlock(&d->mm_lock);
    return status;
}

int gnttab_pte_unmap(struct domain *d, uint64_t host_addr, struct frame *frame,
                     uint32_t map_flags, uint64_t new_host_addr)
{
    struct frame *table, *from;
    uint64_t *p, *q, pte = 0;
    unsigned idx, from_idx;
    int status = GNTST_general_error;

    spin_lock(&d->mm_lock);
    if (!find_entry(d, host_addr, map_flags, &table, &idx))
        goto unlock;
    p = (uint64_t *)frame_virt(table) + idx;
    /*
     * With the rights of this mapping: if the entry of a read-only grant of
     * the same frame did for it, one that may be written would stay.
     */
    if ((READ_ONCE(*p) ^ grant_pte(frame, map_flags)) &
        (PTE_ADDR | PTE_P | PTE_RW))
        goto unlock;
    if (new_host_addr) {
        /* The entry there moves here, and its references with it. */
        if ((map_flags & GNTMAP_contains_pte) ||
            !find_entry(d, new_host_addr, 0, &from, &from_idx))
            goto unlock;
        q = (uint64_t *)frame_virt(from) + from_idx;
        if (p == q)
            goto unlock;
        pte = __atomic_exchange_n(q, 0, __ATOMIC_SEQ_CST);
    }
    entry_put(d, 1, __atomic_exchange_n(p, pte, __ATOMIC_SEQ_CST));
    status = GNTST_okay;
unlock:
    spin_unlock(&d->mm_lock);
    return status;
}

void gnttab_flush(struct domain *d)
{
    tlb_flush_mask(READ_ONCE(d->dirty_cpus), TLB_ALL);
}
