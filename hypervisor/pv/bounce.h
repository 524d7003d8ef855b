/*
 * The frame of an exception, event or system call on the guest kernel's stack
 * (pv-guest ABI 3.4), in line: this is most of a way into a guest's kernel.
 */
#ifndef PV_BOUNCE_H
#define PV_BOUNCE_H

#include "mm/guestword.h"
#include "pv/internal.h"

#define HOT static inline __attribute__((always_inline))

/* RFLAGS and CS as the guest is to find them in a frame. `mask`: whether its
   events were masked, which IF shows and the upper half of CS tells. */
HOT uint64_t shown_rflags(const struct vcpu *v,
                          const struct cpu_user_regs *regs, uint8_t mask)
{
    uint64_t rflags = regs->rflags & ~(uint64_t)(RFLAGS_IF | RFLAGS_IOPL);

    if (v->domain->vm_assist >> VMASST_TYPE_architectural_iopl & 1)
        rflags |= (uint64_t)v->pv.iopl << 12;
    return mask ? rflags : rflags | RFLAGS_IF;
}

HOT uint64_t shown_cs(const struct cpu_user_regs *regs, uint8_t mask,
                      bool from_user)
{
    /* RPL 0 is how the guest tells its kernel from its users. */
    return (regs->cs & (from_user ? ~0ull : ~3ull)) | (uint64_t)mask << 32;
}

/* Enter kernel mode, unless in it; the stack to push on, aligned. */
HOT uint64_t enter_kernel(struct vcpu *v, const struct cpu_user_regs *regs,
                          bool from_user)
{
    uint64_t sp = regs->rsp;

    if (from_user) {
        sp = v->pv.kernel_sp;
        pv_switch_mode(v, true);
    }
    return sp & ~15ull;
}

/* Go on at `address`, by SYSRET: the handler finds RCX and R11 in its frame. */
HOT void resume_at(struct vcpu *v, struct cpu_user_regs *regs, uint64_t address,
                   uint64_t sp, bool mask)
{
    regs->rip = address;
    regs->cs = FLAT_KERNEL_CS;
    regs->ss = FLAT_KERNEL_SS;
    regs->rsp = sp;
    regs->rflags &= ~(uint64_t)(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_AC |
                                RFLAGS_VM | RFLAGS_IOPL);
    regs->rflags |= RFLAGS_FIXED;
    regs->entry_vector = ENTRY_SYSCALL;
    if (mask)
        v->info->evtchn_upcall_mask = 1;
}

/* What pv_bounce() does, with what the caller knows built in. */
HOT void bounce(struct vcpu *v, struct cpu_user_regs *regs, uint64_t address,
                unsigned flags, uint32_t error_code, bool from_user)
{
    unsigned words = flags & BOUNCE_ERROR_CODE ? 8 : 7;
    uint8_t mask = READ_ONCE(v->info->evtchn_upcall_mask);
    uint64_t top = enter_kernel(v, regs, from_user);
    uint64_t *frame = (uint64_t *)top - 5, *sp = (uint64_t *)top - words;

    if (unlikely(!pv_stack_ok((uintptr_t)sp)))
        goto fault;

    /* From the top down, as a push would touch the stack. */
    GUEST_STORE(frame + 4, regs->ss);
    GUEST_STORE(frame + 3, regs->rsp);
    GUEST_STORE(frame + 2, shown_rflags(v, regs, mask));
    GUEST_STORE(frame + 1, shown_cs(regs, mask, from_user));
    GUEST_STORE(frame, regs->rip);
    if (flags & BOUNCE_ERROR_CODE)
        GUEST_STORE(frame - 1, error_code);
    GUEST_STORE(sp + 1, regs->r11);
    GUEST_STORE(sp, regs->rcx);
    if (unlikely(!address))
        goto fault;

    resume_at(v, regs, address, (uintptr_t)sp, flags & BOUNCE_MASK);
    return;

fault:
    pv_bounce_failed(v, regs, address, (uintptr_t)sp);
}

#endif
