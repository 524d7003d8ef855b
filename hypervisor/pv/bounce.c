/* Frames that need not be quick. */
#include "pv/bounce.h"

void pv_bounce_failed(struct vcpu *v, const struct cpu_user_regs *regs,
                      uint64_t address, uint64_t sp)
{
    domain_crash(
        v->domain, "no frame for its handler at %lx: stack %lx, from rip %lx",
        (unsigned long)address, (unsigned long)sp, (unsigned long)regs->rip);
}

void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs, uint64_t address,
               unsigned flags, uint32_t error_code)
{
    bounce(v, regs, address, flags, error_code, !v->pv.kernel_mode);
}

void pv_bounce_failsafe(struct vcpu *v, struct cpu_user_regs *regs)
{
    bool from_user = !v->pv.kernel_mode;
    uint8_t mask = READ_ONCE(v->info->evtchn_upcall_mask);
    uint64_t sp = enter_kernel(v, regs, from_user);
    uint64_t frame[11] = {regs->rcx,
                          regs->r11,
                          v->pv.ds,
                          v->pv.es,
                          v->pv.fs,
                          v->pv.gs,
                          regs->rip,
                          shown_cs(regs, mask, from_user),
                          shown_rflags(v, regs, mask),
                          regs->rsp,
                          regs->ss};

    sp -= sizeof(frame);
    if (copy_to_guest((void *)sp, frame, sizeof(frame))) {
        domain_crash(v->domain, "no stack for its failsafe callback: %lx",
                     (unsigned long)sp);
        return;
    }
    resume_at(v, regs, v->pv.failsafe_callback, sp, v->pv.failsafe_masks);
}
