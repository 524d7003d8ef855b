/* What the files of sched/ share. */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H

#include "sched/sched.h"

#include "domain/domain.h"
#include "lib/spinlock.h"
#include "time/timer.h"

/*
 * A CPU's units that may run and do not. `lock` guards everything in it and
 * the scheduling state of the units whose `cpu` it is. Two run queues are
 * never waited for at once (stealing only tries).
 */
struct runqueue {
    struct spinlock lock;
    unsigned cpu;
    struct list ready; /* the policy's order */
    unsigned nr_ready;
    struct vcpu *running;     /* NULL: idle */
    uint64_t slice_start_ns;  /* when `running` was chosen */
    uint64_t min_vruntime_ns; /* how far the queue is */
    struct timer timer;       /* choose again; kept armed when too early */
    uint64_t timer_ns;        /* 0: not armed */
    uint64_t idle_ns, idle_since_ns;
} ALIGNED(64);

/*
 * Who goes first: the policy. All hooks are called with rq->lock held and
 * decide only; moving units between states is sched.c's.
 */
struct sched_policy {
    const char *name;
    /* v used the CPU for ran_ns. */
    void (*charge)(struct vcpu *v, uint64_t ran_ns, uint64_t now_ns);
    /* v joins rq after sleeping or (moved) from another queue: fit it in. */
    void (*place)(struct runqueue *rq, struct vcpu *v, bool moved);
    /* v, stolen rather than to run `than`, joins rq. */
    void (*adopt)(struct runqueue *rq, struct vcpu *v, const struct vcpu *than);
    void (*insert)(struct runqueue *rq, struct vcpu *v);
    /* The one to run: of the queue, or `prev` (NULL: it may not). It is left
       where it is. NULL: nobody. */
    struct vcpu *(*pick)(struct runqueue *rq, struct vcpu *prev,
                         uint64_t now_ns);
    /* One that `cpu` should take from rq, as it is behind `than` (NULL: any
       will do). */
    struct vcpu *(*steal)(struct runqueue *rq, unsigned cpu,
                          const struct vcpu *than, uint64_t now_ns);
    bool (*slice_over)(const struct runqueue *rq, uint64_t now_ns);
    /* When to choose again given who runs; 0: only when something happens. */
    uint64_t (*look_again)(struct runqueue *rq, uint64_t now_ns);
    /* `v` has joined the queue of a busy CPU: when to choose again. */
    uint64_t (*preempt_at)(struct runqueue *rq, const struct vcpu *v,
                           uint64_t now_ns);
};
extern const struct sched_policy sched_policy_credit;

static inline struct vcpu *unit_vcpu(struct list *queue)
{
    return container_of(queue, struct vcpu, unit.queue);
}

static inline bool unit_may_run_on(const struct vcpu *v, unsigned cpu)
{
    return v->unit.hard & CPUMASK_OF(cpu);
}

#endif
