/* What a CPU does before it runs a guest, and instead of running one. */
#include "pv/internal.h"

#include "cpu/latency.h"
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

static bool take_work(enum cpu_work work)
{
    uint64_t *bits = &cpu_info()->work;

    return bit_test(bits, work) && bit_test_and_clear(bits, work);
}

void pv_exit(void)
{
    for (;;) {
        struct vcpu *v;

        if (take_work(WORK_TIMER)) {
            timer_run();
            continue;
        }
        if (take_work(WORK_SCHED)) {
            sched_switch();
            continue;
        }
        if (take_work(WORK_LOG)) {
            virq_raise_global(VIRQ_CON_RING);
            continue;
        }
        v = current;
        if (v->domain->id == DOMID_IDLE) {
            idle_once();
            latency_begin(); /* interrupts were on */
            continue;
        }
        pv_deliver_upcall(v, &cpu_info()->regs);
        if (likely(!READ_ONCE(cpu_info()->work))) {
            latency_end(LATENCY_EXIT, 0);
            return;
        }
    }
}
