/* Events and NMIs, on the way back to a guest. */
#include "pv/internal.h"

#include "domain/trace.h"

/* The exit path looks at NMIs only when there is other work: make some. */
void pv_send_nmi(struct vcpu *v)
{
    WRITE_ONCE(v->pv.nmi_pending, true);
    vcpu_wake(v);
    cpu_raise(READ_ONCE(v->unit.cpu), WORK_SCHED);
}

/* Apart, so that the usual way has no registers to save. */
static __attribute__((noinline)) void call_back_traced(struct vcpu *v,
                                                       struct cpu_user_regs *r)
{
    trace_addresses(TRC_PV_UPCALL, r->rip, 0, 0, 1);
    pv_bounce(v, r, v->pv.event_callback, BOUNCE_MASK, 0);
}

void pv_deliver_upcall(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct pv_vcpu *p = &v->pv;

    /* An NMI goes first, and not into another one's handler (iret ends it). */
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
        call_back_traced(v, regs);
    else
        pv_bounce(v, regs, p->event_callback, BOUNCE_MASK, 0);
}
