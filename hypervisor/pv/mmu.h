/* What the files that change guests' page tables share. */
#ifndef PV_MMU_H
#define PV_MMU_H

#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "mm/frametype.h"

/*
 * The owner of frames that a call names: the caller, DOMID_IO, and for
 * privileged callers DOMID_XEN and any living domain. -EPERM, -ESRCH.
 */
int mm_other_owner_get(domid_t id, struct domain **owner);
void mm_other_owner_put(struct domain *owner);

static inline int mm_owner_get(domid_t id, struct domain **owner)
{
    if (unlikely(id != DOMID_SELF))
        return mm_other_owner_get(id, owner);
    *owner = current->domain;
    return 0;
}
static inline void mm_owner_put(struct domain *owner)
{
    if (unlikely(owner != current->domain))
        mm_other_owner_put(owner);
}

/*
 * Take d->mm_lock with nothing left to drop: -ERESTART when that took too
 * long, -ESRCH when d, not the caller, is dying; the lock is free then.
 */
int mm_lock_tables(struct domain *d);

/*
 * A list of requests that can stop and go on. batch_end() stores how many
 * were done and, on -ERESTART, moves the call's arguments past them.
 */
struct mm_batch {
    uint32_t nr, done; /* to do now; done before */
};
#define MMU_PREEMPTED (1u << 31) /* in the count: this call goes on */
int mm_batch_go_on(const struct hc_args *a, struct mm_batch *b);
long mm_batch_report(struct hc_args *a, const struct mm_batch *b, uint32_t done,
                     size_t size, long rc);

static inline int mm_batch_start(const struct hc_args *a, struct mm_batch *b)
{
    b->nr = (uint32_t)a->arg[1] & ~MMU_PREEMPTED;
    b->done = 0;
    return (uint32_t)a->arg[1] & MMU_PREEMPTED ? mm_batch_go_on(a, b) : 0;
}

static inline long mm_batch_end(struct hc_args *a, const struct mm_batch *b,
                                uint32_t done, size_t size, long rc)
{
    if (likely(rc != -ERESTART && !a->arg[2]))
        return rc;
    return mm_batch_report(a, b, done, size, rc);
}

/*
 * Change entry `i` of a valid table of d, lock held: checked, references
 * taken and given back. -EAGAIN when the entry is not `*expect` any more.
 */
struct entry_update {
    uint64_t pte;
    unsigned level;         /* the table's, if already looked up, or 0 */
    bool keep_ad;           /* accessed and dirty bits stay */
    const uint64_t *expect; /* NULL: whatever is there */
};
int table_entry_set(struct domain *d, struct domain *owner, struct frame *table,
                    unsigned i, const struct entry_update *u);
/* The L1 for `va` in the tables under `l4`, a root of the running domain in
   use, lock held; INVALID_MFN when there is none. */
mfn_t table_find_l1(mfn_t l4, uintptr_t va);
/* The entry for `va` there. */
static inline uint64_t *l1_entry(mfn_t l1, uintptr_t va)
{
    return (uint64_t *)mfn_to_virt(l1) + (va >> PAGE_SHIFT & 511);
}

/* The CPUs that run the vCPUs of d in a guest's bitmap. */
int mm_vcpumask_to_cpus(struct domain *d, const void *guest_bitmap,
                        cpumask_t *cpus);

#endif
