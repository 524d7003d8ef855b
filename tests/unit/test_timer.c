/*
 * Timers (hypervisor/time/timer.h): a deadline fires once, not early, on the
 * CPU it belongs to; VCPUOP_set_singleshot_timer with a past deadline fires at
 * once. sources: hypervisor/time/timer.c hypervisor/lib/heap.c
 */
#include "cpu/percpu.h"
#include "time/clock.h"
#include "time/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

__thread unsigned fake_cpu;
__thread struct vcpu *fake_current;

static uint64_t now_ns, armed_ns;
static uint64_t raised; /* bit per CPU */
static bool out_of_memory;
static unsigned fired;
static struct timer timer;
static void (*while_waiting)(void);

uint64_t clock_now_ns(void)
{
    return now_ns;
}

void timer_arm_hardware(uint64_t deadline_ns)
{
    armed_ns = deadline_ns;
}

void cpu_raise(unsigned cpu, enum cpu_work work)
{
    assert_int_equal(work, WORK_TIMER);
    raised |= 1ull << cpu;
}

void cpu_kick(unsigned cpu)
{
    (void)cpu;
}

void spin_wait(void)
{
    assert_non_null(while_waiting);
    while_waiting();
}

void *mem_alloc(size_t size)
{
    return out_of_memory ? NULL : calloc(1, size);
}

void mem_free(void *p)
{
    free(p);
}

void panic(const char *fmt, ...)
{
    fail_msg("%s", fmt);
    abort();
}

static void count(void *arg)
{
    (void)arg;
    fired++;
}

static int setup(void **state)
{
    (void)state;
    fake_cpu = 0;
    now_ns = 1000;
    armed_ns = raised = fired = 0;
    out_of_memory = false;
    while_waiting = NULL;
    timer_init(&timer, count, NULL, 0);
    return 0;
}

static void test_deadline_fires_once_and_not_early(void **state)
{
    (void)state;
    timer_set(&timer, 2000);
    assert_int_equal(raised, 1);
    timer_run();
    assert_int_equal(fired, 0);
    assert_int_equal(armed_ns, 2000);
    now_ns = 2000;
    timer_run();
    timer_run();
    assert_int_equal(fired, 1);
    assert_int_equal(armed_ns, 0);
}

/* VCPUOP_set_singleshot_timer: a deadline already past fires at once. */
static void test_past_deadline_fires_at_the_next_look(void **state)
{
    (void)state;
    timer_set(&timer, 1);
    timer_run();
    assert_int_equal(fired, 1);
}

static void test_stopped_timer_stays_silent(void **state)
{
    (void)state;
    timer_set(&timer, 2000);
    timer_stop(&timer);
    now_ns = 5000;
    timer_run();
    assert_int_equal(fired, 0);
}

static void test_set_again_replaces_the_deadline(void **state)
{
    (void)state;
    timer_set(&timer, 2000);
    timer_set(&timer, 4000);
    now_ns = 3000;
    timer_run();
    assert_int_equal(fired, 0);
    assert_int_equal(armed_ns, 4000);
    now_ns = 4000;
    timer_run();
    assert_int_equal(fired, 1);
}

/* A later deadline than the first of the queue needs no look. */
static void test_only_the_first_deadline_raises(void **state)
{
    struct timer later;

    (void)state;
    timer_init(&later, count, NULL, 0);
    timer_set(&timer, 2000);
    raised = 0;
    timer_set(&later, 3000);
    assert_int_equal(raised, 0);
    timer_stop(&later);
    timer_stop(&timer);
}

/* Set from another CPU: its own CPU is told, and fires it. */
static void test_timer_fires_on_its_own_cpu(void **state)
{
    (void)state;
    timer_init(&timer, count, NULL, 3);
    timer_set(&timer, 500);
    assert_int_equal(raised, 1 << 3);
    timer_run();
    assert_int_equal(fired, 0);
    fake_cpu = 3;
    timer_run();
    assert_int_equal(fired, 1);
}

static void test_migrated_timer_keeps_its_deadline(void **state)
{
    (void)state;
    timer_set(&timer, 2000);
    raised = 0;
    timer_migrate(&timer, 2);
    assert_int_equal(raised, 1 << 2);
    now_ns = 2500;
    timer_run();
    assert_int_equal(fired, 0);
    fake_cpu = 2;
    timer_run();
    assert_int_equal(fired, 1);
    timer_migrate(&timer, 2); /* to where it is: nothing to do */
}

static void test_migration_does_not_arm_an_idle_timer(void **state)
{
    (void)state;
    timer_migrate(&timer, 1);
    fake_cpu = 1;
    now_ns = 9000;
    timer_run();
    assert_int_equal(fired, 0);
}

static void set_again(void *arg)
{
    fired++;
    if (fired < 3)
        timer_set(arg, now_ns + 10);
}

/* A periodic timer sets itself from its own callback. */
static void test_callback_may_set_its_timer(void **state)
{
    (void)state;
    timer_init(&timer, set_again, &timer, 0);
    timer_set(&timer, 1000);
    timer_run();
    assert_int_equal(fired, 1);
    assert_int_equal(armed_ns, 1010);
    now_ns = 1010;
    timer_run();
    now_ns = 1020;
    timer_run();
    assert_int_equal(fired, 3);
    assert_int_equal(armed_ns, 0);
}

static void kill_self(void *arg)
{
    fired++;
    timer_kill(arg); /* must not wait for itself */
}

static void test_killed_timer_cannot_be_set(void **state)
{
    (void)state;
    timer_init(&timer, kill_self, &timer, 0);
    timer_set(&timer, 1);
    timer_run();
    timer_set(&timer, 1);
    timer_run();
    assert_int_equal(fired, 1);
}

static bool waited;

static void finish_elsewhere(void)
{
    waited = true;
    timer.running = false;
}

static void test_kill_waits_for_the_callback_on_another_cpu(void **state)
{
    (void)state;
    while_waiting = finish_elsewhere;
    waited = false;
    timer.running = true;
    timer_kill(&timer);
    assert_true(waited);
}

static void count_and_set(void *arg)
{
    fired++;
    timer_set(arg, now_ns + 1000);
}

/*
 * Memory is out: a timer fires when it is due all the same, and one that sets
 * itself again (VCPUOP_set_periodic_timer) does not keep the CPU for ever.
 */
static void test_no_memory_changes_nothing(void **state)
{
    (void)state;
    fake_cpu = 5; /* a queue whose heap has never grown */
    timer_init(&timer, count, NULL, 5);
    out_of_memory = true;
    timer_set(&timer, 9000);
    timer_stop(&timer);
    timer_run();
    assert_int_equal(fired, 0);
    timer_set(&timer, 9000);
    timer_set(&timer, 9500);
    timer_run();
    assert_int_equal(fired, 0);
    assert_int_equal(armed_ns, 9500);
    now_ns = 9500;
    timer_run();
    timer_run();
    assert_int_equal(fired, 1);

    timer_init(&timer, count_and_set, &timer, 5);
    timer_set(&timer, 9600);
    now_ns = 9600;
    timer_run();
    assert_int_equal(fired, 2);
    assert_int_equal(armed_ns, 10600);
    timer_stop(&timer);
}

static void test_many_fire_in_order(void **state)
{
    static struct timer many[300];

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        timer_init(&many[i], count, NULL, 0);
        timer_set(&many[i], 2000 + (i * 7919) % 300);
    }
    for (unsigned t = 0; t < 300; t++) {
        now_ns = 2000 + t;
        timer_run();
        assert_int_equal(fired, t + 1);
    }
    assert_int_equal(armed_ns, 0);
}

#define TEST(t) cmocka_unit_test_setup(t, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deadline_fires_once_and_not_early),
        TEST(test_past_deadline_fires_at_the_next_look),
        TEST(test_stopped_timer_stays_silent),
        TEST(test_set_again_replaces_the_deadline),
        TEST(test_only_the_first_deadline_raises),
        TEST(test_timer_fires_on_its_own_cpu),
        TEST(test_migrated_timer_keeps_its_deadline),
        TEST(test_migration_does_not_arm_an_idle_timer),
        TEST(test_callback_may_set_its_timer),
        TEST(test_killed_timer_cannot_be_set),
        TEST(test_kill_waits_for_the_callback_on_another_cpu),
        TEST(test_no_memory_changes_nothing),
        TEST(test_many_fire_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
