/* HYPERVISOR_iret: the end of every handler of a guest's kernel. */
#include "pv/internal.h"

#include "cpu/extable.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"

/* Load word `i` of a frame; a fault goes to the label `fault`. */
#define GET(value, sp, i)                                                      \
    __asm__ goto("1: movq %c2(%1), %0\n" _ASM_EXTABLE("1b", "%l[fault]")       \
                 : "=r"(value)                                                 \
                 : "r"(sp), "i"((i)*8)                                         \
                 :                                                             \
                 : fault)

#define FRAME_WORDS 9
static_assert(sizeof(struct iret_context) == FRAME_WORDS * 8, "its words");

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
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss, sp = regs->rsp;
    struct vcpu *v = current;

    if (unlikely(!pv_stack_ok(sp)))
        goto fault;
    sp &= guest_mask(sp, FRAME_WORDS * 8);
    /* Outputs of an asm goto are news to it. */
    /* cppcheck-suppress legacyUninitvar */
    GET(rax, sp, 0);
    GET(r11, sp, 1);
    GET(rcx, sp, 2);
    GET(flags, sp, 3);
    GET(rip, sp, 4);
    GET(cs, sp, 5);
    GET(rflags, sp, 6);
    GET(rsp, sp, 7);
    GET(ss, sp, 8);

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
    pv_toggle_mode(v);
    return;

fault:
    domain_crash(v->domain, "iret: no frame at %lx", (unsigned long)sp);
}

long hc_iret(struct hc_args *a)
{
    (void)a;
    pv_iret(&cpu_info()->regs);
    return 0;
}
