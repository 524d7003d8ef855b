/* SYSCALL: a hypercall of the guest's kernel, or a system call of its user. */
#include "pv/internal.h"

#include "hypercall/hypercall.h"

#define SYSCALL_LENGTH 2

/* Not in line: a hypercall shall not save registers for it. */
static __attribute__((noinline)) void bounce_syscall(struct vcpu *v,
                                                     struct cpu_user_regs *regs,
                                                     uint64_t callback,
                                                     bool mask)
{
    if (unlikely(!callback)) {
        /* As on a CPU whose system has not enabled the instruction. */
        regs->rip -= SYSCALL_LENGTH;
        regs->entry_vector = TRAP_UD;
        pv_inject_trap(v, TRAP_UD, 0);
        return;
    }
    /* The frame shows what the instruction leaves in these two. */
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    pv_bounce(v, regs, callback, mask ? BOUNCE_MASK : 0, 0);
    regs->rflags &= ~(uint64_t)RFLAGS_DF;
}

void pv_syscall(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    if (likely(v->pv.kernel_mode))
        hypercall_dispatch(regs);
    else
        bounce_syscall(v, regs, v->pv.syscall_callback, v->pv.syscall_masks);
}

/*
 * The way in when round trips are counted (count_round_trips): one ends when
 * the kernel goes back to user mode, and it is a quiet one if the kernel asked
 * us for nothing else since it was entered.
 */
void pv_syscall_counted(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    bool was_kernel = v->pv.kernel_mode;

    pv_syscall(regs);
    if (!was_kernel)
        return;
    if (v->pv.kernel_mode) {
        v->pv.trip_asked = true;
        return;
    }
    v->pv.nr_trips++;
    v->pv.nr_quiet_trips += !v->pv.trip_asked;
    v->pv.trip_asked = false;
}

void pv_syscall32(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    bounce_syscall(v, regs, v->pv.kernel_mode ? 0 : v->pv.syscall32_callback,
                   v->pv.syscall32_masks);
}
