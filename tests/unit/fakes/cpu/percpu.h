/* Host tests: this CPU is whichever the test says; a thread may be one. */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include "abi/base.h"

struct vcpu;

extern __thread struct vcpu *fake_current;
extern __thread unsigned fake_cpu;

#define current fake_current

struct cpu_info {
    uint64_t work, entry_tsc;
};
extern __thread struct cpu_info fake_cpu_info;

static inline struct cpu_info *cpu_info(void)
{
    return &fake_cpu_info;
}

static inline unsigned cpu_id(void)
{
    return fake_cpu;
}

static inline void cpu_relax(void)
{
}

enum cpu_work { WORK_TIMER = 0, WORK_SCHED = 1, WORK_TRACE, WORK_NR };

void spin_wait(void);
void cpu_raise(unsigned cpu, enum cpu_work work);
void cpu_kick(unsigned cpu);

#endif
