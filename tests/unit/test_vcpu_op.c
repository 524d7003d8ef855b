/* vcpu_op (pv-guest.md 5.3 and 9): what a guest may do with its vCPUs. */
#include "domain-world.h"

static struct domain *d;
static struct vcpu *v0, *v1;

static long op(unsigned cmd, unsigned id, void *arg)
{
    struct hc_args a = {{cmd, id, (uintptr_t)arg}};

    return hc_vcpu_op(&a);
}

static int setup(void **state)
{
    test_setup(state);
    d = new_domain(3, 2, false);
    v0 = d->vcpu[0];
    v1 = d->vcpu[1];
    v0->up = v0->initialised = true;
    for (unsigned i = 8; i < 16; i++)
        frame_of(mfn(i))->owner = 3;
    domain_unpause_tools(d);
    fake_current = v0;
    return 0;
}

static int teardown(void **state)
{
    end_domain(d);
    return test_teardown(state);
}

/* Linux counts its vCPUs by asking is_up until -ENOENT. */
static void test_is_up_of_a_missing_vcpu_is_enoent(void **state)
{
    (void)state;
    assert_int_equal(op(VCPUOP_is_up, 0, NULL), 1);
    assert_int_equal(op(VCPUOP_is_up, 1, NULL), 0);
    assert_int_equal(op(VCPUOP_is_up, 2, NULL), -ENOENT);
    assert_int_equal(op(VCPUOP_is_up, 8191, NULL), -ENOENT);
    assert_int_equal(op(VCPUOP_is_up, ~0u, NULL), -ENOENT);
    assert_int_equal(op(99, 0, NULL), -ENOSYS);
}

/* initialise once, then up; without a context there is no up. */
static void test_initialise_then_up(void **state)
{
    static struct vcpu_guest_context c = {.flags = VGCF_in_kernel};

    (void)state;
    assert_int_equal(op(VCPUOP_up, 1, NULL), -EINVAL);
    assert_int_equal(op(VCPUOP_initialise, 1, NULL), -EFAULT);
    context_rc = -EINVAL;
    assert_int_equal(op(VCPUOP_initialise, 1, &c), -EINVAL);
    assert_false(v1->initialised);
    context_rc = 0;
    assert_int_equal(op(VCPUOP_initialise, 1, &c), 0);
    assert_false(v1->up);
    assert_int_equal(op(VCPUOP_initialise, 1, &c), -EEXIST);
    assert_int_equal(op(VCPUOP_up, 1, NULL), 0);
    assert_true(v1->unit.running);
}

/* The last vCPU that goes down takes the domain with it. */
static void test_last_down_is_shutdown(void **state)
{
    (void)state;
    v1->up = v1->initialised = true;
    assert_int_equal(op(VCPUOP_down, 1, NULL), 0);
    assert_false(v1->up || d->shut_down);
    assert_int_equal(op(VCPUOP_down, 0, NULL), 0);
    assert_true(d->shut_down);
}

/* Everything moves with vcpu_info, once, and pending is raised again. */
static void test_register_vcpu_info(void **state)
{
    struct vcpu_register_vcpu_info r = {.mfn = 8, .offset = PAGE_SIZE - 64};
    struct vcpu_info *moved =
        (struct vcpu_info *)((char *)mfn_to_virt(mfn(8)) + r.offset);

    (void)state;
    v0->info->arch.cr2 = 42;
    r.offset += 8;
    assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
    r.offset -= 10;
    assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
    r.offset += 2;
    r.mfn = 20; /* another's */
    assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
    r.mfn = 1ull << 40;
    assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
    r.mfn = 8;
    frame_of(mfn(8))->flags = FRAME_TABLED;
    assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
    frame_of(mfn(8))->flags = 0;

    assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), 0);
    assert_ptr_equal(v0->info, moved);
    assert_int_equal(moved->arch.cr2, 42);
    assert_int_equal(moved->evtchn_upcall_pending, 1);
    assert_int_equal(frame_of(mfn(8))->type, 1);
    assert_int_equal(op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
}

/* Another vCPU's place may change only while that one is down. */
static void test_register_vcpu_info_of_a_running_vcpu(void **state)
{
    struct vcpu_register_vcpu_info r = {.mfn = 9};

    (void)state;
    v1->up = true;
    assert_int_equal(op(VCPUOP_register_vcpu_info, 1, &r), -EINVAL);
    v1->up = false;
    assert_int_equal(op(VCPUOP_register_vcpu_info, 1, &r), 0);
}

/* The area is found once, by virtual address, and may cross a page. */
static void test_runstate_area_across_pages(void **state)
{
    struct vcpu_register_runstate_memory_area a = {.addr.p =
                                                       11 * PAGE_SIZE - 20};
    struct vcpu_runstate_info rs;

    (void)state;
    assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), 0);
    assert_int_equal(frame_of(mfn(10))->type, 1);
    assert_int_equal(frame_of(mfn(11))->type, 1);
    now_ns += 500;
    vcpu_set_runstate(v0, RUNSTATE_running, now_ns);
    memcpy(&rs, (char *)mfn_to_virt(mfn(10)) + PAGE_SIZE - 20, sizeof(rs));
    assert_int_equal(rs.state, RUNSTATE_running);
    assert_int_equal(rs.state_entry_time, now_ns);
    assert_true(rs.time[RUNSTATE_offline] >= 500);

    /* Another place; the old frames are free for other uses. */
    a.addr.p = 12 * PAGE_SIZE;
    assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), 0);
    assert_int_equal(frame_of(mfn(10))->type, 0);
    assert_int_equal(frame_of(mfn(12))->type, 1);

    /* A page of another, a hole, or half of it: refused, all as before. */
    a.addr.p = 20 * PAGE_SIZE;
    assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), -EFAULT);
    a.addr.p = 16 * PAGE_SIZE - 8;
    assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), -EFAULT);
    assert_int_equal(frame_of(mfn(15))->type, 0);
    a.addr.p = HOST_VA_START;
    assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), -EFAULT);
    assert_int_equal(frame_of(mfn(12))->type, 1);
}

/* With the update flag assist, what is left behind has the flag clear. */
static void test_runstate_update_flag(void **state)
{
    struct vcpu_register_runstate_memory_area a = {.addr.p = 8 * PAGE_SIZE};
    struct vcpu_runstate_info *rs = mfn_to_virt(mfn(8));

    (void)state;
    d->vm_assist = 1u << VMASST_TYPE_runstate_update_flag;
    assert_int_equal(op(VCPUOP_register_runstate_memory_area, 0, &a), 0);
    vcpu_set_runstate(v0, RUNSTATE_blocked, now_ns);
    assert_int_equal(rs->state, RUNSTATE_blocked);
    assert_int_equal(rs->state_entry_time, now_ns);
}

/* get_runstate_info counts the time of the present state too. */
static void test_get_runstate_is_up_to_date(void **state)
{
    struct vcpu_runstate_info rs;

    (void)state;
    vcpu_set_runstate(v0, RUNSTATE_running, now_ns);
    now_ns += 77;
    assert_int_equal(op(VCPUOP_get_runstate_info, 0, &rs), 0);
    assert_int_equal(rs.time[RUNSTATE_running], 77);
}

/* A past deadline fires at once, unless the caller wants to know. */
static void test_singleshot_timer(void **state)
{
    struct vcpu_set_singleshot_timer s = {.timeout_abs_ns = now_ns - 1};

    (void)state;
    assert_int_equal(op(VCPUOP_set_singleshot_timer, 1, &s), -EINVAL);
    assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &s), 0);
    run_timers();
    assert_int_equal(nr_timer_virqs, 1);
    s.flags = VCPU_SSHOTTMR_future;
    assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &s), -ETIME);
    s.timeout_abs_ns = now_ns + 10;
    assert_int_equal(op(VCPUOP_set_singleshot_timer, 0, &s), 0);
    assert_int_equal(op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    now_ns += 20;
    run_timers();
    assert_int_equal(nr_timer_virqs, 1);
}

/* Periods below a millisecond are refused; the others repeat until stopped. */
static void test_periodic_timer(void **state)
{
    struct vcpu_set_periodic_timer p = {.period_ns = 999999};

    (void)state;
    assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &p), -EINVAL);
    p.period_ns = ~0ull;
    assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &p), -EINVAL);
    p.period_ns = 1000000;
    assert_int_equal(op(VCPUOP_set_periodic_timer, 0, &p), 0);
    for (unsigned i = 1; i <= 3; i++) {
        now_ns += 1000000;
        run_timers();
        assert_int_equal(nr_timer_virqs, i);
    }
    assert_int_equal(op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    now_ns += 1000000;
    run_timers();
    assert_int_equal(nr_timer_virqs, 3);
}

/* send_nmi takes no argument; get_physid is for pinned vCPUs only. */
static void test_send_nmi_and_physid(void **state)
{
    int arg;

    (void)state;
    assert_int_equal(op(VCPUOP_send_nmi, 1, &arg), -EINVAL);
    assert_int_equal(op(VCPUOP_send_nmi, 1, NULL), 0);
    assert_true(v1->pv.nmi_pending);
    assert_int_equal(op(VCPUOP_get_physid, 0, &arg), -EINVAL);
}

#define VCPU_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VCPU_TEST(test_is_up_of_a_missing_vcpu_is_enoent),
        VCPU_TEST(test_initialise_then_up),
        VCPU_TEST(test_last_down_is_shutdown),
        VCPU_TEST(test_register_vcpu_info),
        VCPU_TEST(test_register_vcpu_info_of_a_running_vcpu),
        VCPU_TEST(test_runstate_area_across_pages),
        VCPU_TEST(test_runstate_update_flag),
        VCPU_TEST(test_get_runstate_is_up_to_date),
        VCPU_TEST(test_singleshot_timer),
        VCPU_TEST(test_periodic_timer),
        VCPU_TEST(test_send_nmi_and_physid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
