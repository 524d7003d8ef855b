/* Host tests: CPUs are numbers, kicks are counted. Shadows cpu/percpu.h. */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include "abi/base.h"

struct vcpu;

enum cpu_work { WORK_TIMER = 0, WORK_SCHED = 1, WORK_NR };

extern struct vcpu *fake_current;
extern unsigned fake_cpu;
extern uint64_t fake_work[MAX_CPUS]; /* bits that cpu_raise() set */
extern unsigned fake_kicks[MAX_CPUS];

#define current fake_current

static inline unsigned cpu_id(void)
{
    return fake_cpu;
}

static inline void cpu_relax(void)
{
}

void spin_wait(void);
void cpu_raise(unsigned cpu, enum cpu_work work);
void cpu_kick(unsigned cpu);

#endif
