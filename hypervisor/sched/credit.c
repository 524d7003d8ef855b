/*
 * Fair by weight: each unit's CPU time, divided by its weight, is its virtual
 * run time, and who is furthest behind runs. A unit that slept comes back a
 * little behind the others, never more: so it is served at once, and cannot
 * live off that.
 */
#include "sched/internal.h"

#define SLICE_NS      (10 * NS_PER_MS)
#define ALONE_NS      (50 * NS_PER_MS)  /* nobody waits here: look elsewhere */
#define RATELIMIT_NS  (1 * NS_PER_MS)   /* least time before being preempted */
#define GRAIN_NS      (1 * NS_PER_MS)   /* behind by this: worth a preemption */
#define BONUS_NS      (5 * NS_PER_MS)   /* most a sleeper may be behind */
#define AHEAD_NS      (100 * NS_PER_MS) /* most a newcomer may be ahead */
#define CAP_PERIOD_NS (50 * NS_PER_MS)
#define STEAL_SCAN    8

/* --- Caps ------------------------------------------------------------------
 */

static uint64_t cap_budget(const struct domain *d)
{
    return d->sched_cap * (CAP_PERIOD_NS / 100);
}

/* What is left for d in this period; ~0 without a cap. */
static uint64_t cap_left(struct domain *d, uint64_t now)
{
    struct sched_cap *c = &d->cap;
    uint64_t budget = cap_budget(d), periods, paid, left;

    if (!budget)
        return ~0ull;

    spin_lock(&c->lock);
    if (now >= c->start_ns + CAP_PERIOD_NS) {
        periods = (now - c->start_ns) / CAP_PERIOD_NS;
        c->start_ns += periods * CAP_PERIOD_NS;
        /* What was used too much is taken from the periods that follow. */
        paid = MIN(periods, 1000) * budget;
        c->used_ns -= MIN(c->used_ns, paid);
    }
    left = budget > c->used_ns ? budget - c->used_ns : 0;
    spin_unlock(&c->lock);
    return left;
}

static void cap_use(struct domain *d, uint64_t ran)
{
    if (!d->sched_cap)
        return;
    spin_lock(&d->cap.lock);
    d->cap.used_ns += ran;
    spin_unlock(&d->cap.lock);
}

/* --- Virtual time ----------------------------------------------------------
 */

/* The furthest that any queue has come; where an idle CPU's begins again. */
static uint64_t furthest_vruntime_ns;

static uint64_t weighted(const struct vcpu *v, uint64_t ran)
{
    return ran * SCHED_WEIGHT_DEFAULT / MAX(v->unit.weight, 1);
}

static void credit_charge(struct vcpu *v, uint64_t ran, uint64_t now)
{
    (void)cap_left(v->domain, now); /* begin a new period if it is time */
    v->unit.vruntime_ns += weighted(v, ran);
    cap_use(v->domain, ran);
}

/* The least virtual time that a unit of this queue may have. */
static uint64_t floor_of(const struct runqueue *rq)
{
    return rq->min_vruntime_ns - MIN(rq->min_vruntime_ns, BONUS_NS);
}

static void credit_place(struct runqueue *rq, struct vcpu *v, bool moved)
{
    uint64_t *t = &v->unit.vruntime_ns;
    bool alone = !rq->running && !rq->nr_ready;

    /* Virtual time stood still here. Nobody is owed for that. */
    if (alone)
        rq->min_vruntime_ns =
            MAX(rq->min_vruntime_ns, READ_ONCE(furthest_vruntime_ns));
    *t = MAX(*t, floor_of(rq));
    /* Queues of pinned units drift apart: nobody pays here for what it got
       on a CPU that was less asked for. */
    if (moved && !alone)
        *t = MIN(*t, rq->min_vruntime_ns + AHEAD_NS);
}

static void set_back(uint64_t *t, uint64_t by)
{
    *t -= MIN(*t, by);
}

/*
 * v was stolen as it is behind `than`, the best of rq. If it is so by more
 * than can come of taking turns, the queues' clocks differ (pinning did it, or
 * a pause): set ours back, or v's queue would stay behind for as long.
 */
static void credit_adopt(struct runqueue *rq, struct vcpu *v,
                         const struct vcpu *than)
{
    uint64_t lag = than ? than->unit.vruntime_ns - v->unit.vruntime_ns : 0;

    if (than && lag > weighted(than, 2 * ALONE_NS) + 2 * ALONE_NS) {
        lag -= SLICE_NS;
        set_back(&rq->min_vruntime_ns, lag);
        if (rq->running)
            set_back(&rq->running->unit.vruntime_ns, lag);
        list_for_each (it, &rq->ready)
            set_back(&unit_vcpu(it)->unit.vruntime_ns, lag);
    }
    credit_place(rq, v, true);
}

static void credit_insert(struct runqueue *rq, struct vcpu *v)
{
    struct list *pos = rq->ready.prev;

    while (pos != &rq->ready &&
           unit_vcpu(pos)->unit.vruntime_ns > v->unit.vruntime_ns)
        pos = pos->prev;
    list_insert_before(pos->next, &v->unit.queue);
}

/* --- Choosing --------------------------------------------------------------
 */

static bool credit_slice_over(const struct runqueue *rq, uint64_t now)
{
    return now >= rq->slice_start_ns + SLICE_NS;
}

static struct vcpu *first_with_budget(struct runqueue *rq, uint64_t now)
{
    list_for_each (it, &rq->ready) {
        if (cap_left(unit_vcpu(it)->domain, now))
            return unit_vcpu(it);
    }
    return NULL;
}

/* Is `v` far enough behind `prev`, which runs, to take its place now? */
static bool displaces(const struct runqueue *rq, const struct vcpu *v,
                      const struct vcpu *prev, uint64_t now)
{
    if (credit_slice_over(rq, now))
        return v->unit.vruntime_ns <= prev->unit.vruntime_ns;
    return now >= rq->slice_start_ns + RATELIMIT_NS &&
           v->unit.vruntime_ns + GRAIN_NS < prev->unit.vruntime_ns;
}

static struct vcpu *credit_pick(struct runqueue *rq, struct vcpu *prev,
                                uint64_t now)
{
    struct vcpu *v = first_with_budget(rq, now);

    if (prev && !cap_left(prev->domain, now))
        prev = NULL;
    if (prev && (!v || (!prev->unit.yielding && !displaces(rq, v, prev, now))))
        v = prev;
    if (!v)
        return NULL;

    /* One that could not run for its cap or affinity has no claim on what it
       missed. */
    if (v->unit.vruntime_ns < floor_of(rq))
        v->unit.vruntime_ns = floor_of(rq);
    rq->min_vruntime_ns = MAX(rq->min_vruntime_ns, v->unit.vruntime_ns);
    if (rq->min_vruntime_ns > READ_ONCE(furthest_vruntime_ns))
        WRITE_ONCE(furthest_vruntime_ns, rq->min_vruntime_ns);
    return v;
}

static struct vcpu *credit_steal(struct runqueue *rq, unsigned cpu,
                                 const struct vcpu *than, uint64_t now)
{
    unsigned scan = 0;

    list_for_each (it, &rq->ready) {
        struct vcpu *v = unit_vcpu(it);

        if (than && v->unit.vruntime_ns + SLICE_NS > than->unit.vruntime_ns)
            return NULL;
        if (++scan > STEAL_SCAN)
            return NULL;
        if (!v->unit.running && unit_may_run_on(v, cpu) &&
            cap_left(v->domain, now))
            return v;
    }
    return NULL;
}

/* --- Timing ----------------------------------------------------------------
 */

/* All that wait have used up their caps: when the first period ends. */
static uint64_t next_budget_at(struct runqueue *rq)
{
    uint64_t at = 0;

    list_for_each (it, &rq->ready) {
        uint64_t end =
            READ_ONCE(unit_vcpu(it)->domain->cap.start_ns) + CAP_PERIOD_NS;

        if (!at || end < at)
            at = end;
    }
    return at;
}

static uint64_t credit_look_again(struct runqueue *rq, uint64_t now)
{
    struct vcpu *v = rq->running;
    uint64_t at, left;

    if (!v)
        return next_budget_at(rq);
    at = rq->slice_start_ns + (rq->nr_ready ? SLICE_NS : ALONE_NS);
    left = cap_left(v->domain, now);
    return left < at - MIN(at, now) ? now + left : at;
}

static uint64_t credit_preempt_at(struct runqueue *rq, const struct vcpu *v,
                                  uint64_t now)
{
    const struct vcpu *r = rq->running;
    uint64_t theirs =
        r->unit.vruntime_ns + weighted(r, now - MIN(r->unit.last_ns, now));

    if (v->unit.vruntime_ns + GRAIN_NS < theirs)
        return rq->slice_start_ns + RATELIMIT_NS;
    return rq->slice_start_ns + SLICE_NS;
}

const struct sched_policy sched_policy_credit = {
    .name = "credit",
    .charge = credit_charge,
    .place = credit_place,
    .adopt = credit_adopt,
    .insert = credit_insert,
    .pick = credit_pick,
    .steal = credit_steal,
    .slice_over = credit_slice_over,
    .look_again = credit_look_again,
    .preempt_at = credit_preempt_at,
};
