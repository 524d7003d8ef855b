/* vCPU operations and time, on a guest of two vCPUs. */
#include "evtchn.h"

static void is_up_tells_existing_from_absent(void)
{
    EXPECT_EQ(1, hc_vcpu_op(VCPUOP_is_up, 0, NULL));
    EXPECT_EQ(0, hc_vcpu_op(VCPUOP_is_up, 1, NULL));
    EXPECT_EQ(-XEN_ENOENT, hc_vcpu_op(VCPUOP_is_up, 2, NULL));
    EXPECT_EQ(-XEN_ENOENT, hc_vcpu_op(VCPUOP_is_up, 8191, NULL));
    EXPECT_EQ(-XEN_ENOENT, hc_vcpu_op(VCPUOP_is_up, ~0u, NULL));
    EXPECT_EQ(-XEN_ENOSYS, hc_vcpu_op(99, 0, NULL));
}

static volatile uint64_t ap_ran, ap_stop, ap_time, ap_last, ap_backwards;
static volatile uint64_t ap_downs;

static void ap_main(void *arg)
{
    ap_ran = (uint64_t)arg;
    while (!ap_stop) {
        uint64_t now = time_ns(1);

        ap_backwards += now < ap_last;
        ap_last = now;
        ap_time = now;
    }
    ap_ran = 0;
    for (;;) {
        ap_downs++;
        hc_vcpu_op(VCPUOP_down, 1, NULL);
    }
}

static bool ap_is_running(void)
{
    return ap_ran;
}

static bool ap_is_down(void)
{
    return hc_vcpu_op(VCPUOP_is_up, 1, NULL) == 0;
}

static void up_before_initialise_is_refused(void)
{
    EXPECT_EQ(-XEN_EINVAL, hc_vcpu_op(VCPUOP_up, 1, NULL));
}

/* A context that would give the vCPU what it must not have. */
static void bad_contexts_are_refused(void)
{
    struct vcpu_guest_context *c;
    uint64_t *page = page_alloc();

    c = smp_context(ap_main, NULL);
    c->ctrlreg[3] = va_to_mfn(page) << 12;
    EXPECT_REFUSED(hc_vcpu_op(VCPUOP_initialise, 1, c));
    c = smp_context(ap_main, NULL);
    c->ctrlreg[3] = PTE_MFN(((uint64_t *)start_info->pt_base)[256]) << 12;
    EXPECT_REFUSED(hc_vcpu_op(VCPUOP_initialise, 1, c));
    c = smp_context(ap_main, NULL);
    c->user_regs.rip = 0x800000000000;
    note("a rip beyond canonical", hc_vcpu_op(VCPUOP_initialise, 1, c));
    EXPECT_EQ(-XEN_EFAULT,
              hc_vcpu_op(VCPUOP_initialise, 1, (void *)0x7000000000));
    EXPECT_EQ(-XEN_ENOENT,
              hc_vcpu_op(VCPUOP_initialise, 2, smp_context(ap_main, NULL)));
    page_free(page);
}

static void initialise_and_up_start_it(void)
{
    EXPECT_OK(smp_start(1, ap_main, (void *)0x77));
    EXPECT(wait_until(ap_is_running, 5000000000));
    EXPECT_EQ(0x77, ap_ran);
    EXPECT_EQ(1, hc_vcpu_op(VCPUOP_is_up, 1, NULL));
    EXPECT_EQ(-XEN_EEXIST,
              hc_vcpu_op(VCPUOP_initialise, 1, smp_context(ap_main, NULL)));
}

static void time_agrees_between_vcpus_and_never_goes_back(void)
{
    uint64_t end = time_ns(0) + 300000000, last = 0, now, back = 0, ahead = 0;

    while ((now = time_ns(0)) < end) {
        uint64_t other = ap_time;

        back += now < last;
        last = now;
        /* Read before our own clock, so it must not lie ahead of it. */
        now = time_ns(0);
        if (other > now && other - now > ahead)
            ahead = other - now;
    }
    EXPECT_EQ(0, back);
    EXPECT_EQ(0, ap_backwards);
    note("ns that one vCPU was ahead of the other", (int64_t)ahead);
    EXPECT(ahead < 1000000);
    EXPECT_EQ(shared->vcpu_info[0].time.tsc_to_system_mul,
              shared->vcpu_info[1].time.tsc_to_system_mul);
}

static void the_wall_clock_is_sane(void)
{
    uint32_t version;
    uint64_t sec;

    do {
        version = *(volatile uint32_t *)&shared->wc_version;
        barrier();
        sec = shared->wc_sec;
        barrier();
    } while ((version & 1) ||
             version != *(volatile uint32_t *)&shared->wc_version);
    note("wall clock at boot", (int64_t)sec);
    /* 2020 to 2100. */
    EXPECT(sec > 1577836800 && sec < 4102444800);
    EXPECT(shared->wc_nsec < 1000000000);
}

static void events_reach_the_other_vcpu(void)
{
    int port = ev_bind_ipi(1);
    struct vcpu_info *vi = &shared->vcpu_info[1];

    EXPECT(port > 0);
    ev_unmask((evtchn_port_t)port);
    vi->evtchn_upcall_pending = 0;
    vi->evtchn_pending_sel = 0;
    EXPECT_OK(ev_send((evtchn_port_t)port));
    EXPECT(*(volatile uint8_t *)&vi->evtchn_upcall_pending);
    EXPECT(ev_pending((evtchn_port_t)port));
    EXPECT_OK(ev_close((evtchn_port_t)port));
    vi->evtchn_upcall_pending = 0;
}

static void down_stops_it_and_up_goes_on(void)
{
    uint64_t downs;

    ap_stop = 1;
    EXPECT(wait_until(ap_is_down, 5000000000));
    EXPECT_EQ(0, ap_ran);
    ap_stop = 0;
    downs = ap_downs;
    EXPECT_OK(hc_vcpu_op(VCPUOP_up, 1, NULL));
    /*
     * It goes on behind its own down, and does it again; when we look, it may
     * be up no more.
     */
    EXPECT(wait_until(ap_is_down, 5000000000));
    EXPECT_EQ(downs + 1, ap_downs);
    /* Downing it from outside is fine as well. */
    EXPECT_OK(hc_vcpu_op(VCPUOP_down, 1, NULL));
    EXPECT_EQ(-XEN_ENOENT, hc_vcpu_op(VCPUOP_down, 5, NULL));
}

static void runstate_area_is_kept(void)
{
    static struct vcpu_runstate_info area, now;
    struct vcpu_register_runstate_memory_area reg = {0};
    struct sched_poll poll = {0};
    uint64_t sum, i;

    reg.addr.v = &area;
    EXPECT_OK(hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &reg));
    EXPECT_EQ(RUNSTATE_running, area.state);
    EXPECT_OK(hc_vcpu_op(VCPUOP_get_runstate_info, 0, &now));
    EXPECT_EQ(RUNSTATE_running, now.state);
    for (sum = i = 0; i < 4; i++)
        sum += now.time[i];
    EXPECT(sum > 0 && sum <= time_ns(0) + 1000000000);
    poll.timeout = time_ns(0) + 100000000;
    while (time_ns(0) < poll.timeout)
        EXPECT_OK(hc_sched_op(SCHEDOP_poll, &poll));
    EXPECT_OK(hc_vcpu_op(VCPUOP_get_runstate_info, 0, &now));
    EXPECT(now.time[RUNSTATE_blocked] >= 40000000);
    EXPECT(area.time[RUNSTATE_blocked] >= 40000000);
    EXPECT_EQ(RUNSTATE_running, area.state);
    EXPECT_OK(hc_vcpu_op(VCPUOP_get_runstate_info, 1, &now));
    EXPECT_EQ(RUNSTATE_offline, now.state);
    note("a runstate area nowhere",
         (reg.addr.p = 0x7000000000,
          hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &reg)));
    poll.timeout = time_ns(0) + 1000000;
    EXPECT_OK(hc_sched_op(SCHEDOP_poll, &poll));
    reg.addr.v = &area;
    EXPECT_OK(hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &reg));
}

static evtchn_port_t timer_port;

static bool timer_fired(void)
{
    return ev_pending(timer_port);
}

static void timers_in_the_past_fire_at_once(void)
{
    struct vcpu_set_singleshot_timer t = {0};
    int port = ev_bind_virq(VIRQ_TIMER, 0);
    int64_t rc;

    EXPECT(port > 0);
    timer_port = (evtchn_port_t)port;
    ev_unmask(timer_port);
    ev_clear(timer_port);
    note("a new vCPU has a periodic timer", wait_until(timer_fired, 50000000));
    EXPECT_OK(hc_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    ev_clear(timer_port);
    t.timeout_abs_ns = 1;
    EXPECT_OK(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t));
    EXPECT(wait_until(timer_fired, 1000000000));
    ev_clear(timer_port);
    t.flags = VCPU_SSHOTTMR_future;
    rc = hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t);
    note("a past deadline with the future flag", rc);
    /* The header promises -ETIME; 4.17 ignores the flag and fires. */
    if (rc)
        EXPECT_EQ(-XEN_ETIME, rc);
    EXPECT_EQ(rc == 0, wait_until(timer_fired, 100000000));
    ev_clear(timer_port);
    t.timeout_abs_ns = time_ns(0) + 20000000;
    EXPECT_OK(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t));
    EXPECT(wait_until(timer_fired, 2000000000));
    ev_clear(timer_port);
    /* Stopped before its time it does not fire. */
    t.timeout_abs_ns = time_ns(0) + 50000000;
    EXPECT_OK(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t));
    EXPECT_OK(hc_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL));
    EXPECT(!wait_until(timer_fired, 100000000));
    /* Only one's own timer. */
    EXPECT_EQ(-XEN_EINVAL, hc_vcpu_op(VCPUOP_set_singleshot_timer, 1, &t));
    EXPECT_EQ(-XEN_EFAULT,
              hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, (void *)0x7000000000));
}

static void the_old_timer_call_still_works(void)
{
    EXPECT_OK(HC1(set_timer_op, time_ns(0) + 10000000));
    EXPECT(wait_until(timer_fired, 2000000000));
    ev_clear(timer_port);
    EXPECT_OK(HC1(set_timer_op, 0));
}

static void the_periodic_timer_ticks(void)
{
    struct vcpu_set_periodic_timer p = {.period_ns = 10000000};
    unsigned int i;
    int64_t rc = hc_vcpu_op(VCPUOP_set_periodic_timer, 0, &p);

    note("a periodic timer", rc);
    for (i = 0; !rc && i < 3; i++) {
        EXPECT(wait_until(timer_fired, 2000000000));
        ev_clear(timer_port);
    }
    p.period_ns = 1;
    EXPECT_REFUSED(hc_vcpu_op(VCPUOP_set_periodic_timer, 0, &p));
    EXPECT_OK(hc_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
}

/* Last: from here on our vcpu_info lives elsewhere. */
static void vcpu_info_moves_once(void)
{
    uint64_t *page = page_alloc(), *table = table_alloc();
    struct vcpu_register_vcpu_info reg = {.mfn = va_to_mfn(page),
                                          .offset = 4090};
    struct vcpu_info *moved = (void *)((uint8_t *)page + 128);

    EXPECT_REFUSED(hc_vcpu_op(VCPUOP_register_vcpu_info, 1, &reg));
    reg.offset = 3;
    note("an odd offset", hc_vcpu_op(VCPUOP_register_vcpu_info, 2, &reg));
    reg.offset = 128;
    reg.mfn = 0xfee00;
    EXPECT_REFUSED(hc_vcpu_op(VCPUOP_register_vcpu_info, 1, &reg));
    reg.mfn = PTE_MFN(((uint64_t *)start_info->pt_base)[256]);
    EXPECT_REFUSED(hc_vcpu_op(VCPUOP_register_vcpu_info, 1, &reg));
    EXPECT_OK(pin_level(1, va_to_mfn(table)));
    reg.mfn = va_to_mfn(table);
    EXPECT_REFUSED(hc_vcpu_op(VCPUOP_register_vcpu_info, 1, &reg));
    EXPECT_OK(unpin(va_to_mfn(table)));
    reg.mfn = va_to_mfn(page);
    this_vcpu_info()->arch.cr2 = 0xabcd;
    EXPECT_OK(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &reg));
    EXPECT_EQ(0xabcd, moved->arch.cr2);
    EXPECT_EQ(1, moved->evtchn_upcall_pending);
    EXPECT_EQ(1, moved->evtchn_upcall_mask);
    /* The clock moves along; its base may be 0, the scale may not. */
    EXPECT(moved->time.tsc_to_system_mul);
    EXPECT_EQ(-XEN_EINVAL, hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &reg));
    /* It is held: the page cannot become a table. */
    EXPECT_OK(map_ro(page));
    EXPECT_REFUSED(pin_level(1, va_to_mfn(page)));
    EXPECT_OK(map_rw(page));
    EXPECT(TRAPS(*(volatile uint64_t *)0x7000001000));
    EXPECT_EQ(0x7000001000, moved->arch.cr2);
}

const struct test guest_tests[] = {
    TEST(is_up_tells_existing_from_absent),
    TEST(up_before_initialise_is_refused),
    TEST(bad_contexts_are_refused),
    TEST(initialise_and_up_start_it),
    TEST(time_agrees_between_vcpus_and_never_goes_back),
    TEST(the_wall_clock_is_sane),
    TEST(events_reach_the_other_vcpu),
    TEST(down_stops_it_and_up_goes_on),
    TEST(runstate_area_is_kept),
    TEST(timers_in_the_past_fire_at_once),
    TEST(the_old_timer_call_still_works),
    TEST(the_periodic_timer_ticks),
    TEST(vcpu_info_moves_once),
    {0},
};
