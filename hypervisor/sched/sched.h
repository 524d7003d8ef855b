/*
 * Who runs where. PORTABLE; the machine side is sched_ops below.
 *
 * A sched_unit is one vCPU's place in the scheduler. The hypervisor is not
 * preemptive: a CPU calls sched_switch() on its way out to a guest when
 * WORK_SCHED is set, and in the idle loop. Blocking inside a hypercall means
 * marking the unit blocked and raising WORK_SCHED.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "lib/bitmap.h"
#include "lib/heap.h"
#include "lib/list.h"
#include "lib/spinlock.h"

struct vcpu;
struct domain;

enum unit_state { UNIT_BLOCKED, UNIT_RUNNABLE, UNIT_RUNNING };

struct sched_unit {
    struct list queue;
    uint8_t state;        /* under the queue lock of `cpu` */
    bool running;         /* its registers are live on `cpu` right now */
    bool blocked;         /* SCHEDOP_block or poll, until an event */
    bool yielding;        /* SCHEDOP_yield: not the next one if it can be */
    bool moved;           /* `cpu` is another since it last ran */
    int32_t pause_count;  /* atomic; > 0: may not run */
    uint32_t cpu;         /* the queue it belongs to */
    cpumask_t hard, soft; /* affinity */
    /* CPU time used over weight; until when it is charged; used ever. */
    uint64_t vruntime_ns, last_ns, run_ns;
    uint32_t weight;
};

/* What a domain with a cap used in the running period (credit.c). */
struct sched_cap {
    struct spinlock lock;
    uint64_t start_ns, used_ns;
};

void sched_init(void);             /* boot, before any vCPU; does CPU 0 too */
void sched_init_cpu(unsigned cpu); /* its idle vCPU is current there */
void sched_unit_init(struct vcpu *v); /* blocked, chooses a CPU */
void sched_unit_remove(struct vcpu *v);

/* May run (not paused, not blocked, up) or no longer may. Any CPU. */
void sched_wake(struct vcpu *v);
void sched_sleep(struct vcpu *v);
/* sched_sleep() and wait until it is off its CPU; not the running vCPU. */
void sched_sleep_sync(struct vcpu *v);
/* SCHEDOP_yield: let others of this CPU go first once. */
void sched_yield(void);

/* sched-op.c: SCHEDOP_watchdog shuts down a domain that does not look in. */
extern const struct domain_part watchdog_part;

/*
 * WORK_SCHED, on the exit path: charge the running unit, pick the next one,
 * tell the machine to switch. Returns with the next vCPU current (maybe the
 * same, maybe the idle one).
 */
void sched_switch(void);

/* What the machine wing provides (pv/switch.c; tests: fakes). */
struct vcpu *sched_idle_vcpu(unsigned cpu);
/* Save prev's state, load next's; either may be the idle vCPU. */
void vcpu_context_switch(struct vcpu *prev, struct vcpu *next);

int sched_set_affinity(struct vcpu *v, const cpumask_t *hard,
                       const cpumask_t *soft);
void sched_set_weight(struct domain *d, uint32_t weight, uint32_t cap);
/* CPU time used so far, the running slice included. */
uint64_t sched_cpu_time_ns(struct vcpu *v);
uint64_t sched_idle_time_ns(unsigned cpu);
bool sched_is_running(const struct vcpu *v);

#define SCHED_WEIGHT_DEFAULT 256

#endif
