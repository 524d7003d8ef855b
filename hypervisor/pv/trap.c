/* Exceptions of a guest: repaired, emulated, or its own to handle. */
#include "pv/bounce.h"

#include "cpu/latency.h"
#include "domain/trace.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"
#include "mm/tlb.h"

#define TI_DPL  3
#define TI_MASK 4

static __attribute__((noinline)) void no_handler(struct vcpu *v,
                                                 struct cpu_user_regs *regs,
                                                 unsigned vector,
                                                 uint32_t error_code)
{
    domain_crash(v->domain,
                 "exception %u (error %x) without a handler at rip %lx, "
                 "cr2 %lx",
                 vector, error_code, (unsigned long)regs->rip,
                 (unsigned long)v->pv.cr2);
}

HOT void inject(struct vcpu *v, struct cpu_user_regs *regs, unsigned vector,
                uint32_t error_code)
{
    const struct pv_trap *t = &v->pv.trap[vector & 0xff];
    unsigned flags = t->flags & TI_MASK ? BOUNCE_MASK : 0;

    if (unlikely(!t->address)) {
        no_handler(v, regs, vector, error_code);
        return;
    }
    if (tracing())
        trace_exception(regs->rip, vector, error_code, v->pv.cr2);
    if (vector < 32 && TRAP_HAS_ERROR_CODE >> vector & 1)
        flags |= BOUNCE_ERROR_CODE;
    bounce(v, regs, t->address, flags, error_code, !v->pv.kernel_mode);
}

void pv_inject_trap(struct vcpu *v, unsigned vector, uint32_t error_code)
{
    inject(v, pv_regs(v), vector, error_code);
}

HOT void inject_page_fault(struct vcpu *v, struct cpu_user_regs *regs,
                           uintptr_t cr2, uint32_t error_code)
{
    /* Its kernel runs in ring 3 too, but does not want to know. */
    error_code &= ~PFEC_U;
    if (!v->pv.kernel_mode)
        error_code |= PFEC_U;
    v->pv.cr2 = cr2;
    v->info->arch.cr2 = cr2;
    inject(v, regs, TRAP_PF, error_code);
}

void pv_inject_page_fault(struct vcpu *v, uintptr_t cr2, uint32_t error_code)
{
    inject_page_fault(v, pv_regs(v), cr2, error_code);
}

/*
 * Without mm_lock, which the code that faulted may hold: tables can change
 * under our feet, so follow nothing but RAM. A wrong answer costs one more
 * fault.
 */
bool pv_fault_is_spurious(struct vcpu *v, uintptr_t va, uint32_t ec)
{
    mfn_t table = v->pv.kernel_mode ? v->pv.cr3_kernel : v->pv.cr3_user;
    uint64_t rights = PTE_P | PTE_RW | PTE_US, forbidden = 0;

    if (!(ec & PFEC_P) || (ec & PFEC_RSV) ||
        va - HOST_VA_START < HOST_VA_END - HOST_VA_START)
        return false;
    for (int level = 4; level && rights & PTE_P; level--) {
        unsigned shift = PAGE_SHIFT + 9 * (level - 1);
        uint64_t e;

        if (!mfn_is_ram(table))
            return false;
        e = READ_ONCE(((uint64_t *)mfn_to_virt(table))[va >> shift & 511]);
        rights &= e;
        forbidden |= e & PTE_NX;
        table = pte_mfn(e);
    }
    if (!(rights & PTE_P) || !(rights & PTE_US))
        return false;
    if (ec & PFEC_W && !(rights & PTE_RW))
        return false;
    return !(ec & PFEC_I && forbidden);
}

/* A guest's selector led the CPU to a descriptor that is not there. */
static bool descriptor_fault(struct vcpu *v, uintptr_t va, uint32_t ec)
{
    uintptr_t offset = va - ldt_window(cpu_id());

    if (ec & PFEC_U) /* an access of the guest's, not of the CPU's own */
        return false;
    if (offset < 16 * PAGE_SIZE) {
        if (!pv_ldt_fault(v, offset))
            pv_inject_page_fault(v, v->pv.ldt_base + offset, ec);
        return true;
    }
    offset = va - gdt_window(cpu_id());
    if (offset < 16 * PAGE_SIZE) {
        pv_inject_gp(v, offset & 0xfff8);
        return true;
    }
    return false;
}

static void page_fault(struct vcpu *v, struct cpu_user_regs *regs)
{
    uintptr_t va = read_cr2();
    uint32_t ec = regs->error_code;

    if (unlikely(va - HOST_VA_START < HOST_VA_END - HOST_VA_START)) {
        if (!descriptor_fault(v, va, ec))
            pv_inject_page_fault(v, va, ec);
        return;
    }
    if (ec & PFEC_P && !(ec & PFEC_RSV)) {
        if (ec & PFEC_W && v->pv.kernel_mode && !(ec & PFEC_I) &&
            pv_emulate_pt_write(v, va, regs))
            return;
        if (pv_fault_is_spurious(v, va, ec)) {
            invlpg(va);
            return;
        }
    }
    inject_page_fault(v, regs, va, ec);
}

/*
 * INT n that the IDT's privilege level refused. The number comes from the
 * instruction: emulators differ about the error code (pv-guest gotcha 31).
 */
static bool software_interrupt(struct vcpu *v, struct cpu_user_regs *regs)
{
    const struct pv_trap *t;
    uint8_t insn[2];
    unsigned dpl;

    if (copy_from_guest(insn, (void *)regs->rip, sizeof(insn)) ||
        insn[0] != 0xcd)
        return false;

    t = &v->pv.trap[insn[1]];
    dpl = t->flags & TI_DPL;
    if (!t->address || dpl < (v->pv.kernel_mode ? 1u : 3u)) {
        pv_inject_gp(v, insn[1] * 8u + 2);
        return true;
    }
    if (tracing())
        trace_exception(regs->rip, insn[1], 0, 0);
    regs->rip += sizeof(insn);
    pv_bounce(v, regs, t->address, t->flags & TI_MASK ? BOUNCE_MASK : 0, 0);
    return true;
}

static void general_protection(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint32_t ec = regs->error_code;
    uint64_t rip = regs->rip;

    if (ec & 2 && !(ec & 1) && software_interrupt(v, regs))
        return;
    v->pv.trip_asked |= v->pv.kernel_mode;
    if (!ec && pv_emulate_privop(v, regs)) {
        if (tracing())
            trace_addresses(TRC_PV_EMULATE_PRIVOP | TRC_64_FLAG, rip, 0, 0, 1);
        return;
    }
    pv_inject_gp(v, ec);
}

/* The FPU is always loaded here, so this is the guest's own lazy switching;
   the ABI clears its TS with the exception. */
static void device_not_available(struct vcpu *v)
{
    bool asked = v->pv.ts;

    __asm__ volatile("clts");
    v->pv.ts = false;
    if (asked)
        pv_inject_trap(v, TRAP_NM, 0);
}

#define DR6_RESET 0xffff0ff0ul

/* What the kernel runs into belongs to a debugger, when there is one. */
static bool debugger_takes(struct vcpu *v)
{
    return v->pv.kernel_mode && READ_ONCE(v->domain->debugged) &&
           domain_stop_for_debugger(v->domain);
}

static void debug_trap(struct vcpu *v)
{
    uint64_t dr6;

    __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%dr6" ::"r"(DR6_RESET));
    v->pv.dr[6] |= dr6 & 0xe00f;
    if (!debugger_takes(v))
        pv_inject_trap(v, TRAP_DB, 0);
}

static void handle(struct vcpu *v, struct cpu_user_regs *regs)
{
    switch (regs->entry_vector) {
    case TRAP_PF:
        page_fault(v, regs);
        break;
    case TRAP_GP:
        general_protection(v, regs);
        break;
    case TRAP_UD:
        if (!pv_emulate_forced_cpuid(v, regs))
            pv_inject_trap(v, TRAP_UD, 0);
        break;
    case TRAP_NM:
        device_not_available(v);
        break;
    case TRAP_DB:
        debug_trap(v);
        break;
    case TRAP_BP:
        if (debugger_takes(v))
            break;
        __attribute__((fallthrough));
    default:
        inject(v, regs, regs->entry_vector, regs->error_code);
        break;
    }
}

void pv_trap(struct cpu_user_regs *regs)
{
    unsigned vector = regs->entry_vector;

    latency_begin();
    handle(current, regs);
    latency_end(LATENCY_EXCEPTION, vector);
}

void pv_return_fault(struct cpu_user_regs *regs)
{
    /* pv_return's IRET refused this CS, SS or RIP: the guest hears of it as
       if it had tried itself. */
    regs->entry_vector = TRAP_GP;
    pv_inject_gp(current, 0);
}
