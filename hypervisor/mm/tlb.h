/*
 * TLB flushes, and knowing when none is needed.
 *
 * A clock ticks with every full flush of any CPU; a frame remembers the time
 * it left its last use (tlb_stamp). A CPU whose last flush is newer than the
 * stamp cannot hold a stale translation. No guest PTE is global.
 *
 * An idle CPU stays on the tables of the guest that it ran last, without a
 * reference to them, until it runs another or is asked to flush: it turns to
 * our own tables then.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "lib/bitmap.h"
#include "mm/frame.h"

/*
 * 64 bits, so that it never wraps; a frame's stamp is the low half. A stamp is
 * read as the latest time with that low half, so an old stamp may cost a flush
 * too many, never one too few.
 */
extern uint64_t tlb_clock;
static inline uint32_t tlb_now(void)
{
    return (uint32_t)__atomic_load_n(&tlb_clock, __ATOMIC_SEQ_CST);
}
/* CPUs of `mask` whose last full flush is not newer than `stamp`. */
cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp);
/* Full flush of non-global entries here; ticks the clock. */
void tlb_flush_local(void);
/* Flush all (va == TLB_ALL) or one page on the CPUs of mask, and wait. */
#define TLB_ALL (~0ul)
void tlb_flush_mask(cpumask_t mask, uintptr_t va);
/* VECTOR_FLUSH, and spin_wait(): serve requests made to this CPU. */
void tlb_serve_requests(void);
/* write_cr3 that counts as a flush. */
void tlb_load_cr3(mfn_t l4);

#endif
