/* HYPERVISOR_iret: the end of every handler of a guest's kernel. */
#include "pv/internal.h"

#include "mm/guestword.h"

/* After an NMI's handler another may come. */
static void leave_nmi(struct vcpu *v)
{
    v->pv.in_nmi = false;
    if (v->pv.nmi_pending) /* came meanwhile */
        cpu_raise(cpu_id(), WORK_SCHED);
}

/*
 * The frame is a struct iret_context, each word read once. What it makes of
 * the vCPU is checked by the IRET of pv_return, which may fault.
 */
void pv_iret(struct cpu_user_regs *regs)
{
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
    const struct iret_context *frame;
    struct vcpu *v = current;
    uintptr_t sp;

    if (unlikely(!guest_addr_small((void *)regs->rsp, sizeof(*frame), &sp)))
        goto fault;
    frame = (const struct iret_context *)sp;
    /* Outputs of an asm goto are news to it. */
    /* cppcheck-suppress legacyUninitvar */
    GUEST_LOAD(rax, &frame->rax);
    GUEST_LOAD(r11, &frame->r11);
    GUEST_LOAD(rcx, &frame->rcx);
    GUEST_LOAD(flags, &frame->flags);
    GUEST_LOAD(rip, &frame->rip);
    GUEST_LOAD(cs, &frame->cs);
    GUEST_LOAD(rflags, &frame->rflags);
    GUEST_LOAD(rsp, &frame->rsp);
    GUEST_LOAD(ss, &frame->ss);

    if (unlikely(v->pv.in_nmi))
        leave_nmi(v);
    v->info->evtchn_upcall_mask = !(rflags & RFLAGS_IF);
    if (v->domain->vm_assist >> VMASST_TYPE_architectural_iopl & 1)
        v->pv.iopl = rflags >> 12 & 3;

    regs->rip = rip;
    regs->rsp = rsp;
    regs->rflags = (rflags & RFLAGS_GUEST) | RFLAGS_FIXED;
    regs->rax = rax;
    if (flags & VGCF_in_syscall) {
        regs->cs = FLAT_USER_CS64;
        regs->ss = FLAT_USER_SS64;
        regs->entry_vector = ENTRY_SYSCALL;
    } else {
        regs->cs = (uint16_t)cs | 3;
        regs->ss = (uint16_t)ss | 3;
        regs->rcx = rcx;
        regs->r11 = r11;
        regs->entry_vector = 0;
    }
    if ((cs & 3) != 3)
        return;

    if (unlikely(!v->pv.cr3_user.n)) {
        domain_crash(v->domain, "iret: user mode without page tables");
        return;
    }
    pv_switch_mode(v, false);
    return;

fault:
    domain_crash(v->domain, "iret: no frame at %lx", (unsigned long)regs->rsp);
}
