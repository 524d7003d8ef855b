/* Event channels against fake domains. */
#include "guest-world.h"

#include "evtchn/evtchn.h"
#include "hypercall/handlers.h"
#include "irq/irq.h"

static struct domain *a, *b; /* a is dom0 */
static unsigned fake_vcpu_wakes[MAX_VCPUS], fake_vcpu_kicks[MAX_VCPUS];
static int pirq_bound, pirq_rc, pirq_cpu;

void vcpu_wake(struct vcpu *v)
{
    fake_vcpu_wakes[v->id]++;
}

void vcpu_kick(struct vcpu *v)
{
    fake_vcpu_kicks[v->id]++;
}

int pirq_bind(struct domain *d, int pirq, uint32_t port, bool share)
{
    (void)d;
    (void)port;
    (void)share;
    if (!pirq_rc)
        pirq_bound = pirq;
    return pirq_rc;
}

void pirq_unbind(struct domain *d, int pirq)
{
    (void)d;
    assert_int_equal(pirq, pirq_bound);
    pirq_bound = 0;
}

void pirq_set_affinity(struct domain *d, int pirq, unsigned cpu)
{
    (void)d;
    (void)pirq;
    pirq_cpu = (int)cpu;
}

static int setup(void **state)
{
    (void)state;
    memset(fake_vcpu_kicks, 0, sizeof(fake_vcpu_kicks));
    memset(fake_vcpu_wakes, 0, sizeof(fake_vcpu_wakes));
    pirq_bound = pirq_rc = 0;
    fake_should_yield = false;
    a = fake_domain_new(0, 2, &evtchn_part);
    b = fake_domain_new(1, 4, &evtchn_part);
    fake_run(a, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_domain_free(a, &evtchn_part);
    fake_domain_free(b, &evtchn_part);
    fake_check_empty();
    return 0;
}

static long op(unsigned cmd, void *arg)
{
    struct hc_args args = {{cmd, (uintptr_t)arg}};

    return hc_event_channel_op(&args);
}

static evtchn_port_t alloc_unbound(domid_t dom, domid_t remote)
{
    struct evtchn_alloc_unbound x = {.dom = dom, .remote_dom = remote};

    assert_int_equal(op(EVTCHNOP_alloc_unbound, &x), 0);
    return x.port;
}

static long bind_to(domid_t dom, evtchn_port_t port, evtchn_port_t *local)
{
    struct evtchn_bind_interdomain x = {.remote_dom = dom, .remote_port = port};
    long rc = op(EVTCHNOP_bind_interdomain, &x);

    *local = x.local_port;
    return rc;
}

/* b offers a port, a binds it: *pb of b, *pa of a; a is current after. */
static void make_pair(evtchn_port_t *pa, evtchn_port_t *pb)
{
    fake_run(b, 0);
    *pb = alloc_unbound(DOMID_SELF, a->id);
    fake_run(a, 0);
    assert_int_equal(bind_to(b->id, *pb, pa), 0);
}

static long close_port(evtchn_port_t port)
{
    struct evtchn_close x = {port};

    return op(EVTCHNOP_close, &x);
}

static long send(evtchn_port_t port)
{
    struct evtchn_send x = {port};

    return op(EVTCHNOP_send, &x);
}

static long unmask(evtchn_port_t port)
{
    struct evtchn_unmask x = {port};

    return op(EVTCHNOP_unmask, &x);
}

static struct evtchn_status status_of(domid_t dom, evtchn_port_t port)
{
    struct evtchn_status x = {.dom = dom, .port = port};

    assert_int_equal(op(EVTCHNOP_status, &x), 0);
    return x;
}

static bool pending(struct domain *d, evtchn_port_t port)
{
    return d->shared->evtchn_pending[port / 64] >> port % 64 & 1;
}

static void set_masked(struct domain *d, evtchn_port_t port)
{
    d->shared->evtchn_mask[port / 64] |= 1ul << port % 64;
}

/* Ports are handed out lowest first, from 1. */
static void test_ports_are_given_lowest_first(void **state)
{
    (void)state;
    for (evtchn_port_t p = 1; p <= 300; p++)
        assert_int_equal(alloc_unbound(DOMID_SELF, 1), p);
    assert_int_equal(close_port(7), 0);
    assert_int_equal(close_port(200), 0);
    assert_int_equal(alloc_unbound(DOMID_SELF, 1), 7);
    assert_int_equal(alloc_unbound(DOMID_SELF, 1), 200);
    assert_int_equal(alloc_unbound(DOMID_SELF, 1), 301);
    assert_int_equal(evtchn_count_used(a), 301);
}

/* An event of one end makes the other pending and wakes its vCPU, once. */
static void test_send_reaches_the_peer(void **state)
{
    evtchn_port_t pa, pb;

    (void)state;
    make_pair(&pa, &pb);
    memset(fake_vcpu_kicks, 0, sizeof(fake_vcpu_kicks));
    assert_int_equal(send(pa), 0);
    assert_true(pending(b, pb));
    assert_int_equal(b->vcpu[0]->info->evtchn_pending_sel, 1);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_int_equal(send(pa), 0);
    assert_int_equal(fake_vcpu_kicks[0], 1);
}

/* Binding sets the new local port pending: the peer may have sent before. */
static void test_bind_sets_local_pending(void **state)
{
    evtchn_port_t pa, pb;

    (void)state;
    make_pair(&pa, &pb);
    assert_true(pending(a, pa));
    assert_false(pending(b, pb));
}

/* Ports that are closed, reserved or beyond the table take no event. */
static void test_send_on_closed_port_is_refused(void **state)
{
    evtchn_port_t pa, pb;

    (void)state;
    make_pair(&pa, &pb);
    assert_int_equal(close_port(pa), 0);
    assert_int_equal(send(pa), -EINVAL);
    assert_int_equal(send(0), -EINVAL);
    assert_int_equal(send(100000), -EINVAL);
    assert_int_equal(send(~0u), -EINVAL);
    assert_int_equal(close_port(pa), -EINVAL);
    assert_int_equal(close_port(0), -EINVAL);
}

/* A masked port gets its bit but no upcall; unmask delivers then. */
static void test_masked_port_stays_pending(void **state)
{
    evtchn_port_t pa, pb;

    (void)state;
    make_pair(&pa, &pb);
    set_masked(b, pb);
    assert_int_equal(send(pa), 0);
    assert_true(pending(b, pb));
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 0);
    fake_run(b, 0);
    assert_int_equal(unmask(pb), 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_true(pending(b, pb));
}

/* Closing frees one end; the other waits for a new connection. */
static void test_closing_frees_peer_to_unbound(void **state)
{
    struct evtchn_status s;
    evtchn_port_t pa, pb, again;

    (void)state;
    make_pair(&pa, &pb);
    assert_int_equal(status_of(DOMID_SELF, pa).status, EVTCHNSTAT_interdomain);
    assert_int_equal(close_port(pa), 0);
    assert_int_equal(status_of(DOMID_SELF, pa).status, EVTCHNSTAT_closed);
    s = status_of(b->id, pb);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, a->id);
    fake_run(b, 0);
    assert_int_equal(send(pb), 0); /* dropped */
    fake_run(a, 0);
    assert_int_equal(bind_to(b->id, pb, &again), 0);
    fake_run(b, 0);
    assert_int_equal(close_port(pb), 0);
    fake_run(a, 0);
    assert_int_equal(status_of(DOMID_SELF, again).status, EVTCHNSTAT_unbound);
}

/* A port may be bound only by whom it was offered to, and once. */
static void test_bind_checks_the_offer(void **state)
{
    evtchn_port_t pa, pb, x;

    (void)state;
    fake_run(b, 0);
    pb = alloc_unbound(DOMID_SELF, 5);
    fake_run(a, 0);
    assert_int_equal(bind_to(b->id, pb, &x), -EINVAL);
    assert_int_equal(bind_to(b->id, 99999, &x), -EINVAL);
    assert_int_equal(bind_to(9, 1, &x), -ESRCH);
    make_pair(&pa, &pb);
    assert_int_equal(bind_to(b->id, pb, &x), -EINVAL);
    assert_int_equal(evtchn_count_used(a), 1);
}

/* Only the privileged may act on others' ports. */
static void test_foreign_ports_need_privilege(void **state)
{
    struct evtchn_alloc_unbound x = {.dom = 0, .remote_dom = 1};
    struct evtchn_status s = {.dom = 0, .port = 1};

    (void)state;
    assert_int_equal(alloc_unbound(b->id, 0), 1);
    fake_run(b, 0);
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &x), -EPERM);
    assert_int_equal(op(EVTCHNOP_status, &s), -EPERM);
    x.dom = 33;
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &x), -ESRCH);
    assert_int_equal(status_of(DOMID_SELF, 1).status, EVTCHNSTAT_unbound);
}

/* max_evtchn_port is the highest port number. */
static void test_port_limit(void **state)
{
    struct evtchn_alloc_unbound x = {.dom = DOMID_SELF};

    (void)state;
    b->max_evtchn_port = 3;
    fake_run(b, 0);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(alloc_unbound(DOMID_SELF, 0), i);
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &x), -ENOSPC);
}

/* Per-vCPU virqs bind anywhere, once; global ones on vCPU 0 and may move. */
static void test_virqs(void **state)
{
    struct evtchn_bind_virq t = {.virq = VIRQ_TIMER, .vcpu = 1};
    struct evtchn_bind_virq g = {.virq = VIRQ_DOM_EXC, .vcpu = 1};
    struct evtchn_bind_vcpu m = {.vcpu = 1};

    (void)state;
    assert_int_equal(op(EVTCHNOP_bind_virq, &t), 0);
    assert_int_equal(op(EVTCHNOP_bind_virq, &t), -EEXIST);
    assert_int_equal(op(EVTCHNOP_bind_virq, &g), -EINVAL);
    g.vcpu = 0;
    assert_int_equal(op(EVTCHNOP_bind_virq, &g), 0);
    g.virq = 24;
    assert_int_equal(op(EVTCHNOP_bind_virq, &g), -EINVAL);
    t.vcpu = 2;
    assert_int_equal(op(EVTCHNOP_bind_virq, &t), -ENOENT);

    virq_raise(a->vcpu[0], VIRQ_TIMER); /* not bound there */
    assert_int_equal(a->shared->evtchn_pending[0], 0);
    virq_raise(a->vcpu[1], VIRQ_TIMER);
    assert_true(pending(a, t.port));
    assert_int_equal(a->vcpu[1]->info->evtchn_upcall_pending, 1);
    assert_int_equal(a->vcpu[0]->info->evtchn_upcall_pending, 0);

    m.port = t.port;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &m), -EINVAL);
    a->vcpu[1]->info->evtchn_upcall_pending = 0;
    a->vcpu[1]->info->evtchn_pending_sel = 0;
    m.port = g.port;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &m), 0);
    virq_raise_global(VIRQ_DOM_EXC);
    assert_int_equal(a->vcpu[1]->info->evtchn_upcall_pending, 1);

    assert_int_equal(close_port(g.port), 0);
    g.virq = VIRQ_DOM_EXC;
    assert_int_equal(op(EVTCHNOP_bind_virq, &g), 0);
}

/* An IPI port raises its own domain's vCPU and cannot be moved. */
static void test_ipi(void **state)
{
    struct evtchn_bind_ipi i = {.vcpu = 3};
    struct evtchn_bind_vcpu m = {.vcpu = 0};

    (void)state;
    fake_run(b, 0);
    assert_int_equal(op(EVTCHNOP_bind_ipi, &i), 0);
    assert_int_equal(send(i.port), 0);
    assert_int_equal(b->vcpu[3]->info->evtchn_upcall_pending, 1);
    m.port = i.port;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &m), -EINVAL);
    i.vcpu = 4;
    assert_int_equal(op(EVTCHNOP_bind_ipi, &i), -ENOENT);
}

/* Physical interrupts: the hardware's domain only; undone by close. */
static void test_pirq(void **state)
{
    struct evtchn_bind_pirq p = {.pirq = 9, .flags = BIND_PIRQ__WILL_SHARE};
    struct evtchn_bind_vcpu m = {.vcpu = 1};

    (void)state;
    a->vcpu[1]->unit.cpu = 3;
    assert_int_equal(op(EVTCHNOP_bind_pirq, &p), 0);
    assert_int_equal(pirq_bound, 9);
    evtchn_raise_pirq(a, p.port);
    assert_true(pending(a, p.port));
    m.port = p.port;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &m), 0);
    assert_int_equal(pirq_cpu, 3);
    assert_int_equal(close_port(p.port), 0);
    assert_int_equal(pirq_bound, 0);
    evtchn_raise_pirq(a, p.port);
    assert_false(pending(a, p.port));

    pirq_rc = -EBUSY;
    assert_int_equal(op(EVTCHNOP_bind_pirq, &p), -EBUSY);
    assert_int_equal(evtchn_count_used(a), 0);
    fake_run(b, 0);
    assert_int_equal(op(EVTCHNOP_bind_pirq, &p), -EPERM);
}

/* A poll is ended by its port, not by others. */
static void test_poll_wakes_for_its_port(void **state)
{
    evtchn_port_t pa, pb, qa, qb;

    (void)state;
    make_pair(&pa, &pb);
    make_pair(&qa, &qb);
    set_masked(b, pb);
    set_masked(b, qb);
    evtchn_poll_start(b->vcpu[2], -1);
    evtchn_poll_narrow(b->vcpu[2], (int32_t)qb);
    assert_int_equal(send(pa), 0);
    assert_int_equal(fake_vcpu_wakes[2], 0);
    assert_int_equal(send(qa), 0);
    assert_int_equal(fake_vcpu_wakes[2], 1);
    assert_int_equal(b->vcpu[2]->poll_port, 0);
    assert_true(evtchn_is_pending(b, qb));
    assert_int_equal(evtchn_check_pollable(b, 5000), -EINVAL);
}

/* Reset closes everything; a killed domain hands out nothing more. */
static void test_reset_and_kill(void **state)
{
    struct evtchn_reset r = {.dom = DOMID_SELF};
    struct evtchn_alloc_unbound x = {.dom = 1};
    evtchn_port_t pa, pb;

    (void)state;
    make_pair(&pa, &pb);
    alloc_unbound(DOMID_SELF, 1);
    assert_int_equal(op(EVTCHNOP_reset, &r), 0);
    assert_int_equal(evtchn_count_used(a), 0);
    assert_int_equal(status_of(b->id, pb).status, EVTCHNSTAT_unbound);
    r.dom = b->id;
    assert_int_equal(op(EVTCHNOP_reset, &r), -EINVAL); /* it runs */

    fake_should_yield = true;
    assert_int_equal(evtchn_part.kill(b), -ERESTART);
    fake_should_yield = false;
    assert_int_equal(evtchn_part.kill(b), 0);
    assert_int_equal(evtchn_count_used(b), 0);
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &x), -EINVAL);
}

/* Moving vcpu_info must lose no event: everything is looked at again. */
static void test_moved_info_is_raised(void **state)
{
    struct vcpu_info moved = {0};

    (void)state;
    b->vcpu[1]->info = &moved;
    evtchn_vcpu_info_moved(b->vcpu[1]);
    assert_int_equal(moved.evtchn_upcall_pending, 1);
    assert_true(moved.evtchn_pending_sel == ~0ul);
    assert_int_equal(fake_vcpu_kicks[1], 1);
}

/* --- FIFO ------------------------------------------------------------------
 */

struct fifo {
    struct frame *control, *array;
    struct evtchn_fifo_control_block *block;
    event_word_t *word;
};

/* Switch b to FIFO for `vcpu`; b is current after. */
static struct fifo fifo_start(unsigned vcpu, bool with_array)
{
    struct fifo f = {.control = fake_frame_new(b)};
    struct evtchn_init_control c = {.control_gfn = frame_mfn(f.control).n,
                                    .vcpu = vcpu};
    struct evtchn_expand_array e;

    fake_run(b, 0);
    assert_int_equal(op(EVTCHNOP_init_control, &c), 0);
    assert_int_equal(c.link_bits, 17);
    f.block = frame_virt(f.control);
    if (with_array) {
        f.array = fake_frame_new(b);
        f.word = frame_virt(f.array);
        e.array_gfn = frame_mfn(f.array).n;
        assert_int_equal(op(EVTCHNOP_expand_array, &e), 0);
    }
    return f;
}

/* b resets itself, which gives its pages back. */
static void fifo_stop(struct fifo *f)
{
    struct evtchn_reset r = {.dom = DOMID_SELF};

    fake_run(b, 0);
    assert_int_equal(op(EVTCHNOP_reset, &r), 0);
    fake_frame_free(f->control);
    if (f->array)
        fake_frame_free(f->array);
}

static void b_sends_to_itself(evtchn_port_t port)
{
    fake_run(b, 0);
    assert_int_equal(send(port), 0);
}

static evtchn_port_t b_ipi(unsigned vcpu)
{
    struct evtchn_bind_ipi i = {.vcpu = vcpu};

    fake_run(b, 0);
    assert_int_equal(op(EVTCHNOP_bind_ipi, &i), 0);
    return i.port;
}

/* The guest's half of the protocol: take the first event of a queue. */
static evtchn_port_t consume(struct fifo *f, unsigned prio, uint32_t *head)
{
    evtchn_port_t port;

    if (!*head) {
        if (!(f->block->ready & 1u << prio))
            return 0;
        f->block->ready &= ~(1u << prio);
        *head = f->block->head[prio];
    }
    port = *head;
    *head = f->word[port] & 0x1ffff;
    f->word[port] &= ~(1u << 29 | 0x1ffff);
    f->word[port] &= ~(1u << 31);
    return port;
}

/* Events are linked in order of arrival, each once, and can come again. */
static void test_fifo_order(void **state)
{
    struct fifo f = fifo_start(0, true);
    evtchn_port_t p[3] = {b_ipi(0), b_ipi(0), b_ipi(0)};
    uint32_t head = 0;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        b_sends_to_itself(p[2]);
        b_sends_to_itself(p[0]);
        b_sends_to_itself(p[2]);
        b_sends_to_itself(p[1]);
        assert_int_equal(f.block->ready, 1u << 7);
        assert_int_equal(consume(&f, 7, &head), p[2]);
        assert_int_equal(consume(&f, 7, &head), p[0]);
        assert_int_equal(consume(&f, 7, &head), p[1]);
        assert_int_equal(head, 0);
    }
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
    fifo_stop(&f);
}

/* The last event of a queue, consumed and raised again, begins it anew: it
   must not be hung behind itself. */
static void test_fifo_tail_comes_again(void **state)
{
    struct fifo f = fifo_start(0, true);
    evtchn_port_t p = b_ipi(0);
    uint32_t head = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        b_sends_to_itself(p);
        assert_int_equal(f.word[p] & 0x1ffff, 0);
        assert_int_equal(consume(&f, 7, &head), p);
        assert_int_equal(head, 0);
        f.block->head[7] = 0;
    }
    fifo_stop(&f);
}

/* A masked event is pending and unlinked; unmask links it. */
static void test_fifo_masked_port_stays_pending(void **state)
{
    struct fifo f = fifo_start(0, true);
    evtchn_port_t p = b_ipi(0);

    (void)state;
    f.word[p] = 1u << 30;
    b_sends_to_itself(p);
    assert_int_equal(f.word[p], 3u << 30);
    assert_int_equal(f.block->ready, 0);
    assert_int_equal(unmask(p), 0);
    assert_int_equal(f.word[p], 1u << 31 | 1u << 29);
    assert_int_equal(f.block->head[7], p);
    fifo_stop(&f);
}

/* An event goes to the queue of its priority. */
static void test_fifo_priority(void **state)
{
    struct fifo f = fifo_start(0, true);
    struct evtchn_set_priority s = {.port = b_ipi(0), .priority = 2};
    evtchn_port_t other = b_ipi(0);

    (void)state;
    b_sends_to_itself(s.port);
    f.word[s.port] = 0; /* consumed; it is still the tail of queue 7 */
    f.block->ready = 0;
    assert_int_equal(op(EVTCHNOP_set_priority, &s), 0);
    b_sends_to_itself(s.port);
    assert_int_equal(f.block->ready, 1u << 2);
    b_sends_to_itself(other); /* must not hang behind it */
    assert_int_equal(f.block->head[7], other);
    assert_int_equal(f.word[s.port] & 0x1ffff, 0);
    s.priority = 16;
    assert_int_equal(op(EVTCHNOP_set_priority, &s), -EINVAL);
    fifo_stop(&f);
}

/* Events raised before the switch, or before their page, are not lost. */
static void test_fifo_switch_keeps_events(void **state)
{
    evtchn_port_t early = b_ipi(0), late;
    struct evtchn_expand_array e;
    struct fifo f;

    (void)state;
    set_masked(b, early); /* as a booting kernel has it */
    b_sends_to_itself(early);
    f = fifo_start(0, false);
    late = b_ipi(0);
    b_sends_to_itself(late);
    f.array = fake_frame_new(b);
    f.word = frame_virt(f.array);
    e.array_gfn = frame_mfn(f.array).n;
    assert_int_equal(op(EVTCHNOP_expand_array, &e), 0);
    assert_int_equal(f.block->head[7], early);
    assert_int_equal(f.word[early], 1u << 31 | 1u << 29 | late);
    assert_int_equal(f.word[late], 1u << 31 | 1u << 29);
    fifo_stop(&f);
}

/* Whatever the guest writes into its words, we follow no index of it. */
static void test_fifo_corrupt_link_is_survived(void **state)
{
    struct fifo f = fifo_start(0, true);
    evtchn_port_t p[2] = {b_ipi(0), b_ipi(0)};
    uint32_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        f.word[p[seed >> 9 & 1]] = seed;
        f.block->head[seed % 16] = ~seed;
        f.block->ready = seed >> 3;
        b_sends_to_itself(p[seed >> 5 & 1]);
        assert_int_equal(unmask(p[seed >> 6 & 1]), 0);
    }
    for (unsigned i = 0; i < 1024; i++)
        f.word[i] = ~0u;
    b_sends_to_itself(p[0]);
    fifo_stop(&f);
}

/* A port whose word is still linked is not handed out again. */
static void test_fifo_busy_port_is_passed_over(void **state)
{
    struct fifo f = fifo_start(0, true);
    evtchn_port_t p = b_ipi(0), q;

    (void)state;
    b_sends_to_itself(p);
    assert_int_equal(close_port(p), 0);
    q = b_ipi(0);
    assert_int_not_equal(q, p);
    f.word[p] = 0;
    assert_int_equal(b_ipi(0), p);
    fifo_stop(&f);
}

/* Pages: writable RAM of the domain, once for a vCPU, inside the page. */
static void test_fifo_refuses_bad_pages(void **state)
{
    struct frame *foreign = fake_frame_new(a), *table = fake_frame_new(b);
    struct evtchn_init_control c = {.control_gfn = frame_mfn(foreign).n};
    struct evtchn_expand_array e = {.array_gfn = frame_mfn(foreign).n};
    struct fifo f;

    (void)state;
    fake_frame_make_table(table);
    fake_run(b, 0);
    assert_int_equal(op(EVTCHNOP_expand_array, &e), -EOPNOTSUPP);
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.control_gfn = frame_mfn(table).n;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.control_gfn = ~0ull;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    f = fifo_start(0, true);
    c.control_gfn = frame_mfn(f.control).n;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL); /* twice */
    c.vcpu = 1;
    c.offset = 4096 - 64;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.offset = 4;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.offset = ~0u & ~7u;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.vcpu = 4;
    c.offset = 0;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -ENOENT);
    assert_int_equal(op(EVTCHNOP_expand_array, &e), -EINVAL);
    fifo_stop(&f);
    table->type = 0;
    fake_frame_free(foreign);
    fake_frame_free(table);
}

/* An event that moves to another vCPU leaves no trace in its old queue. */
static void test_fifo_moves_between_vcpus(void **state)
{
    struct fifo f = fifo_start(0, true), g = fifo_start(1, false);
    struct evtchn_bind_vcpu m = {.vcpu = 1};
    evtchn_port_t pa, pb, ipi = b_ipi(0);

    (void)state;
    make_pair(&pa, &pb);
    assert_int_equal(send(pa), 0);
    assert_int_equal(f.block->head[7], pb);
    f.word[pb] = 0;
    f.block->ready = 0;
    fake_run(b, 0);
    m.port = pb;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &m), 0);
    fake_run(a, 0);
    assert_int_equal(send(pa), 0);
    assert_int_equal(g.block->head[7], pb);
    b_sends_to_itself(ipi);
    assert_int_equal(f.block->head[7], ipi);
    assert_int_equal(f.word[pb] & 0x1ffff, 0);
    fifo_stop(&f);
    fake_frame_free(g.control);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_ports_are_given_lowest_first),
        T(test_send_reaches_the_peer),
        T(test_bind_sets_local_pending),
        T(test_send_on_closed_port_is_refused),
        T(test_masked_port_stays_pending),
        T(test_closing_frees_peer_to_unbound),
        T(test_bind_checks_the_offer),
        T(test_foreign_ports_need_privilege),
        T(test_port_limit),
        T(test_virqs),
        T(test_ipi),
        T(test_pirq),
        T(test_poll_wakes_for_its_port),
        T(test_reset_and_kill),
        T(test_moved_info_is_raised),
        T(test_fifo_order),
        T(test_fifo_tail_comes_again),
        T(test_fifo_masked_port_stays_pending),
        T(test_fifo_priority),
        T(test_fifo_switch_keeps_events),
        T(test_fifo_corrupt_link_is_survived),
        T(test_fifo_busy_port_is_passed_over),
        T(test_fifo_refuses_bad_pages),
        T(test_fifo_moves_between_vcpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
