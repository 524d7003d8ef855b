/*
 * Exceptions and interrupts into the hypervisor.
 *
 * trap_entry (trap-entry.S) pushes struct cpu_user_regs; error_code and
 * entry_vector are filled for every vector. A frame with CPL 3 goes to
 * pv_trap() or irq_dispatch() and leaves through pv_return; one with CPL 0 is
 * an interrupt of the idle loop, a fixed-up access (extable) or our own bug.
 */
#ifndef CPU_TRAP_H
#define CPU_TRAP_H

#include "cpu/cpu.h"

enum {
    TRAP_DE = 0,
    TRAP_DB,
    TRAP_NMI,
    TRAP_BP,
    TRAP_OF,
    TRAP_BR,
    TRAP_UD,
    TRAP_NM,
    TRAP_DF,
    TRAP_CSO,
    TRAP_TS,
    TRAP_NP,
    TRAP_SS,
    TRAP_GP,
    TRAP_PF,
    TRAP_SPURIOUS,
    TRAP_MF,
    TRAP_AC,
    TRAP_MC,
    TRAP_XM,
    TRAP_VE,
    TRAP_CP
};
/* Vectors that push an error code (SDM vol. 3, 6.15). */
#define TRAP_HAS_ERROR_CODE 0x20227d00u

#define PFEC_P   (1u << 0)
#define PFEC_W   (1u << 1)
#define PFEC_U   (1u << 2)
#define PFEC_RSV (1u << 3)
#define PFEC_I   (1u << 4)

/* Hardware interrupt vectors. 0x20..0x2f: the masked 8259's, spurious. */
#define VECTOR_FIRST_DYNAMIC 0x30
#define VECTOR_LAST_DYNAMIC  0xdf
#define VECTOR_CONSOLE       0xe0 /* the serial port's interrupt */
#define VECTOR_TIMER         0xf0 /* LAPIC timer */
#define VECTOR_KICK          0xf1 /* come by the exit path */
#define VECTOR_FLUSH         0xf2 /* TLB flush request */
#define VECTOR_CALL          0xf3 /* run a function (cpu/ipi.c) */
#define VECTOR_SPURIOUS      0xff

/* idt.c: fill and load; gdt.c: per-CPU GDT page, TSS, IST stacks. */
void idt_init(void);
void idt_load(void);
void gdt_load(unsigned cpu);

/* C side of an exception or interrupt out of a CPL 0 frame (trap.c). */
void trap_in_host(struct cpu_user_regs *regs);
/* C side of NMI, #DF, #MC on their IST stacks. */
void trap_ist(struct cpu_user_regs *regs);
/* All of them, and where the last page fault was, into the log. */
void regs_dump(const struct cpu_user_regs *regs, uint64_t cr2);

/*
 * irq side, CPL 0 or 3 alike (irq/irq.c): run what `vector` stands for and
 * acknowledge it at the local APIC. Interrupts are off throughout.
 */
void irq_dispatch(unsigned vector);

/* extable.c: where to go on after a fault at `rip`, 0 when there is none. */
uintptr_t extable_lookup(uintptr_t rip);

/* The selectors of our own code and data in the reserved GDT page. */
#define GDT_RESERVED_SELECTOR 0xe000u
#define HOST_CS               0xe008u
#define HOST_SS               0xe010u
#define HOST_TSS              0xe040u /* 16 bytes: 0xe040 and 0xe048 */
#define HOST_LDT              0xe050u /* 16 bytes */

/*
 * The GDT of a CPU is a window of 16 pages at gdt_window(cpu): 14 for the
 * frames of the guest (selectors below 0xe000), one reserved page, one empty;
 * behind it 16 pages for the guest's LDT. pv/descriptor.c fills the guest's
 * part of it at a vCPU switch.
 */
#define GDT_GUEST_PAGES 14
uintptr_t gdt_window(unsigned cpu);
uintptr_t ldt_window(unsigned cpu);
void tss_set_rsp0(uintptr_t rsp0);

/*
 * Each CPU's stack block holds, from its lowest page: #DF's stack, #MC's,
 * one page for #DB (lower half) and NMI, a guard page that gdt_load() unmaps,
 * and the main stack with cpu_info at its top. All in one STACK_SIZE block, so
 * that cpu_info() works on every one of them.
 */
enum { IST_DF = 1, IST_MC, IST_DB, IST_NMI, IST_LAST = IST_NMI };
#define STACK_GUARD_PAGE 3

/* pv/entry.S: where SYSCALL lands on `cpu`, from 64 and 32-bit code. */
uintptr_t pv_syscall_stub(unsigned cpu);
uintptr_t pv_syscall32_stub(unsigned cpu);
/* Tracing was switched: have every CPU take the stub that is right now. */
void pv_syscall_stubs_load(void);
/* pv/trap.c: an exception of a guest; leaves through pv_return. */
void pv_trap(struct cpu_user_regs *regs);

#endif
