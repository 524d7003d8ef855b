/* What event channels promise, whichever ABI carries them. */
#include "evtchn.h"

/* Two ends in our own domain: what one sends, the other sees. */
static void pair_make(int *a, int *b)
{
    *a = ev_alloc_unbound(DOMID_SELF);
    EXPECT(*a > 0);
    *b = ev_bind_interdomain(DOMID_SELF, (evtchn_port_t)*a);
    EXPECT(*b > 0 && *b != *a);
    ev_clear((evtchn_port_t)*a);
    ev_clear((evtchn_port_t)*b);
}

static void pair_close(int a, int b)
{
    EXPECT_OK(ev_close((evtchn_port_t)a));
    EXPECT_OK(ev_close((evtchn_port_t)b));
}

/* The timer's channel, without the ticks that a new vCPU has. */
static evtchn_port_t timer_bind(void)
{
    int port = ev_bind_virq(VIRQ_TIMER, 0);

    EXPECT(port > 0);
    EXPECT_OK(hc_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    ev_unmask((evtchn_port_t)port);
    ev_clear((evtchn_port_t)port);
    return (evtchn_port_t)port;
}

static bool upcall_is_pending(void)
{
    return *(volatile uint8_t *)&this_vcpu_info()->evtchn_upcall_pending;
}

static void a_sent_event_arrives_at_the_peer(void)
{
    int a, b;

    pair_make(&a, &b);
    ev_unmask((evtchn_port_t)a);
    ev_unmask((evtchn_port_t)b);
    ev_clear((evtchn_port_t)a);
    ev_clear((evtchn_port_t)b);
    EXPECT_OK(ev_send((evtchn_port_t)b));
    EXPECT(ev_pending((evtchn_port_t)a));
    EXPECT(!ev_pending((evtchn_port_t)b));
    EXPECT(upcall_is_pending());
    ev_clear((evtchn_port_t)a);
    EXPECT_OK(ev_send((evtchn_port_t)a));
    EXPECT(ev_pending((evtchn_port_t)b));
    ev_clear((evtchn_port_t)b);
    pair_close(a, b);
}

static void a_masked_event_stays_pending_until_unmask(void)
{
    int a, b;

    pair_make(&a, &b);
    ev_mask((evtchn_port_t)a);
    ev_clear((evtchn_port_t)a);
    EXPECT_OK(ev_send((evtchn_port_t)b));
    EXPECT(ev_pending((evtchn_port_t)a));
    EXPECT(!upcall_is_pending());
    EXPECT_OK(ev_send((evtchn_port_t)b));
    EXPECT(!upcall_is_pending());
    EXPECT_OK(ev_unmask((evtchn_port_t)a));
    EXPECT(!ev_masked((evtchn_port_t)a));
    EXPECT(ev_pending((evtchn_port_t)a));
    EXPECT(upcall_is_pending());
    ev_clear((evtchn_port_t)a);
    EXPECT_OK(ev_unmask((evtchn_port_t)a));
    EXPECT(!upcall_is_pending());
    pair_close(a, b);
}

static void the_upcall_runs_when_unmasked(void)
{
    unsigned int before = upcall_count;
    int a, b;

    pair_make(&a, &b);
    ev_unmask((evtchn_port_t)a);
    ev_clear((evtchn_port_t)a);
    EXPECT_OK(ev_send((evtchn_port_t)b));
    EXPECT_EQ(before, upcall_count);
    this_vcpu_info()->evtchn_upcall_mask = 0;
    hc_xen_version(XENVER_version, NULL);
    EXPECT_EQ(before + 1, upcall_count);
    EXPECT_EQ(0, this_vcpu_info()->evtchn_upcall_mask);
    /* Clear mask and a fresh event: delivered on the way out of the send. */
    ev_clear((evtchn_port_t)a);
    EXPECT_OK(ev_send((evtchn_port_t)b));
    EXPECT_EQ(before + 2, upcall_count);
    this_vcpu_info()->evtchn_upcall_mask = 1;
    ev_clear((evtchn_port_t)a);
    pair_close(a, b);
}

static void send_on_a_closed_port_is_refused(void)
{
    int a, b;

    pair_make(&a, &b);
    EXPECT_OK(ev_close((evtchn_port_t)b));
    EXPECT_EQ(-XEN_EINVAL, ev_send((evtchn_port_t)b));
    EXPECT_EQ(-XEN_EINVAL, ev_close((evtchn_port_t)b));
    EXPECT_OK(ev_close((evtchn_port_t)a));
}

/* Closing one end leaves the other unbound, for the same remote again. */
static void closing_one_end_unbinds_the_other(void)
{
    struct evtchn_status st;
    int a, b;

    pair_make(&a, &b);
    EXPECT_OK(ev_status((evtchn_port_t)a, &st));
    EXPECT_EQ(EVTCHNSTAT_interdomain, st.status);
    EXPECT_EQ(b, st.u.interdomain.port);
    EXPECT_OK(ev_close((evtchn_port_t)b));
    EXPECT_OK(ev_status((evtchn_port_t)a, &st));
    EXPECT_EQ(EVTCHNSTAT_unbound, st.status);
    EXPECT_OK(ev_status((evtchn_port_t)b, &st));
    EXPECT_EQ(EVTCHNSTAT_closed, st.status);
    EXPECT_OK(ev_send((evtchn_port_t)a));
    b = ev_bind_interdomain(DOMID_SELF, (evtchn_port_t)a);
    EXPECT(b > 0);
    pair_close(a, b);
}

static void a_bound_port_cannot_be_bound_again(void)
{
    int a, b;

    pair_make(&a, &b);
    EXPECT_REFUSED(ev_bind_interdomain(DOMID_SELF, (evtchn_port_t)a));
    EXPECT_REFUSED(ev_bind_interdomain(DOMID_SELF, (evtchn_port_t)b));
    pair_close(a, b);
    EXPECT_REFUSED(ev_bind_interdomain(DOMID_SELF, (evtchn_port_t)a));
    EXPECT_REFUSED(ev_bind_interdomain(DOMID_SELF, 0));
    EXPECT_REFUSED(ev_bind_interdomain(DOMID_SELF, ~0u));
    EXPECT_REFUSED(ev_bind_interdomain(0, 1));
    EXPECT_REFUSED(ev_bind_interdomain(999, 1));
}

static void ports_are_lowest_first_and_never_zero(void)
{
    int a = ev_alloc_unbound(DOMID_SELF), b = ev_alloc_unbound(0);

    EXPECT(a > 2 && b > a);
    EXPECT_OK(ev_close((evtchn_port_t)a));
    EXPECT_EQ(a, ev_alloc_unbound(0));
    EXPECT_OK(ev_close((evtchn_port_t)a));
    EXPECT_OK(ev_close((evtchn_port_t)b));
}

static void unbound_is_for_its_remote_only(void)
{
    struct evtchn_status st;
    int a = ev_alloc_unbound(0);

    EXPECT(a > 0);
    EXPECT_REFUSED(ev_bind_interdomain(DOMID_SELF, (evtchn_port_t)a));
    EXPECT_OK(ev_status((evtchn_port_t)a, &st));
    EXPECT_EQ(EVTCHNSTAT_unbound, st.status);
    EXPECT_EQ(0, st.u.unbound.dom);
    EXPECT_OK(ev_close((evtchn_port_t)a));
}

static void ports_out_of_range_are_refused(void)
{
    static const evtchn_port_t ports[] = {4096, 0x20000, 0x7fffffff, ~0u, 0};
    struct evtchn_status st;
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(ports); i++) {
        EXPECT_EQ(-XEN_EINVAL, ev_send(ports[i]));
        EXPECT_EQ(-XEN_EINVAL, ev_close(ports[i]));
        if (ports[i])
            EXPECT_REFUSED(ev_unmask(ports[i]));
        EXPECT_EQ(-XEN_EINVAL, ev_bind_vcpu(ports[i], 0));
        if (ports[i])
            EXPECT_EQ(-XEN_EINVAL, ev_status(ports[i], &st));
    }
}

static void virqs_bind_once_per_vcpu(void)
{
    int t = ev_bind_virq(VIRQ_TIMER, 0);

    EXPECT(t > 0);
    EXPECT_EQ(-XEN_EEXIST, ev_bind_virq(VIRQ_TIMER, 0));
    EXPECT_OK(ev_close((evtchn_port_t)t));
    EXPECT_REFUSED(ev_bind_virq(NR_VIRQS, 0));
    EXPECT_REFUSED(ev_bind_virq(~0u, 0));
    EXPECT_REFUSED(ev_bind_virq(VIRQ_TIMER, 200));
    EXPECT_REFUSED(ev_bind_virq(VIRQ_TIMER, ~0u));
    /* The host's own may be bound, they are just never sent to a guest. */
    t = ev_bind_virq(VIRQ_DOM_EXC, 0);
    note("binding VIRQ_DOM_EXC", t);
    if (t > 0)
        EXPECT_OK(ev_close((evtchn_port_t)t));
}

/* A poll may end early for another port's sake: ask again until the deadline.
 */
static void poll_for(evtchn_port_t port, uint64_t deadline_ns)
{
    struct sched_poll poll = {.nr_ports = 1, .timeout = deadline_ns};

    set_xen_guest_handle(poll.ports, &port);
    do
        EXPECT_OK(hc_sched_op(SCHEDOP_poll, &poll));
    while (!ev_pending(port) && time_ns(0) < deadline_ns);
}

static void the_timer_virq_fires(void)
{
    struct vcpu_set_singleshot_timer t = {0};
    evtchn_port_t p = timer_bind();
    uint64_t begin = time_ns(0), end;

    t.timeout_abs_ns = begin + 20000000;
    EXPECT_OK(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t));
    poll_for(p, begin + 50000000000);
    end = time_ns(0);
    EXPECT(ev_pending(p));
    EXPECT(end >= begin + 20000000 && end < begin + 40000000000);
    ev_clear(p);
    EXPECT_OK(ev_close(p));
}

static void ipi_to_oneself_and_its_limits(void)
{
    int p = ev_bind_ipi(0);

    EXPECT(p > 0);
    ev_unmask((evtchn_port_t)p);
    ev_clear((evtchn_port_t)p);
    EXPECT_OK(ev_send((evtchn_port_t)p));
    EXPECT(ev_pending((evtchn_port_t)p));
    EXPECT_EQ(-XEN_EINVAL, ev_bind_vcpu((evtchn_port_t)p, 0));
    ev_clear((evtchn_port_t)p);
    EXPECT_OK(ev_close((evtchn_port_t)p));
    EXPECT_REFUSED(ev_bind_ipi(200));
    EXPECT_REFUSED(ev_bind_ipi(~0u));
}

static void bind_vcpu_checks_the_vcpu(void)
{
    int a, b;

    pair_make(&a, &b);
    EXPECT_OK(ev_bind_vcpu((evtchn_port_t)a, 0));
    EXPECT_EQ(-XEN_ENOENT, ev_bind_vcpu((evtchn_port_t)a, 200));
    EXPECT_EQ(-XEN_ENOENT, ev_bind_vcpu((evtchn_port_t)a, ~0u));
    pair_close(a, b);
}

static void poll_returns_at_its_timeout(void)
{
    struct sched_poll poll = {.nr_ports = 1};
    uint64_t begin = time_ns(0), end;
    evtchn_port_t p;
    int a, b;

    pair_make(&a, &b);
    p = (evtchn_port_t)a;
    ev_mask(p);
    ev_clear(p);
    poll_for(p, begin + 30000000);
    end = time_ns(0);
    EXPECT(end >= begin + 30000000 && end < begin + 40000000000);
    /* Pending ends it at once, masked or not. */
    EXPECT_OK(ev_send((evtchn_port_t)b));
    begin = time_ns(0);
    poll_for(p, begin + 50000000000);
    EXPECT(time_ns(0) < begin + 40000000000);
    ev_clear(p);
    set_xen_guest_handle(poll.ports, &p);
    p = 0x7fffffff;
    EXPECT_EQ(-XEN_EINVAL, hc_sched_op(SCHEDOP_poll, &poll));
    poll.nr_ports = 1000;
    EXPECT_EQ(-XEN_EINVAL, hc_sched_op(SCHEDOP_poll, &poll));
    poll.nr_ports = 1;
    set_xen_guest_handle(poll.ports, (evtchn_port_t *)0x7000000000);
    EXPECT_EQ(-XEN_EFAULT, hc_sched_op(SCHEDOP_poll, &poll));
    pair_close(a, b);
}

static void block_returns_on_an_event(void)
{
    struct vcpu_set_singleshot_timer t = {0};
    evtchn_port_t port = timer_bind();
    unsigned int before = upcall_count;

    t.timeout_abs_ns = time_ns(0) + 10000000;
    EXPECT_OK(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t));
    EXPECT_OK(hc_sched_op(SCHEDOP_block, NULL));
    EXPECT(upcall_count > before);
    /* Blocking unmasked the upcall. */
    EXPECT_EQ(0, this_vcpu_info()->evtchn_upcall_mask);
    this_vcpu_info()->evtchn_upcall_mask = 1;
    ev_clear(port);
    EXPECT_OK(ev_close(port));
}

static void status_of_every_kind(void)
{
    struct evtchn_status st;
    int v = ev_bind_virq(VIRQ_TIMER, 0), i = ev_bind_ipi(0);

    EXPECT_OK(ev_status((evtchn_port_t)v, &st));
    EXPECT_EQ(EVTCHNSTAT_virq, st.status);
    EXPECT_EQ(VIRQ_TIMER, st.u.virq);
    EXPECT_EQ(0, st.vcpu);
    EXPECT_OK(ev_status((evtchn_port_t)i, &st));
    EXPECT_EQ(EVTCHNSTAT_ipi, st.status);
    EXPECT_OK(ev_status(start_info->store_evtchn, &st));
    EXPECT_EQ(EVTCHNSTAT_interdomain, st.status);
    EXPECT_EQ(0, st.u.interdomain.dom);
    EXPECT_OK(ev_close((evtchn_port_t)v));
    EXPECT_OK(ev_close((evtchn_port_t)i));
    st.dom = 0;
    st.port = 1;
    EXPECT_EQ(-XEN_EPERM, hc_event_channel_op(EVTCHNOP_status, &st));
}

static void pirqs_are_not_a_guests(void)
{
    struct evtchn_bind_pirq op = {.pirq = 4};

    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_bind_pirq, &op));
    op.pirq = ~0u;
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_bind_pirq, &op));
}

static void others_channels_are_not_ours(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = 0, .remote_dom = DOMID_SELF};
    struct evtchn_reset reset = {.dom = 0};

    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_alloc_unbound, &alloc));
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_reset, &reset));
    EXPECT_EQ(-XEN_ENOSYS, hc_event_channel_op(99, &reset));
    EXPECT_EQ(-XEN_EFAULT, hc_event_channel_op(EVTCHNOP_send, 0x7000000000));
}

static void queue_controls_are_checked(void)
{
    struct evtchn_init_control init = {.control_gfn = 0xfee00};
    struct evtchn_expand_array expand = {.array_gfn = 0xfee00};
    struct evtchn_set_priority prio = {.port = 1, .priority = 99};
    uint64_t *page = page_alloc(), *table = table_alloc();

    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_init_control, &init));
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_expand_array, &expand));
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_set_priority, &prio));
    init.control_gfn = va_to_mfn(page);
    init.offset = 4092;
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_init_control, &init));
    init.offset = 2;
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_init_control, &init));
    init.offset = 0;
    init.vcpu = 200;
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_init_control, &init));
    /* A page table must not become a queue. */
    EXPECT_OK(pin_level(1, va_to_mfn(table)));
    init.vcpu = 0;
    init.control_gfn = va_to_mfn(table);
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_init_control, &init));
    expand.array_gfn = va_to_mfn(table);
    EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_expand_array, &expand));
    EXPECT_OK(unpin(va_to_mfn(table)));
    table_free(table);
    page_free(page);
}

static void priorities_can_be_set_on_queues(void)
{
    struct evtchn_set_priority prio = {.priority = 3};
    int a, b, rc;

    pair_make(&a, &b);
    prio.port = (evtchn_port_t)a;
    rc = (int)hc_event_channel_op(EVTCHNOP_set_priority, &prio);
    if (ev_is_fifo()) {
        EXPECT_EQ(0, rc);
        ev_unmask(prio.port);
        EXPECT_OK(ev_send((evtchn_port_t)b));
        EXPECT(ev_pending(prio.port));
        ev_clear(prio.port);
        prio.priority = 16;
        EXPECT_REFUSED(hc_event_channel_op(EVTCHNOP_set_priority, &prio));
    } else {
        EXPECT_EQ(-XEN_ENOSYS, rc);
    }
    pair_close(a, b);
}

/* It closes the console's channel too: that one is bound anew. */
static void reset_closes_every_port(void)
{
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    evtchn_port_t console = start_info->console.domU.evtchn;
    struct evtchn_status st, daemon;
    int a, b, again;

    EXPECT_OK(ev_status(console, &daemon));
    EXPECT_EQ(EVTCHNSTAT_interdomain, daemon.status);
    pair_make(&a, &b);
    EXPECT_OK(hc_event_channel_op(EVTCHNOP_reset, &reset));
    EXPECT_OK(ev_status((evtchn_port_t)a, &st));
    EXPECT_EQ(EVTCHNSTAT_closed, st.status);
    EXPECT_OK(ev_status(start_info->store_evtchn, &st));
    EXPECT_EQ(EVTCHNSTAT_closed, st.status);
    /* Its other end waits unbound, for us. */
    again = ev_bind_interdomain(daemon.u.interdomain.dom,
                                daemon.u.interdomain.port);
    EXPECT_EQ(1, again);
    if (again > 0)
        start_info->console.domU.evtchn = (uint32_t)again;
}

const struct test evtchn_tests[] = {
    TEST(a_sent_event_arrives_at_the_peer),
    TEST(a_masked_event_stays_pending_until_unmask),
    TEST(the_upcall_runs_when_unmasked),
    TEST(send_on_a_closed_port_is_refused),
    TEST(closing_one_end_unbinds_the_other),
    TEST(a_bound_port_cannot_be_bound_again),
    TEST(ports_are_lowest_first_and_never_zero),
    TEST(unbound_is_for_its_remote_only),
    TEST(ports_out_of_range_are_refused),
    TEST(virqs_bind_once_per_vcpu),
    TEST(the_timer_virq_fires),
    TEST(ipi_to_oneself_and_its_limits),
    TEST(bind_vcpu_checks_the_vcpu),
    TEST(poll_returns_at_its_timeout),
    TEST(block_returns_on_an_event),
    TEST(status_of_every_kind),
    TEST(pirqs_are_not_a_guests),
    TEST(others_channels_are_not_ours),
    TEST(queue_controls_are_checked),
    TEST(priorities_can_be_set_on_queues),
    TEST(reset_closes_every_port),
    {0},
};
