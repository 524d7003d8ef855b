/* HYPERVISOR_iret: the end of every handler of a guest's kernel. */
#include "pv/internal.h"

#include "cpu/extable.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"

/*
 * Copy the frame at the guest's stack pointer, each word read once. Word by
 * word: a string instruction takes longer to start than this takes in all.
 */
static inline bool fetch_frame(struct iret_context *c, const void *sp)
{
    uintptr_t from;
    uint64_t word;
    int rc = -EFAULT;

    static_assert(sizeof(*c) == 9 * 8, "nine words");
    if (unlikely(!guest_addr(sp, sizeof(*c), &from)))
        return false;
    __asm__ volatile(
        ".irp at, 0, 8, 16, 24, 32, 40, 48, 56, 64\n"
        "1: mov \\at(%2), %1\n"
        "mov %1, \\at(%3)\n" _ASM_EXTABLE("1b", "2f") ".endr\n"
                                                      "xor %0, %0\n"
                                                      "2:\n"
        : "+r"(rc), "=&r"(word)
        : "r"(from), "r"(c)
        : "memory");
    return !rc;
}

/* What the vCPU becomes; checked by the IRET of pv_return, which may fault. */
static void load_frame(struct vcpu *v, struct cpu_user_regs *regs,
                       const struct iret_context *c)
{
    if (v->domain->vm_assist >> VMASST_TYPE_architectural_iopl & 1)
        v->pv.iopl = c->rflags >> 12 & 3;

    regs->rip = c->rip;
    regs->rsp = c->rsp;
    regs->rflags = (c->rflags & RFLAGS_GUEST) | RFLAGS_FIXED;
    regs->rax = c->rax;
    if (c->flags & VGCF_in_syscall) {
        regs->cs = FLAT_USER_CS64;
        regs->ss = FLAT_USER_SS64;
        regs->entry_vector = ENTRY_SYSCALL;
        return;
    }
    regs->cs = (uint16_t)c->cs | 3;
    regs->ss = (uint16_t)c->ss | 3;
    regs->rcx = c->rcx;
    regs->r11 = c->r11;
    regs->entry_vector = 0;
}

long hc_iret(struct hc_args *a)
{
    struct vcpu *v = current;
    struct cpu_user_regs *regs = &cpu_info()->regs;
    struct iret_context c;

    (void)a;
    if (unlikely(!fetch_frame(&c, (void *)regs->rsp))) {
        domain_crash(v->domain, "iret: no frame at %lx",
                     (unsigned long)regs->rsp);
        return 0;
    }

    if (unlikely(v->pv.in_nmi)) {
        v->pv.in_nmi = false;
        if (v->pv.nmi_pending) /* came meanwhile */
            cpu_raise(cpu_id(), WORK_SCHED);
    }
    v->info->evtchn_upcall_mask = !(c.rflags & RFLAGS_IF);
    load_frame(v, regs, &c);
    if ((c.cs & 3) != 3)
        return 0;

    if (unlikely(!v->pv.cr3_user.n)) {
        domain_crash(v->domain, "iret: user mode without page tables");
        return 0;
    }
    pv_toggle_mode(v);
    return 0;
}
