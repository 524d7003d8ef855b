/*
 * Privileged instructions that a guest's kernel executes in ring 3, and port
 * accesses of its users. Decoded by insn.c; what is refused is the guest's
 * own #GP.
 */
#include "pv/internal.h"

#include "cpu/extable.h"
#include "cpu/fpu.h"
#include "cpu/policy.h"
#include "mm/guestcopy.h"
#include "pv/insn.h"
#include "pv/mmu.h"

/* GPRs in the order of their numbers. */
static uint64_t *gpr(struct cpu_user_regs *r, unsigned n)
{
#define AT(field) offsetof(struct cpu_user_regs, field)
    static const uint8_t offset[16] = {
        AT(rax), AT(rcx), AT(rdx), AT(rbx), AT(rsp), AT(rbp), AT(rsi), AT(rdi),
        AT(r8),  AT(r9),  AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15)};
#undef AT
    return (uint64_t *)((char *)r + offset[n & 15]);
}

static void set_edx_eax(struct cpu_user_regs *r, uint64_t value)
{
    r->rax = (uint32_t)value;
    r->rdx = value >> 32;
}

static uint64_t edx_eax(const struct cpu_user_regs *r)
{
    return r->rdx << 32 | (uint32_t)r->rax;
}

/* The instruction is done: to the next, by way of #DB for a single step. */
static void retire(struct vcpu *v, struct cpu_user_regs *regs, unsigned length)
{
    regs->rip += length;
    regs->rflags &= ~(uint64_t)RFLAGS_RF;
    if (unlikely(regs->rflags & RFLAGS_TF)) {
        v->pv.dr[6] |= 1u << 14;
        pv_inject_trap(v, TRAP_DB, 0);
    }
}

/* ---- ports ---- */

/*
 * PHYSDEVOP_set_iobitmap: a set bit forbids. The bitmap is in the kernel's
 * memory, which the user's tables need not show.
 */
static bool bitmap_allows(struct vcpu *v, uint16_t port, unsigned bytes)
{
    const uint8_t *map = (const uint8_t *)v->pv.iobitmap;
    uint16_t bits = 0xffff;
    bool user = !v->pv.kernel_mode;
    unsigned end = port + bytes;

    if (!map || end > v->pv.iobitmap_nr)
        return false;
    if (user)
        pv_switch_mode(v, true);
    if (copy_from_guest(&bits, map + port / 8, end > (port | 7u) + 1 ? 2 : 1))
        bits = 0xffff;
    if (user)
        pv_switch_mode(v, false);
    return !(bits >> (port & 7) & ((1u << bytes) - 1));
}

static bool port_allowed(struct vcpu *v, uint16_t port, unsigned bytes)
{
    return pv_iopl_ok(v) || bitmap_allows(v, port, bytes);
}

static bool emulate_in_out(struct vcpu *v, struct cpu_user_regs *regs,
                           const struct insn *i)
{
    uint16_t port = i->opcode & 8 ? regs->dx : i->imm;
    uint32_t value;

    if (!port_allowed(v, port, i->op_bytes))
        return false;
    if (i->opcode & 2) {
        pv_portio_write(v->domain, port, i->op_bytes, regs->eax);
        return true;
    }

    value = pv_portio_read(v->domain, port, i->op_bytes);
    if (i->op_bytes == 1)
        regs->al = (uint8_t)value;
    else if (i->op_bytes == 2)
        regs->ax = (uint16_t)value;
    else
        regs->rax = value;
    return true;
}

/* One element of INS or OUTS; false: a page fault is on its way. */
static bool move_element(struct vcpu *v, const struct insn *i, uint16_t port,
                         uint64_t va)
{
    bool out = i->opcode & 2;
    uint32_t value = 0;
    int rc;

    if (out) {
        rc = copy_from_guest(&value, (void *)va, i->op_bytes);
        if (!rc)
            pv_portio_write(v->domain, port, i->op_bytes, value);
    } else {
        /* The port's value is lost if the page is not there, so ask first. */
        rc = copy_from_guest(&value, (void *)va, i->op_bytes);
        if (!rc)
            rc = copy_to_guest((void *)va, &value, i->op_bytes);
        if (!rc) {
            value = pv_portio_read(v->domain, port, i->op_bytes);
            rc = copy_to_guest((void *)va, &value, i->op_bytes);
        }
    }
    if (!rc)
        return true;
    if (!guest_range_ok((void *)va, i->op_bytes))
        pv_inject_gp(v, 0);
    else
        pv_inject_page_fault(v, va, out ? 0 : PFEC_W);
    return false;
}

#define MAX_ELEMENTS 512 /* at a time; the rest when the guest comes again */

/*
 * INS, OUTS, with REP or not. True: the registers are as they shall be, be it
 * after it, in the middle of it, or at the handler of a fault.
 */
static bool emulate_string(struct vcpu *v, struct cpu_user_regs *regs,
                           const struct insn *i, bool *retired)
{
    uint64_t *index = i->opcode & 2 ? &regs->rsi : &regs->rdi;
    uint64_t mask = i->addr32 ? 0xffffffff : ~0ull;
    uint64_t step =
        regs->rflags & RFLAGS_DF ? -(uint64_t)i->op_bytes : i->op_bytes;
    unsigned nr = 0;

    if (i->segment_base || !port_allowed(v, regs->dx, i->op_bytes))
        return false;
    *retired = false;
    while (!i->rep || regs->rcx & mask) {
        if (nr++ == MAX_ELEMENTS)
            return true;
        if (!move_element(v, i, regs->dx, *index & mask))
            return true;
        *index = (*index + step) & mask;
        if (!i->rep)
            break;
        regs->rcx = (regs->rcx - 1) & mask;
    }
    *retired = true;
    return true;
}

/* ---- registers ---- */

static bool read_cr(struct vcpu *v, unsigned cr, uint64_t *value)
{
    switch (cr) {
    case 0:
        *value = PV_CR0 | (v->pv.ts ? CR0_TS : 0);
        return true;
    case 2:
        *value = v->pv.cr2;
        return true;
    case 3:
        *value = xen_pfn_to_cr3(v->pv.cr3_kernel.n);
        return true;
    case 4:
        *value = PV_CR4 | v->pv.cr4;
        return true;
    case 8:
        *value = 0;
        return true;
    default:
        return false;
    }
}

static void set_ts(struct vcpu *v, bool ts)
{
    v->pv.ts = ts;
    if (ts)
        write_cr0(read_cr0() | CR0_TS);
    else
        __asm__ volatile("clts");
}

/* Checking a new tree of tables may take more than one turn. */
static bool write_cr3_guest(struct vcpu *v, uint64_t value, bool *retired)
{
    int rc = mm_lock_tables(v->domain);

    if (!rc) {
        rc = pv_new_baseptr(v, mfn(xen_cr3_to_pfn(value)), false);
        spin_unlock(&v->domain->mm_lock);
    }
    *retired = rc != -ERESTART;
    return !rc || rc == -ERESTART;
}

static bool write_cr(struct vcpu *v, unsigned cr, uint64_t value, bool *retired)
{
    switch (cr) {
    case 0:
        if ((value ^ PV_CR0) & ~(uint64_t)CR0_TS)
            return false;
        set_ts(v, value & CR0_TS);
        return true;
    case 2:
        v->pv.cr2 = value;
        v->info->arch.cr2 = value;
        return true;
    case 3:
        return write_cr3_guest(v, value, retired);
    case 4: /* of the others it keeps ours, whatever it thinks */
        v->pv.cr4 = pv_cr4_bits(value);
        pv_load_cr4(v);
        return true;
    case 8:
        return !(value >> 4);
    default:
        return false;
    }
}

static bool emulate_mov_cr(struct vcpu *v, struct cpu_user_regs *regs,
                           const struct insn *i, bool *retired)
{
    if (i->opcode & 2)
        return write_cr(v, i->reg, *gpr(regs, i->rm), retired);
    return read_cr(v, i->reg, gpr(regs, i->rm));
}

static bool emulate_mov_dr(struct vcpu *v, struct cpu_user_regs *regs,
                           const struct insn *i)
{
    unsigned dr = i->reg == 4 || i->reg == 5 ? i->reg + 2 : i->reg;

    if (dr > 7)
        return false;
    if (i->opcode & 2)
        return !pv_guest_set_debugreg(v, dr, *gpr(regs, i->rm));
    *gpr(regs, i->rm) = v->pv.dr[nospec_index(dr, 8)];
    return true;
}

static bool read_msr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    switch (msr) {
    case MSR_FS_BASE:
        *value = segment_fs_base();
        return true;
    case MSR_GS_BASE:
        *value = segment_gs_base();
        return true;
    case MSR_KERNEL_GS_BASE:
        *value = segment_shadow_gs_base();
        return true;
    case MSR_TSC_AUX:
        *value = v->pv.tsc_aux;
        return true;
    default:
        return !policy_rdmsr(v, msr, value);
    }
}

static bool write_tsc_aux(struct vcpu *v, uint64_t value)
{
    if (value >> 32)
        return false;
    v->pv.tsc_aux = (uint32_t)value;
    return !wrmsr_safe(MSR_TSC_AUX, value);
}

static bool write_msr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    bool is_base = msr >= MSR_FS_BASE && msr <= MSR_KERNEL_GS_BASE;

    if (is_base && !addr_is_canonical(value))
        return false;
    switch (msr) {
    case MSR_FS_BASE:
        segment_set_fs_base(value);
        return true;
    case MSR_GS_BASE:
        segment_set_gs_base(value);
        return true;
    case MSR_KERNEL_GS_BASE:
        segment_set_shadow_gs_base(value);
        return true;
    case MSR_TSC_AUX:
        return write_tsc_aux(v, value);
    default:
        return !policy_wrmsr(v, msr, value);
    }
}

/*
 * A kernel that probes MSRs before it has a #GP handler lives on: <xen/arch-
 * x86/xen.h> promises that at set_trap_table.
 */
static bool too_early_for_gp(const struct vcpu *v)
{
    return !v->pv.trap[TRAP_GP].address;
}

static bool emulate_rdmsr(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t value = 0;

    if (!read_msr(v, regs->ecx, &value)) {
        if (!too_early_for_gp(v))
            return false;
        value = 0;
    }
    set_edx_eax(regs, value);
    return true;
}

static void emulate_rdtsc(struct vcpu *v, struct cpu_user_regs *regs, bool aux)
{
    set_edx_eax(regs, rdtsc());
    if (aux)
        regs->rcx = v->pv.tsc_aux;
}

/* 0f 01 /mod 3: XSETBV d1, RDTSCP f9. */
static bool emulate_group(struct vcpu *v, struct cpu_user_regs *regs,
                          uint8_t modrm)
{
    switch (modrm) {
    case 0xd1:
        return !regs->ecx && !fpu_set_xcr0(v, edx_eax(regs));
    case 0xf9:
        emulate_rdtsc(v, regs, true);
        return true;
    default:
        return false;
    }
}

static void load_cpuid(struct cpu_user_regs *regs, struct cpuid_regs r)
{
    regs->rax = r.eax;
    regs->rbx = r.ebx;
    regs->rcx = r.ecx;
    regs->rdx = r.edx;
}

/* What only the guest's kernel may do. */
static bool emulate_kernel(struct vcpu *v, struct cpu_user_regs *regs,
                           const struct insn *i, bool *retired)
{
    if (!v->pv.kernel_mode)
        return false;

    switch (i->opcode & ~INSN_TWO_BYTE) {
    case 0x01:
        return emulate_group(v, regs, i->modrm);
    case 0x06:
        set_ts(v, false);
        return true;
    case 0x08: /* INVD, WBINVD: memory is coherent without */
    case 0x09:
        return true;
    case 0x20:
    case 0x22:
        return emulate_mov_cr(v, regs, i, retired);
    case 0x21:
    case 0x23:
        return emulate_mov_dr(v, regs, i);
    case 0x30:
        return write_msr(v, regs->ecx, edx_eax(regs)) || too_early_for_gp(v);
    case 0x31:
        emulate_rdtsc(v, regs, false);
        return true;
    case 0x32:
        return emulate_rdmsr(v, regs);
    default:
        return false;
    }
}

static bool emulate(struct vcpu *v, struct cpu_user_regs *regs,
                    const struct insn *i, bool *retired)
{
    switch (i->opcode) {
    case 0x6c ... 0x6f:
        return emulate_string(v, regs, i, retired);
    case 0xe4 ... 0xe7:
    case 0xec ... 0xef:
        return emulate_in_out(v, regs, i);
    case 0xfa: /* CLI, STI: the interrupt flag is in vcpu_info, so nothing */
    case 0xfb: /* happens; POPF, their partner, cannot tell us either */
        return pv_iopl_ok(v);
    case INSN_TWO_BYTE | 0xa2: /* CPUID faulting */
        load_cpuid(regs, policy_cpuid(v, regs->eax, regs->ecx, false));
        return true;
    default:
        return emulate_kernel(v, regs, i, retired);
    }
}

/* The bytes at RIP, as many as there are before a hole. */
static size_t fetch(const struct cpu_user_regs *regs, uint8_t *bytes)
{
    size_t in_page = PAGE_SIZE - (regs->rip & ~PAGE_MASK);
    const void *rip = (const void *)regs->rip;

    if (!copy_from_guest(bytes, rip, INSN_MAX_LENGTH))
        return INSN_MAX_LENGTH;
    if (in_page < INSN_MAX_LENGTH && !copy_from_guest(bytes, rip, in_page))
        return in_page;
    return 0;
}

/* Is this code segment a 64-bit one? Selectors of an LDT are taken as not. */
static bool is_long_mode(uint16_t cs)
{
    uint32_t rights = 0;

    if (cs & 4)
        return false;
    /* The guest may have taken its descriptor away since it was loaded. */
    __asm__ volatile("1: lar %1, %0\n"
                     "2:\n" _ASM_EXTABLE("1b", "2b")
                     : "+r"(rights)
                     : "r"((uint32_t)cs)
                     : "cc");
    return rights >> 21 & 1;
}

bool pv_emulate_privop(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    bool retired = true;
    struct insn insn;
    size_t nr = fetch(regs, bytes);

    if (insn_decode(bytes, nr, is_long_mode(regs->cs), &insn))
        return false;
    if (!emulate(v, regs, &insn, &retired))
        return false;
    if (retired)
        retire(v, regs, insn.length);
    return true;
}

bool pv_emulate_forced_cpuid(struct vcpu *v, struct cpu_user_regs *regs)
{
    /* ud2; "xen"; cpuid: <xen/arch-x86/xen.h> XEN_EMULATE_PREFIX */
    static const uint8_t code[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
    uint8_t bytes[sizeof(code)];

    if (copy_from_guest(bytes, (void *)regs->rip, sizeof(bytes)) ||
        memcmp(bytes, code, sizeof(code)))
        return false;
    load_cpuid(regs, policy_cpuid(v, regs->eax, regs->ecx, true));
    retire(v, regs, sizeof(code));
    return true;
}
