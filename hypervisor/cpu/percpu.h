/*
 * This CPU: its number, the vCPU it runs, the frame of the interrupted guest.
 * All of it sits at the top of the CPU's stack, found from the stack pointer,
 * because the GS base belongs to the guest. Host tests shadow this header.
 */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include "abi/base.h"

struct vcpu;

#define STACK_ORDER 3 /* 32 KiB a CPU, guard page below */
#define STACK_SIZE  (PAGE_SIZE << STACK_ORDER)

/*
 * `regs` is the ABI's struct cpu_user_regs, used as the trap frame: TSS.RSP0
 * points at regs.es, hardware and entry.S push downwards from there.
 */
struct cpu_info {
    struct cpu_user_regs regs;
    struct vcpu *current; /* never NULL after cpu bring-up: idle vCPU */
    uint32_t cpu;
    uint32_t scratch;
    uint64_t work;      /* enum cpu_work bits, atomic, set by any CPU */
    uint64_t entry_tsc; /* when the running hypercall began */
    uint64_t guest_rsp; /* syscall stub parks the guest's RSP here */
    uint64_t *lazy; /* idle with a domain's tables: its dirty_cpus; or NULL */
};

/* Work to do before the CPU returns to a guest; lowest bit first. */
enum cpu_work {
    WORK_TIMER = 0, /* time/timer.c: expired deadlines */
    WORK_SCHED = 1, /* sched/sched.c: pick again */
    WORK_LOG,       /* console/log.c: tell dom0 that there is news */
    WORK_TRACE,     /* domain/trace.c: tell dom0 to read a buffer */
    WORK_NR
};

static inline struct cpu_info *cpu_info(void)
{
    uintptr_t sp;

    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu_info *)((sp | (STACK_SIZE - 1)) + 1 -
                               sizeof(struct cpu_info));
}

/* Another CPU's; valid once its stack is mapped. */
struct cpu_info *cpu_info_of(unsigned cpu);

#define current (cpu_info()->current)

static inline unsigned cpu_id(void)
{
    return cpu_info()->cpu;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* cpu/ipi.c. One turn of any wait loop: pause, answer flush requests. */
void spin_wait(void);

/*
 * Set a work bit on `cpu`; when it is not this CPU, interrupt it so that it
 * comes by the exit path. Any context.
 */
void cpu_raise(unsigned cpu, enum cpu_work work);
/* Make `cpu` leave the guest and look at pending events again. */
void cpu_kick(unsigned cpu);

#endif
