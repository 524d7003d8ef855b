/* What the files of this folder share: frames, segments, registers. */
#ifndef PV_INTERNAL_H
#define PV_INTERNAL_H

#include "cpu/cpu.h"
#include "cpu/trap.h"
#include "domain/domain.h"
#include "pv/pv.h"

/*
 * entry_vector of a frame that may be left by SYSRET: whoever sets it says
 * that RCX and R11 are nobody's, and that CS and SS are the flat 64-bit ones.
 */
#define ENTRY_SYSCALL 0x100u

/* RFLAGS bits that a guest may choose: all but IF, IOPL, VM, VIF, VIP. */
#define RFLAGS_GUEST 0x254dd5ull
#define RFLAGS_FIXED 0x202ull /* interrupts on, and bit 1 */

/* A frame at `sp`, less than a page long, does not reach our range; what else
   is wrong with it, the CPU's faults tell. */
static inline bool pv_stack_ok(uint64_t sp)
{
    return sp < (1ull << 47) - PAGE_SIZE || sp >= HOST_VA_END;
}

/* The page-table root of the mode that v is in. */
static inline mfn_t pv_live_root(const struct vcpu *v)
{
    return v->pv.kernel_mode ? v->pv.cr3_kernel : v->pv.cr3_user;
}

/*
 * From the guest's user to its kernel or back: CR3 and GS bases; the caller
 * changes CS, RSP, ... The load of CR3 flushes but is not counted as a flush:
 * that is safe, and spares the shared clock.
 */
static inline void pv_switch_mode(struct vcpu *v, bool kernel_mode)
{
    v->pv.kernel_mode = kernel_mode;
    __asm__ volatile("swapgs" ::: "memory");
    write_cr3((kernel_mode ? v->pv.cr3_kernel : v->pv.cr3_user).n
              << PAGE_SHIFT);
}

/*
 * bounce.c: push the frame of an exception or callback on the guest kernel's
 * stack and let the guest go on at `address` in kernel mode. The domain
 * crashes when its stack or handler cannot take it.
 */
enum { BOUNCE_MASK = 1, BOUNCE_ERROR_CODE = 2 };
void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs, uint64_t address,
               unsigned flags, uint32_t error_code);
/* bounce.h, when it could not. */
void pv_bounce_failed(struct vcpu *v, const struct cpu_user_regs *regs,
                      uint64_t address, uint64_t sp);
/* The same with the selectors that could not be loaded. */
void pv_bounce_failsafe(struct vcpu *v, struct cpu_user_regs *regs);

/* Deliver through the trap table; #GP(error) etc. with hardware's meaning. */
static inline void pv_inject_gp(struct vcpu *v, uint32_t error_code)
{
    pv_inject_trap(v, TRAP_GP, error_code);
}

/* Virtual iopl, pv-guest 3.10: may the running mode touch ports and IF? */
static inline bool pv_iopl_ok(const struct vcpu *v)
{
    bool ring0 = v->domain->vm_assist >> VMASST_TYPE_architectural_iopl & 1;

    return v->pv.iopl >= (v->pv.kernel_mode ? !ring0 : 3);
}

/*
 * segment.c: bases of the running vCPU, in hardware. The GS base of the mode
 * that does not run sits in KERNEL_GS_BASE.
 */
uint64_t segment_fs_base(void);
uint64_t segment_gs_base(void);
uint64_t segment_shadow_gs_base(void);
void segment_set_fs_base(uint64_t base);
void segment_set_gs_base(uint64_t base);
void segment_set_shadow_gs_base(uint64_t base);
/* All selectors and bases, at a switch; load: false if a selector failed
   and became NULL. */
void segment_save(struct pv_vcpu *p);
bool segment_load(const struct pv_vcpu *p);

/* debugreg.c, at a switch. */
void debugreg_unload(struct vcpu *v);
void debugreg_load(struct vcpu *v);
/* A vCPU that its guest starts: a debugger's breakpoints are there, too. */
void debugreg_inherit(struct vcpu *v);

/* The bits of CR4 that a guest decides, and those that hardware follows. */
#define CR4_GUEST    (CR4_TSD | CR4_DE | CR4_FSGSBASE | CR4_OSXSAVE)
#define CR4_HARDWARE (CR4_TSD | CR4_DE | CR4_FSGSBASE)
/* switch.c: those of `value` that this machine can give; load v's. */
uint64_t pv_cr4_bits(uint64_t value);
void pv_load_cr4(const struct vcpu *v);
/* What guests read of CR0 and CR4 beside their own bits. */
#define PV_CR0 0x80050033ul
#define PV_CR4 (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)

/* The habits of guests that we know of (vm_assist). Most change nothing for
   us; what they do is where VMASST_TYPE_* is read. */
#define PV_VM_ASSISTS                                                          \
    (1u << VMASST_TYPE_4gb_segments | 1u << VMASST_TYPE_4gb_segments_notify |  \
     1u << VMASST_TYPE_writable_pagetables |                                   \
     1u << VMASST_TYPE_pae_extended_cr3 |                                      \
     1u << VMASST_TYPE_architectural_iopl |                                    \
     1u << VMASST_TYPE_runstate_update_flag)

/* syscall.c and trap.c, from entry.S. */
struct hc_args;
void pv_syscall(struct cpu_user_regs *regs);
void pv_iret(struct cpu_user_regs *regs); /* iret.c: the hypercall */
/* The same where somebody looks: round trips counted, or a trace. */
void pv_syscall_watched(struct cpu_user_regs *regs);
void pv_iret_watched(struct cpu_user_regs *regs);
long pv_hypercall_watched(uint64_t nr, struct hc_args *a);
void pv_syscall32(struct cpu_user_regs *regs);
void pv_return_fault(struct cpu_user_regs *regs);
void pv_trap(struct cpu_user_regs *regs);
void pv_event(struct cpu_user_regs *regs); /* exit.c: one is pending */

#endif
