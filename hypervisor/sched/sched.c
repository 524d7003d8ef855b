#include "sched/sched.h"
#include "sched/internal.h"

#include "domain/trace.h"
#include "time/clock.h"

static struct runqueue runqueues[MAX_CPUS];
static cpumask_t online;
/* CPUs with nothing to run, which nobody has yet sent a unit to. Atomic. */
static cpumask_t idle_cpus;
static const struct sched_policy *policy = &sched_policy_credit;

/* --- Queues ----------------------------------------------------------------
 */

/* Lock the queue that v belongs to, wherever it moves meanwhile. */
static struct runqueue *lock_queue_of(const struct vcpu *v)
{
    for (;;) {
        uint32_t cpu = READ_ONCE(v->unit.cpu);
        struct runqueue *rq = &runqueues[cpu];

        spin_lock(&rq->lock);
        if (v->unit.cpu == cpu)
            return rq;
        spin_unlock(&rq->lock);
    }
}

static void enqueue(struct runqueue *rq, struct vcpu *v)
{
    v->unit.state = UNIT_RUNNABLE;
    policy->insert(rq, v);
    rq->nr_ready++;
}

static void dequeue(struct runqueue *rq, struct vcpu *v)
{
    list_del(&v->unit.queue);
    rq->nr_ready--;
}

static bool may_run(const struct vcpu *v)
{
    return v->up && v->initialised && !READ_ONCE(v->unit.blocked) &&
           __atomic_load_n(&v->unit.pause_count, __ATOMIC_SEQ_CST) == 0;
}

/* The ABI's name for why v does not run. */
static int runstate_of(const struct vcpu *v)
{
    if (READ_ONCE(v->unit.blocked) && v->up)
        return RUNSTATE_blocked;
    return may_run(v) ? RUNSTATE_runnable : RUNSTATE_offline;
}

/*
 * Have the CPU choose again at `at` or before. An armed timer that comes
 * sooner stays: switching often then costs no arming, and the early look
 * arms the next one. On an idle machine it runs out once and stays off.
 */
static void look_at(struct runqueue *rq, uint64_t at)
{
    if (rq->timer_ns && rq->timer_ns <= at)
        return;
    rq->timer_ns = at;
    timer_set(&rq->timer, at);
}

static void look_now(void *arg)
{
    struct runqueue *rq = arg;

    spin_lock(&rq->lock);
    rq->timer_ns = 0;
    spin_unlock(&rq->lock);
    cpu_raise(rq->cpu, WORK_SCHED);
}

/* --- Waking and sleeping ---------------------------------------------------
 */

static unsigned first_from(cpumask_t mask, unsigned cpu)
{
    cpumask_t above = mask & (~0ull << cpu);

    return (unsigned)__builtin_ctzll(above ? above : mask);
}

/* Where v had best run: where it ran if that is idle, else an idle CPU, else
   where it ran. Claims the idle one. */
static unsigned choose_cpu(const struct vcpu *v)
{
    const struct sched_unit *u = &v->unit;
    cpumask_t allowed = u->hard & online;
    cpumask_t idle = READ_ONCE(idle_cpus) & allowed;
    unsigned cpu;

    if (!allowed)
        allowed = online; /* its CPUs are gone: anywhere rather than never */
    if (idle & CPUMASK_OF(u->cpu)) {
        cpu = u->cpu;
    } else if (idle) {
        cpu = first_from(idle & u->soft ? idle & u->soft : idle, u->cpu);
    } else if (allowed & CPUMASK_OF(u->cpu)) {
        return u->cpu;
    } else {
        return first_from(allowed & u->soft ? allowed & u->soft : allowed,
                          u->cpu);
    }
    bit_test_and_clear(&idle_cpus, cpu);
    return cpu;
}

/* v has joined rq: does that change who should run there? */
static void check_preemption(struct runqueue *rq, struct vcpu *v, uint64_t now)
{
    uint64_t at = now;

    if (rq->running)
        at = policy->preempt_at(rq, v, now);
    if (at <= now)
        cpu_raise(rq->cpu, WORK_SCHED);
    else
        look_at(rq, at);
}

void sched_wake(struct vcpu *v)
{
    struct runqueue *rq = lock_queue_of(v);
    bool moved = false;
    uint64_t now;
    unsigned cpu;

    if (v->unit.state != UNIT_BLOCKED || !may_run(v))
        goto unlock;

    /* While its registers are still being saved it must stay where it is. */
    if (!READ_ONCE(v->unit.running)) {
        cpu = choose_cpu(v);
        moved = cpu != rq->cpu;
        if (moved) {
            v->unit.moved = true;
            WRITE_ONCE(v->unit.cpu, cpu);
            spin_unlock(&rq->lock);
            rq = lock_queue_of(v);
            if (v->unit.state != UNIT_BLOCKED || !may_run(v)) {
                /* Someone else woke it, or stopped it: the CPU that we have
                   claimed counts itself as idle again when it looks. */
                cpu_raise(cpu, WORK_SCHED);
                goto unlock;
            }
        }
    }

    now = clock_now_ns();
    policy->place(rq, v, moved);
    enqueue(rq, v);
    vcpu_set_runstate(v, RUNSTATE_runnable, now);
    check_preemption(rq, v, now);
unlock:
    spin_unlock(&rq->lock);
}

void sched_sleep(struct vcpu *v)
{
    struct runqueue *rq = lock_queue_of(v);

    if (may_run(v)) {
        ; /* woken again meanwhile */
    } else if (v->unit.state == UNIT_RUNNABLE) {
        dequeue(rq, v);
        v->unit.state = UNIT_BLOCKED;
        vcpu_set_runstate(v, runstate_of(v), clock_now_ns());
    } else if (v->unit.state == UNIT_RUNNING) {
        cpu_raise(rq->cpu, WORK_SCHED);
    }
    spin_unlock(&rq->lock);
}

void sched_sleep_sync(struct vcpu *v)
{
    sched_sleep(v);
    while (__atomic_load_n(&v->unit.running, __ATOMIC_ACQUIRE))
        spin_wait();
}

void sched_yield(void)
{
    struct vcpu *v = current;

    if (!READ_ONCE(runqueues[cpu_id()].nr_ready))
        return;
    v->unit.yielding = true;
    cpu_raise(cpu_id(), WORK_SCHED);
}

/* --- Choosing and switching ------------------------------------------------
 */

static void charge(struct vcpu *v, uint64_t now)
{
    uint64_t ran = now - MIN(v->unit.last_ns, now);

    v->unit.last_ns = now;
    v->unit.run_ns += ran;
    policy->charge(v, ran, now);
}

/* Take a unit of another CPU that should run rather than `than`. */
static struct vcpu *steal(struct runqueue *rq, const struct vcpu *than,
                          uint64_t now)
{
    cpumask_for_each(cpu, online & ~CPUMASK_OF(rq->cpu))
    {
        struct runqueue *other = &runqueues[cpu];
        struct vcpu *v;

        if (!READ_ONCE(other->nr_ready) || !spin_trylock(&other->lock))
            continue;
        v = policy->steal(other, rq->cpu, than, now);
        if (v) {
            dequeue(other, v);
            v->unit.moved = true;
            WRITE_ONCE(v->unit.cpu, rq->cpu);
        }
        spin_unlock(&other->lock);
        if (v) {
            policy->adopt(rq, v, than);
            enqueue(rq, v);
            return v;
        }
    }
    return NULL;
}

static struct vcpu *choose(struct runqueue *rq, struct vcpu *prev, uint64_t now)
{
    struct vcpu *next = policy->pick(rq, prev, now);

    if ((!next || policy->slice_over(rq, now)) && steal(rq, next, now))
        next = policy->pick(rq, prev, now);
    return next;
}

/* The running unit leaves the CPU, or not: `stay` if it may run on. */
static void leave(struct runqueue *rq, struct vcpu *prev, bool stay,
                  uint64_t now)
{
    if (stay)
        enqueue(rq, prev);
    else
        prev->unit.state = UNIT_BLOCKED;
    vcpu_set_runstate(prev, runstate_of(prev), now);
}

static void enter(struct runqueue *rq, struct vcpu *next, uint64_t now)
{
    dequeue(rq, next);
    next->unit.state = UNIT_RUNNING;
    next->unit.running = true;
    next->unit.last_ns = now;
    vcpu_set_runstate(next, RUNSTATE_running, now);
}

/* Readers of a trace take it that each CPU runs something. */
static void trace_idle(const struct runqueue *rq, int from, int to)
{
    if (tracing())
        trace_runstate(sched_idle_vcpu(rq->cpu), from, to);
}

static void account_idle(struct runqueue *rq, bool was_idle, uint64_t now)
{
    if (was_idle && rq->running) {
        rq->idle_ns += now - MIN(rq->idle_since_ns, now);
        bit_test_and_clear(&idle_cpus, rq->cpu);
    } else if (!rq->running) {
        if (!was_idle)
            rq->idle_since_ns = now;
        bit_test_and_set(&idle_cpus, rq->cpu);
    }
}

/* Decide under the lock. NULL: idle. */
static struct vcpu *decide(struct runqueue *rq, struct vcpu *prev, bool stay,
                           uint64_t now)
{
    struct vcpu *next = choose(rq, stay ? prev : NULL, now);
    uint64_t at;

    if (next != prev || policy->slice_over(rq, now))
        rq->slice_start_ns = now;
    if (prev)
        prev->unit.yielding = false;
    if (next != prev) {
        if (prev)
            leave(rq, prev, stay, now);
        else
            trace_idle(rq, RUNSTATE_running, RUNSTATE_runnable);
        if (next)
            enter(rq, next, now);
        else
            trace_idle(rq, RUNSTATE_runnable, RUNSTATE_running);
    }
    rq->running = next;
    account_idle(rq, !prev, now);

    at = policy->look_again(rq, now);
    if (at)
        look_at(rq, at);
    return next;
}

/* The timers of a vCPU follow it, so that they fire where it runs. */
static void bring_timers(struct vcpu *v, unsigned cpu)
{
    if (v->singleshot.cpu != cpu)
        timer_migrate(&v->singleshot, cpu);
    if (v->periodic.cpu != cpu)
        timer_migrate(&v->periodic, cpu);
    if (v->poll_timer.cpu != cpu)
        timer_migrate(&v->poll_timer, cpu);
}

/*
 * prev's registers are saved: others may have it now, and may even destroy it
 * as soon as it no longer counts as running; hence the reference.
 */
static void release(struct vcpu *prev)
{
    struct domain *d = domain_ref(prev->domain);
    cpumask_t idle;

    __atomic_store_n(&prev->unit.running, false, __ATOMIC_SEQ_CST);

    /* Affinity drove it away from here, or it was woken while it left. */
    if (READ_ONCE(prev->unit.state) == UNIT_BLOCKED) {
        if (may_run(prev))
            sched_wake(prev);
    } else {
        /* It waits here; perhaps another CPU has time for it. */
        idle = READ_ONCE(idle_cpus) & prev->unit.hard & online;
        if (idle)
            cpu_raise(first_from(idle, prev->unit.cpu), WORK_SCHED);
    }
    domain_put(d);
}

void sched_switch(void)
{
    unsigned cpu = cpu_id();
    struct runqueue *rq = &runqueues[cpu];
    struct vcpu *idle = sched_idle_vcpu(cpu);
    struct vcpu *prev = current == idle ? NULL : current;
    struct vcpu *next;
    uint64_t now;
    bool stay;

    spin_lock(&rq->lock);
    now = clock_now_ns();
    if (prev)
        charge(prev, now);
    stay = prev && may_run(prev) && unit_may_run_on(prev, cpu);
    next = decide(rq, prev, stay, now);
    spin_unlock(&rq->lock);

    if (next == prev) {
        if (next && tracing())
            trace_vcpu(TRC_SCHED_CONTINUE_RUNNING, next);
        return;
    }
    if (next)
        bring_timers(next, cpu);
    vcpu_context_switch(prev ? prev : idle, next ? next : idle);
    if (prev)
        release(prev);
}

/* --- Units and settings ----------------------------------------------------
 */

void sched_unit_init(struct vcpu *v)
{
    static unsigned turn;
    struct sched_unit *u = &v->unit;

    list_init(&u->queue);
    u->state = UNIT_BLOCKED;
    u->hard = u->soft = ~0ull;
    u->weight = v->domain->sched_weight ? v->domain->sched_weight
                                        : SCHED_WEIGHT_DEFAULT;
    u->cpu = first_from(online, turn++ % MAX_CPUS);
    u->vruntime_ns = 0;
}

void sched_unit_remove(struct vcpu *v)
{
    struct runqueue *rq = lock_queue_of(v);

    if (v->unit.state == UNIT_RUNNABLE)
        dequeue(rq, v);
    v->unit.state = UNIT_BLOCKED;
    spin_unlock(&rq->lock);
}

int sched_set_affinity(struct vcpu *v, const cpumask_t *hard,
                       const cpumask_t *soft)
{
    struct runqueue *rq;
    bool move = false;

    if ((hard && !(*hard & online)) || (soft && !*soft))
        return -EINVAL;

    rq = lock_queue_of(v);
    if (soft)
        v->unit.soft = *soft;
    if (hard)
        v->unit.hard = *hard;
    if (!unit_may_run_on(v, rq->cpu)) {
        move = v->unit.state == UNIT_RUNNABLE;
        if (move) {
            dequeue(rq, v);
            v->unit.state = UNIT_BLOCKED;
        } else if (v->unit.state == UNIT_RUNNING) {
            cpu_raise(rq->cpu, WORK_SCHED);
        }
    }
    spin_unlock(&rq->lock);
    if (move)
        sched_wake(v);
    return 0;
}

void sched_set_weight(struct domain *d, uint32_t weight, uint32_t cap)
{
    d->sched_weight = weight ? weight : SCHED_WEIGHT_DEFAULT;
    WRITE_ONCE(d->sched_cap, cap);
    vcpu_for_each (d, v)
        WRITE_ONCE(v->unit.weight, d->sched_weight);
}

uint64_t sched_cpu_time_ns(struct vcpu *v)
{
    struct runqueue *rq = lock_queue_of(v);
    uint64_t t = v->unit.run_ns, now = clock_now_ns();

    if (v->unit.state == UNIT_RUNNING)
        t += now - MIN(v->unit.last_ns, now);
    spin_unlock(&rq->lock);
    return t;
}

uint64_t sched_idle_time_ns(unsigned cpu)
{
    struct runqueue *rq = &runqueues[cpu];
    uint64_t t, now;

    spin_lock(&rq->lock);
    now = clock_now_ns();
    t = rq->idle_ns;
    if (!rq->running)
        t += now - MIN(rq->idle_since_ns, now);
    spin_unlock(&rq->lock);
    return t;
}

bool sched_is_running(const struct vcpu *v)
{
    return READ_ONCE(v->unit.running);
}

void sched_init_cpu(unsigned cpu)
{
    struct runqueue *rq = &runqueues[cpu];

    if (bit_test(&online, cpu))
        return;
    rq->cpu = cpu;
    list_init(&rq->ready);
    timer_init(&rq->timer, look_now, rq, cpu);
    rq->idle_since_ns = clock_now_ns();
    bit_test_and_set(&online, cpu);
    bit_test_and_set(&idle_cpus, cpu);
}

void sched_init(void)
{
    sched_init_cpu(cpu_id());
}
