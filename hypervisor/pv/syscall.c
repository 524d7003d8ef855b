/* SYSCALL out of user mode, and all of them where somebody looks. */
#include "pv/bounce.h"

#include "domain/trace.h"
#include "hypercall/hypercall.h"

#define SYSCALL_LENGTH 2

/* The kernel has not said where: as on a CPU whose system has not enabled the
   instruction. */
static __attribute__((noinline)) void refuse(struct vcpu *v,
                                             struct cpu_user_regs *regs)
{
    regs->rip -= SYSCALL_LENGTH;
    regs->entry_vector = TRAP_UD;
    pv_inject_trap(v, TRAP_UD, 0);
}

/* RCX and R11 as the instruction leaves them. */
HOT void bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs,
                        uint64_t address, bool mask)
{
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    bounce(v, regs, address, mask ? BOUNCE_MASK : 0, 0, true);
    regs->rflags &= ~(uint64_t)RFLAGS_DF;
}

void pv_syscall(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    if (likely(v->pv.syscall_callback))
        bounce_syscall(v, regs, v->pv.syscall_callback, v->pv.syscall_masks);
    else
        refuse(v, regs);
}

void pv_syscall32(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    if (!v->pv.kernel_mode && v->pv.syscall32_callback)
        bounce_syscall(v, regs, v->pv.syscall32_callback,
                       v->pv.syscall32_masks);
    else
        refuse(v, regs);
}

void pv_syscall_watched(struct cpu_user_regs *regs)
{
    if (tracing())
        trace_syscall(regs->rip, regs->rax);
    pv_syscall(regs);
}

long pv_hypercall_watched(uint64_t nr, struct hc_args *a)
{
    if (tracing())
        trace_hypercall(TRC_PV_HYPERCALL_V2, nr, a->arg);
    current->pv.trip_asked = true;
    return hypercall_dispatch(nr, a);
}

/*
 * A round trip ends when the kernel goes back to user mode, and it is a quiet
 * one if the kernel asked us for nothing else since it was entered.
 */
static void count_trip(struct vcpu *v)
{
    if (v->pv.kernel_mode) {
        v->pv.trip_asked = true;
        return;
    }
    v->pv.nr_trips++;
    v->pv.nr_quiet_trips += !v->pv.trip_asked;
    v->pv.trip_asked = false;
}

void pv_iret_watched(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    if (tracing())
        trace_hypercall(TRC_PV_HYPERCALL_V2, __HYPERVISOR_iret, NULL);
    pv_iret(regs);
    count_trip(v);
}
