/* What a CPU does before it runs a guest, and instead of running one. */
#include "pv/bounce.h"

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

/* The exit path looks at NMIs only when there is other work: make some. */
void pv_send_nmi(struct vcpu *v)
{
    WRITE_ONCE(v->pv.nmi_pending, true);
    vcpu_wake(v);
    cpu_raise(READ_ONCE(v->unit.cpu), WORK_SCHED);
}

/* Events and NMIs of the vCPU that goes on: an NMI goes first, and not into
   another one's handler (iret ends it). */
static void deliver(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct pv_vcpu *p = &v->pv;

    if (unlikely(READ_ONCE(p->nmi_pending)) && !p->in_nmi &&
        p->trap[TRAP_NMI].address) {
        p->nmi_pending = false;
        p->in_nmi = true;
        pv_bounce(v, regs, p->trap[TRAP_NMI].address, BOUNCE_MASK, 0);
        return;
    }
    if (!vcpu_event_pending(v))
        return;
    if (tracing())
        trace_addresses(TRC_PV_UPCALL, regs->rip, 0, 0, 1);
    pv_bounce(v, regs, p->event_callback, BOUNCE_MASK, 0);
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
            deliver(v, &ci->regs);
            if (likely(!READ_ONCE(ci->work))) {
                latency_end(LATENCY_EXIT, 0);
                return;
            }
        }
    }
}

void pv_event(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    /* The idle vCPU has none. */
    if (unlikely(!v->pv.event_callback || tracing()))
        pv_exit();
    else
        bounce(v, regs, v->pv.event_callback, BOUNCE_MASK, 0,
               !v->pv.kernel_mode);
}
