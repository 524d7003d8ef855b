/*
 * Event-channel operations of two domains on each other, by both ABIs, while
 * a guest scribbles over the words that it shares with us. The two ends of a
 * pair must name each other, and nothing may be left when both are dead.
 * libs: -lcmocka
 */
#include "guest-world.h"

#include "evtchn/internal.h"
#include "hypercall/handlers.h"
#include "irq/irq.h"

#define NR_FRAMES 8

static struct domain *side[2];
static struct frame *page[2][NR_FRAMES];
static const uint8_t *in, *in_end;

static uint8_t byte(void)
{
    return in < in_end ? *in++ : 0;
}

void vcpu_wake(struct vcpu *v)
{
    (void)v;
}

void vcpu_kick(struct vcpu *v)
{
    (void)v;
}

int pirq_bind(struct domain *d, int pirq, uint32_t port, bool share)
{
    (void)d;
    (void)port;
    (void)share;
    return pirq & 1 ? -EBUSY : 0;
}

void pirq_unbind(struct domain *d, int pirq)
{
    (void)d;
    (void)pirq;
}

void pirq_set_affinity(struct domain *d, int pirq, unsigned cpu)
{
    (void)d;
    (void)pirq;
    (void)cpu;
}

static uint32_t any_port(void)
{
    uint8_t b = byte();

    return b < 240 ? b % 24 : (uint32_t)b << (b & 31);
}

/* Fields that are small numbers do for most operations. */
static void operation(void)
{
    uint32_t arg[8];
    unsigned cmd = byte() % 15;
    struct hc_args a = {{cmd, (uintptr_t)arg}};

    for (unsigned i = 0; i < ARRAY_SIZE(arg); i++)
        arg[i] = byte() % 8;
    switch (cmd) {
    case EVTCHNOP_bind_interdomain:
        arg[0] = byte() % 3;
        arg[1] = any_port();
        break;
    case EVTCHNOP_alloc_unbound:
    case EVTCHNOP_reset:
        arg[0] = (byte() % 3) << 16 | (byte() & 1 ? DOMID_SELF : byte() % 3u);
        break;
    case EVTCHNOP_status:
        arg[0] = byte() % 3;
        arg[1] = any_port();
        break;
    case EVTCHNOP_init_control:
    case EVTCHNOP_expand_array:
        *(uint64_t *)arg = frame_mfn(page[byte() & 1][byte() % NR_FRAMES]).n;
        arg[2] = byte() * 16u;
        arg[3] = byte() % 4;
        break;
    case EVTCHNOP_bind_virq:
        arg[0] = byte();
        break;
    default:
        arg[0] = any_port();
        break;
    }
    (void)hc_event_channel_op(&a);
}

static void raise_virq(void)
{
    virq_raise(side[byte() & 1]->vcpu[byte() & 1], byte() % 24u);
}

/* The guest's side: any word of its pages, or of shared_info. */
static void scribble(void)
{
    unsigned who = byte() & 1, n = byte();
    uint32_t value = (uint32_t)byte() << 24 | byte();

    if (n & 0x80)
        ((uint32_t *)side[who]->shared)[n % 64] ^= value;
    else
        ((uint32_t *)frame_virt(page[who][n % NR_FRAMES]))[byte() % 48] = value;
}

static void change_side(void)
{
    fake_run(side[byte() & 1], byte() & 1);
}

static void poll(void)
{
    evtchn_poll_start(current, (int32_t)byte() - 1);
    if (byte() & 1)
        evtchn_poll_stop(current);
}

static void check_pairs(void)
{
    for (unsigned who = 0; who < 2; who++)
        for (evtchn_port_t p = 0; p < side[who]->evtchn->nr_ports; p++) {
            const struct evtchn *c = evtchn_get(side[who], p), *r;

            if (c->state != ECS_INTERDOMAIN)
                continue;
            r = evtchn_get(c->u.remote.d, c->u.remote.port);
            if (r->state != ECS_INTERDOMAIN || r->u.remote.d != side[who] ||
                r->u.remote.port != p)
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ops[])(void) = {operation, operation,   operation,
                                        operation, raise_virq,  scribble,
                                        scribble,  change_side, poll};

    in = data;
    in_end = data + size;
    for (unsigned who = 0; who < 2; who++) {
        side[who] = fake_domain_new((domid_t)who, 2, &evtchn_part);
        side[who]->max_evtchn_port = 200;
        for (unsigned i = 0; i < NR_FRAMES; i++)
            page[who][i] = fake_frame_new(side[who]);
    }
    fake_run(side[1], 0);
    while (in < in_end) {
        ops[byte() % ARRAY_SIZE(ops)]();
        check_pairs();
    }
    fake_run(side[0], 0);
    for (unsigned who = 0; who < 2; who++) {
        assert_int_equal(evtchn_part.kill(side[who]), 0);
        assert_int_equal(evtchn_count_used(side[who]), 0);
    }
    for (unsigned who = 0; who < 2; who++) {
        for (unsigned i = 0; i < NR_FRAMES; i++)
            fake_frame_free(page[who][i]);
        fake_domain_free(side[who], &evtchn_part);
    }
    fake_check_empty();
    return 0;
}
