/*
 * What makes a domain a PV guest: its registers while it does not run, its
 * tables, its callbacks. Kernel and user of the guest both run in ring 3; the
 * virtual mode says whose turn it is and which page-table root is loaded.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include "lib/lib.h"
#include "mm/frame.h"

struct vcpu;
struct domain;
struct domain_part;

extern const struct domain_part pv_part;

/* Tables whose entries [0, nr) are still to be dropped (frametype.c). */
#define MAX_DEFERRED_DROPS 8
struct deferred_drop {
    struct frame *frame;
    unsigned nr;
};

struct pv_domain {
    struct deferred_drop drop[MAX_DEFERRED_DROPS];
    unsigned nr_drops; /* under mm_lock */
    uint64_t max_pfn_seen;
    void *eoi_page;     /* PHYSDEVOP_pirq_eoi_gmfn: bit per pirq */
    uint8_t cmos_index; /* last write to port 70 */
};

struct pv_trap {
    uint64_t address; /* 0: none */
    uint8_t flags;    /* bits 0-1 DPL, bit 2 mask events */
};

struct pv_vcpu {
    bool kernel_mode; /* virtual mode */
    uint8_t iopl;     /* virtual, 0..3 */
    bool ts;          /* virtual CR0.TS */
    uint64_t kernel_sp;
    struct cpu_user_regs regs; /* while not running */
    struct pv_trap trap[256];

    /* Callbacks (callback_op); 0: none. */
    uint64_t event_callback, failsafe_callback, syscall_callback,
        syscall32_callback, sysenter_callback;
    bool failsafe_masks, syscall_masks, syscall32_masks, sysenter_masks;

    /* Page-table roots: each holds a typed (FT_L4) reference; n == 0: none. */
    mfn_t cr3_kernel, cr3_user;

    uint64_t fs_base, gs_base_kernel, gs_base_user;
    uint16_t ds, es, fs, gs;

    struct frame *gdt_frame[14]; /* FT_SEGDESC references */
    unsigned gdt_entries;
    uint64_t ldt_base; /* guest linear address */
    unsigned ldt_entries;
    struct frame *ldt_frame[16]; /* faulted in */

    uint64_t dr[8];
    bool owes_breakpoint; /* a debugger gave one back: the kernel gets it */
    uint64_t cr2;
    uint64_t cr4;       /* guest-controlled bits */
    uint64_t *iobitmap; /* guest VA of PHYSDEVOP_set_iobitmap */
    unsigned iobitmap_nr;
    uint64_t nmi_callback;
    bool nmi_pending, in_nmi;
    uint32_t tsc_aux;

    /* count_round_trips: ways from user mode to the kernel and back, and those
       in which the kernel made no hypercall and trapped on nothing. */
    bool trip_asked;
    uint64_t nr_trips, nr_quiet_trips;
};

/* pv/context.c: DOMCTL_setvcpucontext and VCPUOP_initialise, and back. */
struct vcpu_guest_context;
int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
void pv_get_context(struct vcpu *v, struct vcpu_guest_context *c);
/* Drop the page-table, GDT and LDT references of v (kill, VCPUOP reset). */
void pv_drop_context(struct vcpu *v);

/* pv/trap.c: make the guest handle an exception when it runs on. */
void pv_inject_trap(struct vcpu *v, unsigned vector, uint32_t error_code);
void pv_inject_page_fault(struct vcpu *v, uintptr_t cr2, uint32_t error_code);

/*
 * Do v's running tables allow what faulted at `va`? Then a translation was
 * stale, or another vCPU has just repaired it: flush `va` and go on.
 */
bool pv_fault_is_spurious(struct vcpu *v, uintptr_t va, uint32_t error_code);

/* pv/switch.c */
/* Registers of v: the CPU's frame when it runs here, v->pv.regs otherwise. */
struct cpu_user_regs *pv_regs(struct vcpu *v);

/* pv/descriptor.c */
int pv_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned entries);
void pv_drop_gdt(struct vcpu *v);
int pv_set_ldt(struct vcpu *v, uint64_t base, unsigned entries); /* SET_LDT */
void pv_drop_ldt(struct vcpu *v);
/* A fault in the LDT window: map the guest's page there. True: retry. */
bool pv_ldt_fault(struct vcpu *v, uintptr_t offset);
void pv_load_descriptors(struct vcpu *v); /* GDT/LDT windows at a switch */
/* Make one descriptor safe in place (DPL up to 3); false: refuse it. */
bool descriptor_fix(uint64_t *desc);

/* pv/mmu.c */
/* Walk the running tables for va: the L1 entry's machine address and value;
   false when not mapped down to an L1. */
bool pv_walk(mfn_t l4, uintptr_t va, uint64_t *pte, mfn_t *l1, unsigned *idx);
/* Writable-page-table emulation of a store that faulted; true: retired. */
bool pv_emulate_pt_write(struct vcpu *v, uintptr_t va,
                         struct cpu_user_regs *regs);
/* NEW_BASEPTR / NEW_USER_BASEPTR with d->mm_lock held. */
int pv_new_baseptr(struct vcpu *v, mfn_t l4, bool user);

/* pv/privop.c: #GP or #UD of a privileged instruction; true: done. */
bool pv_emulate_privop(struct vcpu *v, struct cpu_user_regs *regs);
bool pv_emulate_forced_cpuid(struct vcpu *v, struct cpu_user_regs *regs);
/* Port access on behalf of a vCPU after its right was checked. */
uint32_t pv_portio_read(struct domain *d, uint16_t port, unsigned bytes);
void pv_portio_write(struct domain *d, uint16_t port, unsigned bytes,
                     uint32_t value);

/* pv/hypercall-page.c: the stubs of DOMCTL_hypercall_init, 4096 bytes. */
void pv_fill_hypercall_page(void *page);

/* pv/debugreg.c: checked as the hypercall; loads hardware if v runs here. */
int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value);
/* As the guest wishes: without effect on a debugger's breakpoints. */
int pv_guest_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value);

/*
 * pv/exit.c: everything to do before this CPU may run a guest: deadlines, the
 * scheduler, waiting when idle, events of the vCPU that came out.
 */
void pv_exit(void);
/* pv/entry.S: become a CPU that runs guests, with the idle vCPU current. */
NORETURN void pv_start_running(void);

/* pv/exit.c: an NMI for v, wherever it is (VCPUOP_send_nmi). */
void pv_send_nmi(struct vcpu *v);

/* pv/dump.c: registers of a vCPU that crashed, into the log. */
void pv_dump_registers(struct vcpu *v);

#endif
