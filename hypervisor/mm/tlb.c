#include "mm/tlb.h"

#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "cpu/trap.h"
#include "mm/frame.h"
#include "mm/hvmap.h"

uint64_t tlb_clock = 1;

/*
 * One line a CPU: requests made to it are numbered, and a flush serves all
 * that were made before it began.
 */
static struct flush_state {
    uint64_t flushed_at; /* the clock's tick of its last full flush */
    uint32_t requested;  /* atomic, any CPU */
    uint32_t served;     /* written by its own CPU */
} ALIGNED(64) flush_state[MAX_CPUS];

cpumask_t tlb_stale(cpumask_t mask, uint32_t stamp)
{
    uint64_t now = __atomic_load_n(&tlb_clock, __ATOMIC_SEQ_CST);
    uint64_t then = now - (uint32_t)((uint32_t)now - stamp);
    cpumask_t stale = 0;

    cpumask_for_each(cpu, mask & cpu_online)
    {
        struct flush_state *s = &flush_state[cpu];

        if (__atomic_load_n(&s->flushed_at, __ATOMIC_ACQUIRE) <= then)
            stale |= CPUMASK_OF(cpu);
    }
    return stale;
}

/*
 * The tick comes before the flush: a stamp taken after the flush is not older
 * than it, so this CPU counts as stale for it.
 */
void tlb_load_cr3(mfn_t l4)
{
    uint64_t tick = __atomic_add_fetch(&tlb_clock, 1, __ATOMIC_SEQ_CST);

    write_cr3(l4.n << PAGE_SHIFT);
    __atomic_store_n(&flush_state[cpu_id()].flushed_at, tick, __ATOMIC_RELEASE);
}

void tlb_flush_local(void)
{
    struct cpu_info *ci = cpu_info();
    cpumask_t *dirty = ci->lazy;

    if (likely(!dirty)) {
        tlb_load_cr3(mfn(read_cr3() >> PAGE_SHIFT));
        return;
    }
    /* Nothing holds the root that is loaded: it may be what is to go. */
    ci->lazy = NULL;
    tlb_load_cr3(host_l4);
    __atomic_fetch_and(dirty, ~CPUMASK_OF(cpu_id()), __ATOMIC_SEQ_CST);
}

void tlb_serve_requests(void)
{
    struct flush_state *s = &flush_state[cpu_id()];
    uint32_t requested = __atomic_load_n(&s->requested, __ATOMIC_ACQUIRE);

    if (requested == s->served)
        return;
    tlb_flush_local();
    __atomic_store_n(&s->served, requested, __ATOMIC_RELEASE);
}

static bool is_served(unsigned cpu, uint32_t ticket)
{
    uint32_t served =
        __atomic_load_n(&flush_state[cpu].served, __ATOMIC_ACQUIRE);

    return (int32_t)(served - ticket) >= 0;
}

static inline void flush_here(cpumask_t mask, uintptr_t va)
{
    if (!(mask & CPUMASK_OF(cpu_id())))
        return;
    if (va == TLB_ALL)
        tlb_flush_local();
    else
        invlpg(va);
}

/* Others always flush in full: it is one page or all, and their clock ticks. */
static __attribute__((noinline)) void
flush_everywhere(cpumask_t others, cpumask_t mask, uintptr_t va)
{
    uint32_t ticket[MAX_CPUS];

    cpumask_for_each(cpu, others)
    {
        ticket[cpu] = __atomic_add_fetch(&flush_state[cpu].requested, 1,
                                         __ATOMIC_SEQ_CST);
        lapic_send_ipi((unsigned)cpu, VECTOR_FLUSH);
    }
    flush_here(mask, va);
    cpumask_for_each(cpu, others) while (!is_served((unsigned)cpu, ticket[cpu]))
        spin_wait();
}

void tlb_flush_mask(cpumask_t mask, uintptr_t va)
{
    cpumask_t others = mask & cpu_online & ~CPUMASK_OF(cpu_id());

    if (others)
        flush_everywhere(others, mask, va);
    else
        flush_here(mask, va);
}
