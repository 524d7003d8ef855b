#include "cpu/trap.h"

#include "console/console.h"
#include "cpu/lapic.h"
#include "cpu/regs.h"
#include "cpu/watchdog.h"
#include "pv/pv.h"

#define CHECK_OFFSET(what, field)                                              \
    static_assert(REGS_##what == offsetof(struct cpu_user_regs, field),        \
                  "cpu/regs.h: " #what)
CHECK_OFFSET(R15, r15);
CHECK_OFFSET(R14, r14);
CHECK_OFFSET(R13, r13);
CHECK_OFFSET(R12, r12);
CHECK_OFFSET(RBP, rbp);
CHECK_OFFSET(RBX, rbx);
CHECK_OFFSET(R11, r11);
CHECK_OFFSET(R10, r10);
CHECK_OFFSET(R9, r9);
CHECK_OFFSET(R8, r8);
CHECK_OFFSET(RAX, rax);
CHECK_OFFSET(RCX, rcx);
CHECK_OFFSET(RDX, rdx);
CHECK_OFFSET(RSI, rsi);
CHECK_OFFSET(RDI, rdi);
CHECK_OFFSET(ERROR, error_code);
CHECK_OFFSET(VECTOR, entry_vector);
CHECK_OFFSET(RIP, rip);
CHECK_OFFSET(CS, cs);
CHECK_OFFSET(RFLAGS, rflags);
CHECK_OFFSET(RSP, rsp);
CHECK_OFFSET(SS, ss);
CHECK_OFFSET(ES, es);
static_assert(CPU_INFO_CURRENT == sizeof(struct cpu_user_regs), "cpu/regs.h");
static_assert(CPU_INFO_WORK == offsetof(struct cpu_info, work), "cpu/regs.h");
static_assert(CPU_INFO_ENTRY_TSC == offsetof(struct cpu_info, entry_tsc),
              "cpu/regs.h");
static_assert(CPU_INFO_GUEST_RSP == offsetof(struct cpu_info, guest_rsp),
              "cpu/regs.h");
static_assert(CPU_INFO_SIZE == sizeof(struct cpu_info), "cpu/regs.h");
static_assert(CPU_INFO_STACK == STACK_SIZE, "cpu/regs.h");
/* The CPU aligns RSP0 down to 16 bytes before it pushes. */
static_assert((CPU_INFO_SIZE - REGS_ES) % 16 == 0, "trap frame alignment");

bool cpu_stopping; /* lapic_stop_others(): an NMI means halt */

static const char *const trap_names[] = {"divide error",
                                         "debug",
                                         "NMI",
                                         "breakpoint",
                                         "overflow",
                                         "bound range",
                                         "invalid opcode",
                                         "device not available",
                                         "double fault",
                                         "coprocessor segment",
                                         "invalid TSS",
                                         "segment not present",
                                         "stack fault",
                                         "general protection",
                                         "page fault",
                                         "reserved",
                                         "floating point",
                                         "alignment check",
                                         "machine check",
                                         "SIMD exception",
                                         "virtualization",
                                         "control protection"};

static const char *trap_name(unsigned vector)
{
    return vector < ARRAY_SIZE(trap_names) ? trap_names[vector] : "unknown";
}

/* Follow the frame pointers of the interrupted code. */
static void dump_backtrace(const struct cpu_user_regs *r)
{
    char name[80];

    symbol_format(r->rip, name, sizeof(name));
    log_err("  %s\n", name);
    backtrace_print(r->rbp);
}

void regs_dump(const struct cpu_user_regs *r, uint64_t cr2)
{
    log_err("rip %04x:%016lx rsp %04x:%016lx rflags %08lx\n", r->cs,
            (unsigned long)r->rip, r->ss, (unsigned long)r->rsp,
            (unsigned long)r->rflags);
    log_err("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n",
            (unsigned long)r->rax, (unsigned long)r->rbx, (unsigned long)r->rcx,
            (unsigned long)r->rdx);
    log_err("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n",
            (unsigned long)r->rsi, (unsigned long)r->rdi, (unsigned long)r->rbp,
            (unsigned long)r->r8);
    log_err("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n",
            (unsigned long)r->r9, (unsigned long)r->r10, (unsigned long)r->r11,
            (unsigned long)r->r12);
    log_err("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx\n",
            (unsigned long)r->r13, (unsigned long)r->r14, (unsigned long)r->r15,
            (unsigned long)cr2);
}

NORETURN static void die(const struct cpu_user_regs *r, const char *what)
{
    console_force();
    log_err("CPU %u: %s (vector %u, error %x) in the hypervisor, cr3 %016lx\n",
            cpu_id(), what, r->entry_vector, r->error_code,
            (unsigned long)read_cr3());
    regs_dump(r, read_cr2());
    dump_backtrace(r);
    panic("%s in the hypervisor", what);
}

/* An access through the LDT window may fault its page in, once. */
static bool fix_ldt_fault(uintptr_t va)
{
    uintptr_t offset = va - ldt_window(cpu_id());

    return offset < 16 * PAGE_SIZE && pv_ldt_fault(current, offset);
}

void trap_in_host(struct cpu_user_regs *regs)
{
    uintptr_t fixup;

    if (regs->entry_vector >= 32) {
        irq_dispatch(regs->entry_vector);
        return;
    }
    if (regs->entry_vector == TRAP_PF && fix_ldt_fault(read_cr2()))
        return;
    fixup = extable_lookup(regs->rip);
    if (!fixup)
        die(regs, trap_name(regs->entry_vector));
    /* Guests need not flush after they have made a page writable. */
    if (regs->entry_vector == TRAP_PF &&
        pv_fault_is_spurious(current, read_cr2(), regs->error_code)) {
        invlpg(read_cr2());
        return;
    }
    regs->rip = fixup;
}

/*
 * A guest's watchpoint on memory that we read or write for it, or its single
 * step carried into our first instruction: not for us, and not to be missed
 * by the guest in a way that matters. Go on.
 */
static void ignore_debug_trap(struct cpu_user_regs *regs)
{
    regs->rflags &= ~(uint64_t)RFLAGS_TF;
    regs->rflags |= RFLAGS_RF;
    __asm__ volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ul));
}

#define NMI_REASON_PORT  0x61
#define NMI_REASON_SERR  0x80
#define NMI_REASON_IOCHK 0x40

static void handle_nmi(const struct cpu_user_regs *regs)
{
    if (READ_ONCE(cpu_stopping))
        for (;;)
            __asm__ volatile("cli; hlt");
    if (watchdog_barks())
        die(regs, "no interrupt taken for too long");
    /* No log line otherwise: the code that we interrupted may hold its lock. */
    if (inb(NMI_REASON_PORT) & (NMI_REASON_SERR | NMI_REASON_IOCHK))
        die(regs, "hardware error NMI");
}

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MC0_STATUS 0x401
#define MSR_MC0_ADDR   0x402
#define MC_STATUS_VAL  (1ull << 63)

NORETURN static void machine_check(const struct cpu_user_regs *regs)
{
    uint64_t cap = 0, mcg = 0, status, addr;

    console_force();
    rdmsr_safe(MSR_MCG_CAP, &cap);
    rdmsr_safe(MSR_MCG_STATUS, &mcg);
    log_err("machine check, MCG_STATUS %lx\n", (unsigned long)mcg);
    for (unsigned i = 0; i < (cap & 0xff) && i < 32; i++) {
        if (rdmsr_safe(MSR_MC0_STATUS + 4 * i, &status) ||
            !(status & MC_STATUS_VAL))
            continue;
        rdmsr_safe(MSR_MC0_ADDR + 4 * i, &addr);
        log_err("bank %u: status %016lx address %016lx\n", i,
                (unsigned long)status, (unsigned long)addr);
    }
    die(regs, "machine check");
}

void trap_ist(struct cpu_user_regs *regs)
{
    switch (regs->entry_vector) {
    case TRAP_DB:
        ignore_debug_trap(regs);
        return;
    case TRAP_NMI:
        handle_nmi(regs);
        return;
    case TRAP_MC:
        machine_check(regs);
    default:
        die(regs, "double fault (stack overflow?)");
    }
}
