/*
 * The scheduler in a simulated machine: time jumps from event to event, so
 * that minutes take milliseconds. vCPUs compute for a while and sleep for a
 * while; timers are the real ones.
 */
#include "guest-world.h"

#include "evtchn/evtchn.h"
#include "hypercall/handlers.h"
#include "time/clock.h"

#include <xen/sched.h>

#define SIM_CPUS  4
#define SIM_VCPUS 32
#define MS        NS_PER_MS
#define SEC       NS_PER_SEC

static uint64_t now_ns;
static unsigned nr_sim_cpus;

/* What runs where, and when that CPU's timer fires (0: off). */
static struct vcpu *running[SIM_CPUS];
static struct vcpu idle[SIM_CPUS];
static struct domain idle_domain = {.id = DOMID_IDLE};
static uint64_t deadline[SIM_CPUS];
static unsigned nr_interrupts[SIM_CPUS], nr_arms;

/* How a vCPU behaves: `burst` of work, then `sleep`; sleep 0: never ends. */
struct load {
    struct vcpu *v;
    uint64_t burst, sleep, left, wake_at, woken_at, worst_wait;
};
static struct load loads[SIM_VCPUS];
static unsigned nr_loads;

/* --- What the scheduler stands on ------------------------------------------
 */

uint64_t clock_now_ns(void)
{
    return now_ns;
}

void timer_arm_hardware(uint64_t deadline_ns)
{
    deadline[fake_cpu] = deadline_ns;
    nr_arms++;
}

struct vcpu *sched_idle_vcpu(unsigned cpu)
{
    return &idle[cpu];
}

void vcpu_context_switch(struct vcpu *prev, struct vcpu *next)
{
    assert_ptr_equal(running[fake_cpu], prev);
    for (unsigned c = 0; c < SIM_CPUS; c++)
        assert_true(running[c] != next); /* never in two places */
    running[fake_cpu] = fake_current = next;
}

void vcpu_set_runstate(struct vcpu *v, int state, uint64_t at)
{
    v->runstate.time[v->runstate.state] += at - v->runstate.state_entry_time;
    v->runstate.state = state;
    v->runstate.state_entry_time = at;
}

void vcpu_wake(struct vcpu *v)
{
    v->unit.blocked = false;
    sched_wake(v);
}

static evtchn_port_t pending_port;
static bool was_shut_down;

int evtchn_check_pollable(struct domain *d, evtchn_port_t port)
{
    (void)d;
    return port < 100 ? 0 : -EINVAL;
}

bool evtchn_is_pending(struct domain *d, evtchn_port_t port)
{
    (void)d;
    return port == pending_port;
}

void evtchn_poll_start(struct vcpu *v, int32_t port)
{
    v->poll_port = port;
}

void evtchn_poll_narrow(struct vcpu *v, int32_t port)
{
    v->poll_port = port;
}

void evtchn_poll_stop(struct vcpu *v)
{
    v->poll_port = 0;
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    d->shutdown_code = reason;
    was_shut_down = true;
}

static void poll_timed_out(void *arg)
{
    vcpu_wake(arg);
}

/* --- The simulated machine -------------------------------------------------
 */

static void on_cpu(unsigned cpu)
{
    fake_cpu = cpu;
    fake_current = running[cpu];
}

/* The exit path of every CPU, until none has anything to do. */
static void settle(void)
{
    bool busy;

    do {
        busy = false;
        for (unsigned c = 0; c < nr_sim_cpus; c++) {
            uint64_t work = fake_work[c];

            if (!work)
                continue;
            busy = true;
            fake_work[c] = 0;
            on_cpu(c);
            if (work & 1u << WORK_TIMER)
                timer_run();
            if (work & 1u << WORK_SCHED)
                sched_switch();
        }
    } while (busy);
}

static struct load *load_of(const struct vcpu *v)
{
    for (unsigned i = 0; i < nr_loads; i++)
        if (loads[i].v == v)
            return &loads[i];
    return NULL;
}

static uint64_t next_event(uint64_t end)
{
    for (unsigned c = 0; c < nr_sim_cpus; c++) {
        struct load *l = load_of(running[c]);

        if (deadline[c])
            end = MIN(end, MAX(deadline[c], now_ns));
        if (l && l->sleep)
            end = MIN(end, now_ns + l->left);
    }
    for (unsigned i = 0; i < nr_loads; i++)
        if (loads[i].v->unit.blocked && loads[i].wake_at)
            end = MIN(end, MAX(loads[i].wake_at, now_ns));
    return end;
}

/* Who computes gets on; who is done goes to sleep. */
static void compute(uint64_t ran)
{
    for (unsigned c = 0; c < nr_sim_cpus; c++) {
        struct load *l = load_of(running[c]);

        if (!l)
            continue;
        if (l->woken_at) {
            l->worst_wait = MAX(l->worst_wait, now_ns - l->woken_at);
            l->woken_at = 0;
        }
        if (!l->sleep)
            continue;
        l->left -= MIN(l->left, ran);
        if (l->left)
            continue;
        l->v->unit.blocked = true;
        l->wake_at = now_ns + ran + l->sleep;
        cpu_raise(c, WORK_SCHED);
    }
}

static void wake_sleepers(void)
{
    for (unsigned i = 0; i < nr_loads; i++) {
        struct load *l = &loads[i];

        if (!l->v->unit.blocked || !l->wake_at || l->wake_at > now_ns)
            continue;
        l->wake_at = 0;
        l->left = l->burst;
        l->woken_at = now_ns;
        vcpu_wake(l->v);
    }
}

static void simulate(uint64_t ns)
{
    uint64_t end = now_ns + ns;

    settle();
    while (now_ns < end) {
        uint64_t next = next_event(end);

        compute(next - now_ns);
        now_ns = next;
        for (unsigned c = 0; c < nr_sim_cpus; c++) {
            if (deadline[c] && deadline[c] <= now_ns) {
                deadline[c] = 0;
                nr_interrupts[c]++;
                cpu_raise(c, WORK_TIMER);
            }
        }
        on_cpu(0);
        wake_sleepers();
        settle();
    }
}

static struct domain *new_domain(domid_t id, unsigned nr_vcpus, unsigned weight)
{
    struct domain *d = fake_domain_new(id, nr_vcpus, NULL);

    d->sched_weight = weight;
    vcpu_for_each (d, v) {
        v->runstate.state = RUNSTATE_offline;
        v->runstate.state_entry_time = now_ns;
        sched_unit_init(v);
        timer_init(&v->poll_timer, poll_timed_out, v, v->unit.cpu);
    }
    return d;
}

static struct load *give_load(struct vcpu *v, uint64_t burst, uint64_t sleep)
{
    struct load *l = &loads[nr_loads++];

    *l = (struct load){.v = v, .burst = burst, .sleep = sleep, .left = burst};
    on_cpu(0);
    vcpu_wake(v);
    settle();
    return l;
}

static struct load *hog(struct domain *d, unsigned vcpu)
{
    return give_load(d->vcpu[vcpu], 1, 0);
}

static void end_domain(struct domain *d)
{
    vcpu_for_each (d, v) {
        __atomic_fetch_add(&v->unit.pause_count, 1, __ATOMIC_SEQ_CST);
        on_cpu(0);
        sched_sleep(v);
        settle();
        assert_false(sched_is_running(v));
        timer_kill(&v->poll_timer);
        sched_unit_remove(v);
    }
    fake_domain_free(d, NULL);
}

/* The scheduler has no end: more CPUs may come, the queues stay. */
static void machine(unsigned cpus)
{
    for (unsigned c = nr_sim_cpus; c < cpus; c++) {
        idle[c].domain = &idle_domain;
        running[c] = &idle[c];
        on_cpu(c);
        timer_init_cpu(c);
        if (c == 0)
            sched_init();
        else
            sched_init_cpu(c);
        nr_sim_cpus++;
    }
}

static int setup(void **state)
{
    (void)state;
    nr_loads = 0;
    pending_port = 0;
    fake_others_run = NULL;
    was_shut_down = false;
    memset(loads, 0, sizeof(loads));
    return 0;
}

/* CPU 0 alone: the sole CPU of a domain's vCPUs, whatever the machine has. */
static void pin(struct domain *d, cpumask_t mask)
{
    vcpu_for_each (d, v) {
        assert_int_equal(sched_set_affinity(v, &mask, NULL), 0);
    }
    settle();
}

static void assert_share(const struct vcpu *v, uint64_t of, unsigned permille)
{
    uint64_t got = sched_cpu_time_ns((struct vcpu *)v) * 1000 / of;

    /* Within one per cent of a CPU. */
    if (got + 10 < permille || got > permille + 10)
        fail_msg("vCPU %u of %u got %lu of a thousand, not %u", v->id,
                 v->domain->id, (unsigned long)got, permille);
}

/* --- Claims ----------------------------------------------------------------
 */

/* Who computes all the time gets CPU time by weight. */
static void test_weights_are_respected(void **state)
{
    struct domain *d1, *d2, *d3;

    (void)state;
    machine(1);
    d1 = new_domain(1, 1, 256);
    d2 = new_domain(2, 1, 512);
    d3 = new_domain(3, 1, 1280);
    hog(d1, 0);
    hog(d2, 0);
    hog(d3, 0);
    simulate(600 * SEC);
    assert_share(d1->vcpu[0], 600 * SEC, 125);
    assert_share(d2->vcpu[0], 600 * SEC, 250);
    assert_share(d3->vcpu[0], 600 * SEC, 625);

    /* And a change counts from now on. */
    sched_set_weight(d3, 256, 0);
    sched_set_weight(d2, 256, 0);
    d1->vcpu[0]->unit.run_ns = d3->vcpu[0]->unit.run_ns = 0;
    simulate(600 * SEC);
    assert_share(d1->vcpu[0], 600 * SEC, 333);
    assert_share(d3->vcpu[0], 600 * SEC, 333);
    end_domain(d1);
    end_domain(d2);
    end_domain(d3);
}

/* A sleeper that wakes often is served at once but takes no more than its
   share from the one that computes. */
static void test_woken_unit_cannot_starve(void **state)
{
    struct domain *d1, *d2;
    struct load *l;

    (void)state;
    machine(1);
    d1 = new_domain(1, 1, 256);
    d2 = new_domain(2, 1, 256);
    hog(d1, 0);
    /* Wants nine tenths of the CPU, in bursts just below the rate limit. */
    l = give_load(d2->vcpu[0], 900 * NS_PER_US, 100 * NS_PER_US);
    simulate(60 * SEC);
    assert_in_range(sched_cpu_time_ns(d1->vcpu[0]), 29 * SEC, 33 * SEC);
    assert_in_range(l->worst_wait, 0, 21 * MS);
    end_domain(d1);
    end_domain(d2);
}

/* One that needs little CPU waits little, however busy the others are. */
static void test_sleeper_is_served_soon(void **state)
{
    struct domain *d1, *d2;
    struct load *l;

    (void)state;
    machine(1);
    d1 = new_domain(1, 4, 256);
    d2 = new_domain(2, 1, 256);
    for (unsigned i = 0; i < 4; i++)
        hog(d1, i);
    l = give_load(d2->vcpu[0], 100 * NS_PER_US, 7 * MS);
    simulate(60 * SEC);
    assert_in_range(l->worst_wait, 0, 1 * MS); /* the rate limit */
    end_domain(d1);
    end_domain(d2);
}

/* Time slept is not time saved up: who computes again after a long sleep
   takes turns at once. */
static void test_long_sleeper_gets_no_arrears(void **state)
{
    struct domain *d1, *d2;
    uint64_t before;

    (void)state;
    machine(1);
    d1 = new_domain(1, 1, 256);
    d2 = new_domain(2, 1, 256);
    hog(d1, 0);
    give_load(d2->vcpu[0], MS, 100 * SEC);
    simulate(99 * SEC);
    loads[1].burst = 1000 * SEC;
    simulate(2 * SEC);
    before = sched_cpu_time_ns(d1->vcpu[0]);
    simulate(SEC);
    assert_in_range(sched_cpu_time_ns(d1->vcpu[0]) - before, 480 * MS,
                    520 * MS);
    assert_in_range(before, 99 * SEC, 100 * SEC + 550 * MS);
    assert_true(before > 99 * SEC + 400 * MS);
    end_domain(d1);
    end_domain(d2);
}

/* A cap holds even on an idle machine, for all vCPUs of the domain together,
   and what was overdrawn is paid back. */
static void test_cap(void **state)
{
    struct domain *d1;
    uint64_t used;

    (void)state;
    machine(2);
    d1 = new_domain(1, 2, 256);
    sched_set_weight(d1, 256, 40);
    hog(d1, 0);
    hog(d1, 1);
    simulate(100 * SEC);
    used = sched_cpu_time_ns(d1->vcpu[0]) + sched_cpu_time_ns(d1->vcpu[1]);
    assert_in_range(used, 39 * SEC, 41 * SEC);

    /* One vCPU may use all of it. */
    d1->vcpu[1]->unit.pause_count++;
    sched_sleep(d1->vcpu[1]);
    d1->vcpu[0]->unit.run_ns = 0;
    simulate(100 * SEC);
    assert_in_range(sched_cpu_time_ns(d1->vcpu[0]), 39 * SEC, 41 * SEC);
    sched_set_weight(d1, 256, 0);
    d1->vcpu[0]->unit.run_ns = 0;
    simulate(10 * SEC);
    assert_in_range(sched_cpu_time_ns(d1->vcpu[0]), 9 * SEC, 10 * SEC);
    end_domain(d1);
}

/* Three that compute on two CPUs: nobody has a CPU for itself. */
static void test_cpus_are_shared_fairly(void **state)
{
    struct domain *d;

    (void)state;
    machine(2);
    d = new_domain(1, 3, 256);
    for (unsigned i = 0; i < 3; i++)
        hog(d, i);
    simulate(120 * SEC);
    for (unsigned i = 0; i < 3; i++)
        assert_share(d->vcpu[i], 120 * SEC, 667);
    end_domain(d);
}

/* No CPU idles while a unit waits. */
static void test_idle_cpus_take_waiting_units(void **state)
{
    struct domain *d;
    uint64_t idle_before;

    (void)state;
    machine(4);
    d = new_domain(1, 6, 256);
    pin(d, 1);
    for (unsigned i = 0; i < 6; i++)
        hog(d, i);
    pin(d, 0xf);
    simulate(1 * SEC);
    idle_before = sched_idle_time_ns(1) + sched_idle_time_ns(3);
    simulate(10 * SEC);
    assert_int_equal(sched_idle_time_ns(1) + sched_idle_time_ns(3),
                     idle_before);
    end_domain(d);
}

/* Affinity holds from the moment it is set, also for one that runs. */
static void test_affinity_is_obeyed(void **state)
{
    struct domain *d;
    cpumask_t none = 0, two = 1u << 2;
    struct load *l;

    (void)state;
    machine(4);
    d = new_domain(1, 2, 256);
    hog(d, 0);
    l = give_load(d->vcpu[1], MS, MS);
    simulate(SEC);
    assert_int_equal(sched_set_affinity(d->vcpu[0], &none, NULL), -EINVAL);
    assert_int_equal(sched_set_affinity(d->vcpu[0], &two, NULL), 0);
    assert_int_equal(sched_set_affinity(d->vcpu[1], &two, NULL), 0);
    settle();
    assert_ptr_not_equal(running[2], &idle[2]);
    for (unsigned i = 0; i < 1000; i++) {
        simulate(500 * NS_PER_US);
        for (unsigned c = 0; c < 4; c++)
            if (c != 2)
                assert_ptr_equal(running[c], &idle[c]);
    }
    assert_in_range(l->worst_wait, 0, 20 * MS);
    end_domain(d);
}

/* Pinned units do not make strangers wait for virtual time lost elsewhere. */
static void test_move_between_unequal_cpus(void **state)
{
    struct domain *crowd, *lone;

    (void)state;
    machine(2);
    crowd = new_domain(1, 8, 256);
    pin(crowd, 1);
    lone = new_domain(2, 1, 256);
    pin(lone, 2);
    for (unsigned i = 0; i < 8; i++)
        hog(crowd, i);
    hog(lone, 0);
    simulate(60 * SEC);
    lone->vcpu[0]->unit.run_ns = 0;
    pin(lone, 1);
    simulate(9 * SEC);
    assert_in_range(sched_cpu_time_ns(lone->vcpu[0]), SEC * 85 / 100,
                    SEC * 115 / 100);
    end_domain(crowd);
    end_domain(lone);
}

/* Nor do the CPUs' clocks stay apart when everybody may move again. */
static void test_freed_units_share_fairly(void **state)
{
    struct domain *crowd, *lone;

    (void)state;
    machine(2);
    crowd = new_domain(1, 8, 256);
    pin(crowd, 1);
    lone = new_domain(2, 1, 256);
    pin(lone, 2);
    for (unsigned i = 0; i < 8; i++)
        hog(crowd, i);
    hog(lone, 0);
    simulate(60 * SEC);
    pin(crowd, 3);
    pin(lone, 3);
    simulate(SEC);
    lone->vcpu[0]->unit.run_ns = 0;
    for (unsigned i = 0; i < 8; i++)
        crowd->vcpu[i]->unit.run_ns = 0;
    simulate(90 * SEC);
    /* A ninth of the 180 s that there are, near enough. */
    assert_in_range(sched_cpu_time_ns(lone->vcpu[0]), 17 * SEC, 23 * SEC);
    for (unsigned i = 0; i < 8; i++)
        assert_in_range(sched_cpu_time_ns(crowd->vcpu[i]), 17 * SEC, 23 * SEC);
    end_domain(crowd);
    end_domain(lone);
}

/* A machine with nothing to do gets no timer interrupts. */
static void test_idle_machine_has_no_timer(void **state)
{
    struct domain *d;

    (void)state;
    machine(2);
    d = new_domain(1, 1, 256);
    give_load(d->vcpu[0], MS, 10 * MS);
    simulate(SEC);
    d->vcpu[0]->unit.pause_count++;
    sched_sleep(d->vcpu[0]);
    simulate(SEC);
    memset(nr_interrupts, 0, sizeof(nr_interrupts));
    simulate(3600 * SEC);
    assert_int_equal(nr_interrupts[0], 0);
    assert_int_equal(nr_interrupts[1], 0);
    end_domain(d);
}

/* Two that wake each other on one CPU: each wake is a switch, not a slice. */
static void test_ping_pong_is_quick(void **state)
{
    struct domain *d;
    struct load *l, *m;

    (void)state;
    machine(1);
    d = new_domain(1, 2, 256);
    pin(d, 1);
    l = give_load(d->vcpu[0], 10 * NS_PER_US, 10 * NS_PER_US);
    m = give_load(d->vcpu[1], 10 * NS_PER_US, 10 * NS_PER_US);
    memset(nr_interrupts, 0, sizeof(nr_interrupts));
    nr_arms = 0;
    simulate(SEC);
    assert_in_range(l->worst_wait, 0, 10 * NS_PER_US);
    assert_in_range(m->worst_wait, 0, 10 * NS_PER_US);
    /* The 100,000 switches did not arm the timer each. */
    assert_in_range(nr_interrupts[0], 0, 110);
    assert_in_range(nr_arms, 0, 1000);
    end_domain(d);
}

/* Runstate times add up to the time that passed, in the right state. */
static void test_runstates_add_up(void **state)
{
    struct domain *d;
    uint64_t start = now_ns, *t;

    (void)state;
    machine(1);
    d = new_domain(1, 2, 256);
    pin(d, 1);
    hog(d, 0);
    give_load(d->vcpu[1], MS, MS);
    simulate(10 * SEC);
    d->vcpu[1]->unit.pause_count++;
    sched_sleep(d->vcpu[1]);
    settle();
    vcpu_set_runstate(d->vcpu[0], RUNSTATE_running, now_ns);
    t = d->vcpu[0]->runstate.time;
    assert_int_equal(t[0] + t[1] + t[2] + t[3], now_ns - start);
    assert_int_equal(t[RUNSTATE_running], sched_cpu_time_ns(d->vcpu[0]));
    assert_int_equal(t[RUNSTATE_blocked], 0);
    t = d->vcpu[1]->runstate.time;
    assert_true(t[RUNSTATE_blocked] > 2 * SEC);
    assert_true(t[RUNSTATE_runnable] > 0);
    simulate(SEC);
    assert_int_equal(d->vcpu[1]->runstate.state == RUNSTATE_offline ||
                         d->vcpu[1]->runstate.state == RUNSTATE_blocked,
                     true);
    end_domain(d);
}

/* sched_sleep_sync() comes back when the registers are saved. */
static void test_sleep_sync_waits(void **state)
{
    struct domain *d;

    (void)state;
    machine(2);
    d = new_domain(1, 1, 256);
    pin(d, 2);
    hog(d, 0);
    assert_ptr_equal(running[1], d->vcpu[0]);
    d->vcpu[0]->unit.pause_count++;
    on_cpu(0);
    fake_others_run = settle;
    sched_sleep_sync(d->vcpu[0]);
    assert_ptr_equal(running[1], &idle[1]);
    end_domain(d);
}

/* --- Hypercalls ------------------------------------------------------------
 */

static long op(unsigned cmd, void *arg)
{
    struct hc_args args = {{cmd, (uintptr_t)arg}};

    return hc_sched_op(&args);
}

static struct domain *one_running(void)
{
    struct domain *d;

    machine(1);
    d = new_domain(1, 1, 256);
    pin(d, 1);
    hog(d, 0);
    on_cpu(0);
    return d;
}

/* block: unmask, then sleep unless an event is pending. */
static void test_block(void **state)
{
    struct domain *d = one_running();
    struct vcpu *v = d->vcpu[0];

    (void)state;
    v->info->evtchn_upcall_mask = 1;
    v->info->evtchn_upcall_pending = 1;
    assert_int_equal(op(SCHEDOP_block, NULL), 0);
    settle();
    assert_int_equal(v->info->evtchn_upcall_mask, 0);
    assert_ptr_equal(running[0], v);
    v->info->evtchn_upcall_pending = 0;
    on_cpu(0);
    assert_int_equal(op(SCHEDOP_block, NULL), 0);
    settle();
    assert_ptr_equal(running[0], &idle[0]);
    assert_int_equal(v->runstate.state, RUNSTATE_blocked);
    vcpu_wake(v);
    settle();
    assert_ptr_equal(running[0], v);
    end_domain(d);
}

/* A wake between the look at events and the switch is not lost. */
static void test_wake_while_blocking(void **state)
{
    struct domain *d = one_running();

    (void)state;
    assert_int_equal(op(SCHEDOP_block, NULL), 0);
    vcpu_wake(d->vcpu[0]); /* WORK_SCHED is raised, not yet served */
    settle();
    assert_ptr_equal(running[0], d->vcpu[0]);
    end_domain(d);
}

/* poll: returns when a port is pending, sleeps till wake or timeout else. */
static void test_poll(void **state)
{
    struct domain *d = one_running();
    evtchn_port_t ports[2] = {5, 6}, bad = 100;
    struct sched_poll p = {.nr_ports = 2};

    (void)state;
    p.ports.p = ports;
    pending_port = 6;
    assert_int_equal(op(SCHEDOP_poll, &p), 0);
    assert_false(d->vcpu[0]->unit.blocked);
    assert_int_equal(d->vcpu[0]->poll_port, 0);

    pending_port = 0;
    assert_int_equal(op(SCHEDOP_poll, &p), 0);
    assert_true(d->vcpu[0]->unit.blocked);
    assert_int_equal(d->vcpu[0]->poll_port, -1);
    vcpu_wake(d->vcpu[0]);
    settle();

    on_cpu(0);
    p.nr_ports = 1;
    p.timeout = now_ns + 5 * MS;
    assert_int_equal(op(SCHEDOP_poll, &p), 0);
    assert_int_equal(d->vcpu[0]->poll_port, 5);
    simulate(4 * MS);
    assert_ptr_equal(running[0], &idle[0]);
    simulate(2 * MS);
    assert_ptr_equal(running[0], d->vcpu[0]);

    on_cpu(0);
    p.ports.p = &bad;
    assert_int_equal(op(SCHEDOP_poll, &p), -EINVAL);
    p.ports.p = NULL;
    assert_int_equal(op(SCHEDOP_poll, &p), -EFAULT);
    p.nr_ports = 129;
    assert_int_equal(op(SCHEDOP_poll, &p), -EINVAL);
    assert_false(d->vcpu[0]->unit.blocked);
    end_domain(d);
}

/* yield: the other one first, once. */
static void test_yield(void **state)
{
    struct domain *d = one_running();
    struct domain *e = new_domain(2, 1, 256);

    (void)state;
    pin(e, 1);
    hog(e, 0);
    for (unsigned i = 0; i < 100; i++) {
        struct vcpu *before = running[0];

        now_ns += NS_PER_US;
        on_cpu(0);
        assert_int_equal(op(SCHEDOP_yield, NULL), 0);
        settle();
        assert_ptr_not_equal(running[0], before);
        assert_ptr_not_equal(running[0], &idle[0]);
    }
    end_domain(e);
    end_domain(d);
}

/* Shutdown takes known reasons; others' needs privilege. */
static void test_shutdown(void **state)
{
    struct domain *d = one_running();
    struct sched_shutdown s = {.reason = SHUTDOWN_reboot};
    struct sched_remote_shutdown r = {.domain_id = 1};

    (void)state;
    assert_int_equal(op(SCHEDOP_remote_shutdown, &r), -EPERM);
    assert_false(was_shut_down);
    assert_int_equal(op(SCHEDOP_shutdown, &s), 0);
    assert_true(was_shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_reboot);
    s.reason = 6;
    assert_int_equal(op(SCHEDOP_shutdown, &s), -EINVAL);
    d->privileged = true;
    r.domain_id = 44;
    assert_int_equal(op(SCHEDOP_remote_shutdown, &r), -ESRCH);
    assert_int_equal(op(SCHEDOP_pin_override, &r), -ENOSYS);
    end_domain(d);
}

/* A watchdog that is not set again in time shuts its domain down; there are
   two, and 0 seconds ends one. */
static void test_watchdog(void **state)
{
    struct domain *d = one_running();
    struct sched_watchdog w = {.id = 0, .timeout = 10}, other = w;
    struct sched_watchdog third = w, bad = {.id = 3, .timeout = 1};

    (void)state;
    assert_int_equal(watchdog_part.init(d), 0);
    bad.id = 1;
    assert_int_equal(op(SCHEDOP_watchdog, &bad), -EINVAL);
    w.id = (uint32_t)op(SCHEDOP_watchdog, &w);
    assert_int_equal(w.id, 1);
    other.id = (uint32_t)op(SCHEDOP_watchdog, &other);
    assert_int_equal(other.id, 2);
    assert_int_equal(op(SCHEDOP_watchdog, &third), -ENOSPC);
    bad.id = 3;
    assert_int_equal(op(SCHEDOP_watchdog, &bad), -EINVAL);

    other.timeout = 0;
    assert_int_equal(op(SCHEDOP_watchdog, &other), 0);
    for (unsigned i = 0; i < 3; i++) {
        simulate(9 * NS_PER_SEC);
        on_cpu(0);
        assert_int_equal(op(SCHEDOP_watchdog, &w), 0);
    }
    assert_false(was_shut_down);
    simulate(11 * NS_PER_SEC);
    assert_true(was_shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_watchdog);
    assert_int_equal(watchdog_part.kill(d), 0);
    end_domain(d);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    /* In this order: the machine only grows. */
    const struct CMUnitTest tests[] = {
        T(test_weights_are_respected),
        T(test_woken_unit_cannot_starve),
        T(test_sleeper_is_served_soon),
        T(test_long_sleeper_gets_no_arrears),
        T(test_cap),
        T(test_cpus_are_shared_fairly),
        T(test_idle_cpus_take_waiting_units),
        T(test_affinity_is_obeyed),
        T(test_move_between_unequal_cpus),
        T(test_freed_units_share_fairly),
        T(test_idle_machine_has_no_timer),
        T(test_ping_pong_is_quick),
        T(test_runstates_add_up),
        T(test_sleep_sync_waits),
        T(test_block),
        T(test_wake_while_blocking),
        T(test_poll),
        T(test_yield),
        T(test_shutdown),
        T(test_watchdog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
