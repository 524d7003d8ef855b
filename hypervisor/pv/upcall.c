/* Events and NMIs, on the way back to a guest. */
#include "pv/internal.h"

/* The exit path looks at NMIs only when there is other work: make some. */
void pv_send_nmi(struct vcpu *v)
{
    WRITE_ONCE(v->pv.nmi_pending, true);
    vcpu_wake(v);
    cpu_raise(READ_ONCE(v->unit.cpu), WORK_SCHED);
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
    pv_bounce(v, regs, p->event_callback, BOUNCE_MASK, 0);
}
