/*
 * Domains: ids go up and wrap, references keep the struct, a failed create
 * leaves nothing, killing resumes where it stopped and tells dom0.
 */
#include "domain-world.h"

#include <xen/sched.h>

/* Ids are handed out upwards, also past ones that ended, as the peer does. */
static void test_ids_are_not_reused_at_once(void **state)
{
    struct domain *a = new_domain(DOMID_INVALID, 1, false), *b;
    domid_t first = a->id;

    (void)state;
    end_domain(a);
    b = new_domain(DOMID_INVALID, 1, false);
    assert_int_equal(b->id, first + 1);
    end_domain(b);
}

/* A taken id is refused and a reserved one is no id. */
static void test_id_that_is_taken_is_refused(void **state)
{
    struct domain_config cfg = {.max_vcpus = 1};
    struct domain *d = new_domain(77, 1, false);
    int rc;

    (void)state;
    assert_null(domain_create(77, &cfg, &rc));
    assert_int_equal(rc, -EEXIST);
    assert_null(domain_create(DOMID_SELF, &cfg, &rc));
    assert_int_equal(rc, -EINVAL);
    end_domain(d);
}

/* getdomaininfo and the list walk by "first id at or after". */
static void test_walk_is_in_order_of_id(void **state)
{
    struct domain *b = new_domain(900, 1, false),
                  *a = new_domain(300, 1, false), *found;

    (void)state;
    found = domain_get_from(1);
    assert_ptr_equal(found, a);
    domain_put(found);
    found = domain_get_from(301);
    assert_ptr_equal(found, b);
    domain_put(found);
    assert_null(domain_get_from(901));
    end_domain(a);
    end_domain(b);
}

/* Whatever step of a create fails, what came before it is undone. */
static void test_failed_create_leaves_nothing(void **state)
{
    struct domain_config cfg = {.max_vcpus = 2};
    int rc;

    (void)state;
    for (unsigned n = 1; n <= 2; n++) {
        alloc_countdown = n;
        assert_null(domain_create(500, &cfg, &rc));
        assert_int_equal(rc, -ENOMEM);
        alloc_countdown = 0;
        assert_int_equal(nr_allocated, 0);
    }
    part_init_rc = -ENOSPC;
    assert_null(domain_create(500, &cfg, &rc));
    assert_int_equal(rc, -ENOSPC);
    assert_int_equal(nr_parts_live, 0);
    assert_null(domain_get(500));

    cfg.max_vcpus = MAX_VCPUS + 1;
    assert_null(domain_create(500, &cfg, &rc));
    assert_int_equal(rc, -EINVAL);
}

/* A vCPU whose parts refuse it leaves its slot free. */
static void test_failed_vcpu_leaves_nothing(void **state)
{
    struct domain_config cfg = {.max_vcpus = 40};
    int rc, before;
    struct domain *d = domain_create(5, &cfg, &rc);

    (void)state;
    before = nr_allocated;
    part_vcpu_rc = -ENOMEM;
    assert_int_equal(vcpu_create(d, 39), -ENOMEM);
    assert_null(d->vcpu[39]);
    assert_int_equal(nr_allocated, before);
    part_vcpu_rc = 0;
    assert_int_equal(vcpu_create(d, 39), 0);
    assert_int_equal(vcpu_create(d, 39), -EEXIST);
    assert_int_equal(vcpu_create(d, 40), -EINVAL);
    end_domain(d);
}

/* A dying domain is found by id until the last reference goes. */
static void test_reference_keeps_a_killed_domain(void **state)
{
    struct domain *d = new_domain(10, 1, false), *held = domain_get(10);

    (void)state;
    end_domain(d);
    assert_int_equal(held->dying, DOMAIN_DEAD);
    d = domain_get(10);
    assert_ptr_equal(d, held);
    domain_put(d);
    assert_int_equal(nr_dom_exc, 1);

    domain_put(held);
    run_timers();
    assert_null(domain_get(10));
    /* Once when it was dead, once when it is gone. */
    assert_int_equal(nr_dom_exc, 2);
}

/* destroydomain gives way and goes on; each piece is done once. */
static void test_kill_resumes(void **state)
{
    struct domain *d = new_domain(11, 1, false);

    (void)state;
    part_kill_rounds = 2;
    relinquish_rounds = 3;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(domain_kill(d), -ERESTART);
        assert_int_equal(d->dying, DOMAIN_DYING);
        assert_int_equal(d->vcpu[0]->unit.pause_count, 2);
        assert_int_equal(nr_dom_exc, 0);
    }
    assert_int_equal(domain_kill(d), 0);
    assert_int_equal(domain_kill(d), 0);
    domain_put(d);
    run_timers();
}

/* A new domain runs after the first unpause; tools' pauses are counted. */
static void test_tools_pauses_count(void **state)
{
    struct domain *d = new_domain(12, 1, false);
    struct vcpu *v = d->vcpu[0];

    (void)state;
    v->up = v->initialised = true;
    assert_true(d->being_created && d->paused_by_tools);
    assert_int_equal(v->unit.pause_count, 1);

    assert_int_equal(domain_pause_tools(d), 0);
    assert_int_equal(domain_unpause_tools(d), 0);
    assert_true(d->paused_by_tools);
    assert_false(v->unit.running);
    assert_int_equal(domain_unpause_tools(d), 0);
    assert_true(v->unit.running);
    assert_false(d->being_created || d->paused_by_tools);
    assert_int_equal(domain_unpause_tools(d), -EINVAL);

    fake_current = v;
    assert_int_equal(domain_pause_tools(d), -EINVAL);
    end_domain(d);
}

/* The toolstack's pause count has a top, so that it cannot overflow ours. */
static void test_tools_pauses_have_a_top(void **state)
{
    struct domain *d = new_domain(13, 1, false);

    (void)state;
    for (unsigned i = 1; i < 255; i++)
        assert_int_equal(domain_pause_tools(d), 0);
    assert_int_equal(domain_pause_tools(d), -EOVERFLOW);
    end_domain(d);
}

/* SCHEDOP_shutdown stops all vCPUs, once; resume lets them go on. */
static void test_shutdown_and_resume(void **state)
{
    struct domain *d = new_domain(14, 2, false);

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        d->vcpu[i]->up = d->vcpu[i]->initialised = true;
    domain_unpause_tools(d);
    domain_shutdown(d, SHUTDOWN_suspend);
    domain_shutdown(d, SHUTDOWN_crash);
    assert_int_equal(d->shutdown_code, SHUTDOWN_suspend);
    assert_int_equal(nr_dom_exc, 1);
    assert_int_equal(d->vcpu[1]->unit.pause_count, 1);

    domain_resume(d);
    assert_false(d->shut_down);
    assert_true(d->vcpu[0]->unit.running && d->vcpu[1]->unit.running);
    end_domain(d);
}

/* SCHEDOP_shutdown_code, said in advance, is what a later crash reports. */
static void test_shutdown_code_said_before_stays(void **state)
{
    struct domain *d = new_domain(16, 1, false);

    (void)state;
    domain_unpause_tools(d);
    d->shutdown_code = SHUTDOWN_watchdog;
    domain_shutdown(d, SHUTDOWN_crash);
    assert_int_equal(d->shutdown_code, SHUTDOWN_watchdog);
    domain_resume(d);
    domain_shutdown(d, SHUTDOWN_crash);
    assert_int_equal(d->shutdown_code, SHUTDOWN_crash);
    end_domain(d);
}

/* A guest that broke itself is stopped, with its registers in the log, once. */
static void test_crash_is_a_shutdown(void **state)
{
    struct domain *d = new_domain(15, 1, false);

    (void)state;
    domain_unpause_tools(d);
    nr_dumps = 0;
    fake_current = d->vcpu[0];
    domain_crash(d, "no stack at %x", 16);
    domain_crash(d, "again");
    assert_true(d->shut_down);
    assert_int_equal(d->shutdown_code, SHUTDOWN_crash);
    assert_int_equal(nr_dumps, 1);
    assert_int_equal(nr_dom_exc, 1);
    end_domain(d);
}

/* dom0's shutdown is the machine's. */
static void test_dom0_shutdown_is_the_machines(void **state)
{
    struct domain *d = new_domain(0, 1, true);

    (void)state;
    dom0 = d;
    if (!setjmp(machine_down))
        domain_shutdown(d, SHUTDOWN_reboot);
    assert_int_equal(machine_reason, SHUTDOWN_reboot);
    dom0 = NULL;
    end_domain(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_ids_are_not_reused_at_once),
        WORLD_TEST(test_id_that_is_taken_is_refused),
        WORLD_TEST(test_walk_is_in_order_of_id),
        WORLD_TEST(test_failed_create_leaves_nothing),
        WORLD_TEST(test_failed_vcpu_leaves_nothing),
        WORLD_TEST(test_reference_keeps_a_killed_domain),
        WORLD_TEST(test_kill_resumes),
        WORLD_TEST(test_tools_pauses_count),
        WORLD_TEST(test_tools_pauses_have_a_top),
        WORLD_TEST(test_shutdown_and_resume),
        WORLD_TEST(test_shutdown_code_said_before_stays),
        WORLD_TEST(test_crash_is_a_shutdown),
        WORLD_TEST(test_dom0_shutdown_is_the_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
