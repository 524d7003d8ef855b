/* The frames in which a guest's kernel wakes up: pv-guest ABI 3.4. */
#include "pv/internal.h"

#include "cpu/extable.h"
#include "mm/guestcopy.h"

/* Store one word of a frame; a fault goes to the label `fault`. */
#define PUT(sp, i, value)                                                      \
    __asm__ goto("1: movq %1, %c2(%0)\n" _ASM_EXTABLE("1b", "%l[fault]")       \
                 :                                                             \
                 : "r"(sp), "r"((uint64_t)(value)), "i"((i)*8)                 \
                 : "memory"                                                    \
                 : fault)

/* The five words that IRET takes, at `sp`. */
struct iret_words {
    uint64_t rip, cs, rflags, rsp, ss;
};

/* In line, all of it: this is half of every system call. */
#define HOT static inline __attribute__((always_inline))

/* Enter kernel mode, unless in it; the stack to push on, aligned. */
HOT uint64_t enter_kernel(struct vcpu *v, const struct cpu_user_regs *regs,
                          struct iret_words *w, bool from_user)
{
    struct pv_vcpu *p = &v->pv;
    uint8_t mask = READ_ONCE(v->info->evtchn_upcall_mask);
    uint64_t sp = regs->rsp;

    w->rip = regs->rip;
    w->cs = regs->cs;
    w->rsp = regs->rsp;
    w->ss = regs->ss;
    w->rflags = regs->rflags & ~(uint64_t)(RFLAGS_IF | RFLAGS_IOPL);
    if (v->domain->vm_assist >> VMASST_TYPE_architectural_iopl & 1)
        w->rflags |= (uint64_t)p->iopl << 12;
    if (!mask)
        w->rflags |= RFLAGS_IF;

    if (from_user) {
        sp = p->kernel_sp;
        pv_toggle_mode(v);
    } else {
        w->cs &= ~3ull; /* how the guest tells its kernel from its users */
    }
    w->cs |= (uint64_t)mask << 32;
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

HOT void bounce(struct vcpu *v, struct cpu_user_regs *regs, uint64_t address,
                unsigned flags, uint32_t error_code, bool from_user)
{
    struct iret_words w;
    uint64_t sp, words;

    sp = enter_kernel(v, regs, &w, from_user);
    words = flags & BOUNCE_ERROR_CODE ? 8 : 7;
    sp -= words * 8;
    if (unlikely(!pv_stack_ok(sp)))
        goto fault;

    /* From the top down, as a push would touch the stack. */
    words = sp + words * 8 - 5 * 8;
    PUT(words, 4, w.ss);
    PUT(words, 3, w.rsp);
    PUT(words, 2, w.rflags);
    PUT(words, 1, w.cs);
    PUT(words, 0, w.rip);
    if (flags & BOUNCE_ERROR_CODE)
        PUT(sp, 2, error_code);
    PUT(sp, 1, regs->r11);
    PUT(sp, 0, regs->rcx);
    if (unlikely(!address))
        goto fault;

    resume_at(v, regs, address, sp, flags & BOUNCE_MASK);
    return;

fault:
    domain_crash(
        v->domain, "no frame for its handler at %lx: stack %lx, from rip %lx",
        (unsigned long)address, (unsigned long)sp, (unsigned long)w.rip);
}

void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs, uint64_t address,
               unsigned flags, uint32_t error_code)
{
    bounce(v, regs, address, flags, error_code, !v->pv.kernel_mode);
}

void pv_bounce_syscall(struct vcpu *v, struct cpu_user_regs *regs,
                       uint64_t address, bool mask)
{
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    bounce(v, regs, address, mask ? BOUNCE_MASK : 0, 0, true);
    regs->rflags &= ~(uint64_t)RFLAGS_DF;
}

void pv_bounce_failsafe(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct iret_words w;
    uint64_t sp = enter_kernel(v, regs, &w, !v->pv.kernel_mode);
    uint64_t frame[11] = {regs->rcx, regs->r11, v->pv.ds, v->pv.es,
                          v->pv.fs,  v->pv.gs,  w.rip,    w.cs,
                          w.rflags,  w.rsp,     w.ss};

    sp -= sizeof(frame);
    if (copy_to_guest((void *)sp, frame, sizeof(frame))) {
        domain_crash(v->domain, "no stack for its failsafe callback: %lx",
                     (unsigned long)sp);
        return;
    }
    resume_at(v, regs, v->pv.failsafe_callback, sp, v->pv.failsafe_masks);
}
