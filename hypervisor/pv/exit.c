/* What a CPU does before it runs a guest, and instead of running one. */
#include "pv/internal.h"

#include "cpu/latency.h"
#include "domain/trace.h"
#include "evtchn/evtchn.h"
#include "mm/alloc.h"
#include "time/timer.h"

/* Sleep until an interrupt, or clean a little memory. */
static void idle_once(void)
{
    if (alloc_scrub_some()) {
        __asm__ volatile("sti; nop; cli" ::: "memory");
        return;
    }
    if (READ_ONCE(cpu_info()->work))
        return;
    /* STI takes effect after HLT has begun: no interrupt is slept through. */
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

static bool take_work(uint64_t seen, enum cpu_work work)
{
    return seen >> work & 1 && bit_test_and_clear(&cpu_info()->work, work);
}

/* One piece of the work that is there, the most urgent first. */
static void do_some(uint64_t seen)
{
    if (take_work(seen, WORK_TIMER))
        timer_run();
    else if (take_work(seen, WORK_SCHED))
        sched_switch();
    else if (take_work(seen, WORK_LOG))
        virq_raise_global(VIRQ_CON_RING);
    else if (take_work(seen, WORK_TRACE))
        trace_notify();
}

void pv_exit(void)
{
    struct cpu_info *ci = cpu_info();

    for (;;) {
        uint64_t work = READ_ONCE(ci->work);
        struct vcpu *v = current;

        if (work) {
            do_some(work);
        } else if (v->domain->id == DOMID_IDLE) {
            idle_once();
            latency_begin(); /* interrupts were on */
        } else {
            pv_deliver_upcall(v, &ci->regs);
            if (likely(!READ_ONCE(ci->work))) {
                latency_end(LATENCY_EXIT, 0);
                return;
            }
        }
    }
}
