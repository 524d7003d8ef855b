#include "fake.h"

struct vcpu *fake_current;
unsigned fake_cpu;
uint64_t fake_work[MAX_CPUS];
unsigned fake_kicks[MAX_CPUS];

/* One thread runs all CPUs: whoever waits, waits for ever. */
void spin_wait(void)
{
    fail_msg("a wait that cannot end");
}

void cpu_raise(unsigned cpu, enum cpu_work work)
{
    fake_work[cpu] |= 1ull << work;
}

void cpu_kick(unsigned cpu)
{
    fake_kicks[cpu]++;
}
