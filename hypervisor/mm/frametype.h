/*
 * PV page types: the rules that keep page tables honest (design.md 3).
 *
 * A frame has at most one type at a time, with a count of the uses that rely
 * on it: each writable L1 mapping counts as `writable`, each entry of a higher
 * table and each pin as L1..L4, each GDT or LDT as `segdesc`. The type may
 * change only when the count is 0; becoming a table or segdesc validates the
 * whole page and takes a reference for each entry; leaving undoes it.
 * Stale writable translations are flushed before a page becomes a table.
 *
 * Type references always come with a general reference (frame_get).
 * Domain lock: entries of d's tables change under d->mm_lock only.
 */
#ifndef MM_FRAMETYPE_H
#define MM_FRAMETYPE_H

#include "mm/frame.h"

enum frame_type {
    FT_NONE,
    FT_L1,
    FT_L2,
    FT_L3,
    FT_L4,
    FT_SEGDESC,
    FT_WRITABLE
};

#define PTE_P            (1ull << 0)
#define PTE_RW           (1ull << 1)
#define PTE_US           (1ull << 2)
#define PTE_PWT          (1ull << 3)
#define PTE_PCD          (1ull << 4)
#define PTE_A            (1ull << 5)
#define PTE_D            (1ull << 6)
#define PTE_PS           (1ull << 7) /* PAT in an L1 entry */
#define PTE_G            (1ull << 8)
#define PTE_AVAIL        (7ull << 9)
#define PTE_GUEST_KERNEL (1ull << 52)
#define PTE_HIGH_AVAIL   (0x7full << 52)
#define PTE_NX           (1ull << 63)
#define PTE_ADDR         0x000ffffffffff000ull

static inline mfn_t pte_mfn(uint64_t pte)
{
    return mfn((pte & PTE_ADDR) >> PAGE_SHIFT);
}
static inline uint64_t pte_make(mfn_t m, uint64_t flags)
{
    return m.n << PAGE_SHIFT | flags;
}

/* Type, count and state of a frame, for assertions and getpageframeinfo. */
enum frame_type frame_type(const struct frame *f);
uint64_t frame_type_count(const struct frame *f);
bool frame_is_pinned(const struct frame *f);

/*
 * General + type reference on frame `m` of `d`; validates when it must.
 * 0; -EINVAL not d's or contents refused; -EBUSY has another type in use, or
 * a running guest asked for a tree of its own that takes too long to check;
 * d->mm_lock held for table types.
 */
int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type);
void frame_put_typed(struct frame *f, struct domain *d);
/* Only the type reference, on a frame already held. */
int frame_type_get(struct frame *f, struct domain *d, enum frame_type type);
void frame_type_put(struct frame *f, struct domain *d);

/*
 * Check `pte` for level `level` (1..4) of d's tables with frames owned by
 * `owner` (d itself, or a foreign domain for L1), take the references it
 * needs, and rewrite it as it shall be stored (adjust, pv-guest.md 4.2).
 * Not-present entries pass untouched. entry_put() undoes a stored entry.
 * `preempt`: -ERESTART when validating a tree takes long. What was done so far
 * is kept, the same call continues it.
 */
int entry_get(struct domain *d, struct domain *owner, unsigned level,
              uint64_t *pte, bool preempt);
void entry_put(struct domain *d, unsigned level, uint64_t pte);

/* frame_get_typed() with `preempt`. */
int frame_get_typed_preempt(mfn_t m, struct domain *d, enum frame_type type);
/* Type reference for a writable mapping in the tables of another domain. */
int frame_type_get_foreign(struct frame *f, struct domain *owner);
/* Only attribute bits of what a present entry maps differ: no new rights. */
static inline bool entry_is_similar(uint64_t old, uint64_t pte)
{
    return (old & pte & PTE_P) &&
           !((old ^ pte) &
             ~(PTE_A | PTE_D | PTE_AVAIL | PTE_NX | PTE_US | PTE_HIGH_AVAIL));
}
/* As it is to be stored: user bit, kernel marker, nothing global. */
static inline uint64_t entry_adjust(unsigned level, uint64_t pte)
{
    if (!(pte & PTE_P))
        return pte;
    if (level > 1)
        return pte | PTE_US;
    if (!(pte & PTE_US))
        pte |= PTE_US | PTE_GUEST_KERNEL;
    return pte & ~PTE_G;
}

/*
 * Is `f`, of d, a valid table right now, and of which level? 0: it is not.
 * Good as long as d->mm_lock is held.
 */
unsigned frame_table_level(const struct frame *f, const struct domain *d);

/* Pin a table that a general and a type reference are held on; they become
   the pin's. -EINVAL when it is pinned already. Unpin gives them back. */
int frame_pin(struct frame *f);
bool frame_unpin(struct frame *f);

/*
 * Dropping a tree of tables may take long: what is left is noted in
 * d->pv.drop and continued by the next operation on d's tables. 0, or
 * -ERESTART when there is more to do. d->mm_lock held.
 */
int frame_drain(struct domain *d);
/* The owner is dying: undo a pin, and a validation that never finished. */
void frame_unpin_dead(struct frame *f, struct domain *d);

/* Frames of no domain that privileged domains may name: I/O memory. */
extern struct domain domain_io;

#endif
