/* Event channels through either ABI. */
#include "evtchn.h"

static bool fifo;
static event_word_t *words;
static struct evtchn_fifo_control_block *control;

bool ev_is_fifo(void)
{
    return fifo;
}

int ev_use_fifo(void)
{
    struct evtchn_init_control init = {0};
    struct evtchn_expand_array expand = {0};
    unsigned int i;
    int rc;

    control = page_alloc();
    words = page_alloc();
    init.control_gfn = va_to_mfn(control);
    rc = (int)hc_event_channel_op(EVTCHNOP_init_control, &init);
    if (rc)
        return rc;
    fifo = true;
    for (i = 0; i < 1024; i++)
        words[i] = 1u << EVTCHN_FIFO_MASKED;
    expand.array_gfn = va_to_mfn(words);
    return (int)hc_event_channel_op(EVTCHNOP_expand_array, &expand);
}

static unsigned long *bit_word(evtchn_port_t port, bool mask)
{
    return mask ? &shared->evtchn_mask[port / 64]
                : &shared->evtchn_pending[port / 64];
}

static bool test_bit(evtchn_port_t port, bool mask)
{
    unsigned int bit = mask ? EVTCHN_FIFO_MASKED : EVTCHN_FIFO_PENDING;

    if (fifo)
        return *(volatile event_word_t *)&words[port] & 1u << bit;
    return *(volatile unsigned long *)bit_word(port, mask) & 1ul << port % 64;
}

static void set_bit(evtchn_port_t port, bool mask, bool on)
{
    if (fifo) {
        event_word_t bit = 1u
                           << (mask ? EVTCHN_FIFO_MASKED : EVTCHN_FIFO_PENDING);

        if (on)
            __atomic_fetch_or(&words[port], bit, __ATOMIC_SEQ_CST);
        else
            __atomic_fetch_and(&words[port], ~bit, __ATOMIC_SEQ_CST);
        return;
    }
    if (on)
        __atomic_fetch_or(bit_word(port, mask), 1ul << port % 64,
                          __ATOMIC_SEQ_CST);
    else
        __atomic_fetch_and(bit_word(port, mask), ~(1ul << port % 64),
                           __ATOMIC_SEQ_CST);
}

bool ev_pending(evtchn_port_t port)
{
    return test_bit(port, false);
}

bool ev_masked(evtchn_port_t port)
{
    return test_bit(port, true);
}

void ev_mask(evtchn_port_t port)
{
    set_bit(port, true, true);
}

int ev_unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = {.port = port};

    return (int)hc_event_channel_op(EVTCHNOP_unmask, &op);
}

/*
 * Walk one queue to its end: drop LINKED from every word and forget the link,
 * as a consumer does before it looks at PENDING.
 */
static void fifo_drain(unsigned int priority)
{
    event_word_t head = control->head[priority];

    while (head) {
        event_word_t old, new;

        do {
            old = words[head];
            new = old & ~(1u << EVTCHN_FIFO_LINKED |
                          ((1u << EVTCHN_FIFO_LINK_BITS) - 1));
        } while (!__atomic_compare_exchange_n(&words[head], &old, new, false,
                                              __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST));
        head = old & ((1u << EVTCHN_FIFO_LINK_BITS) - 1);
    }
    control->head[priority] = 0;
}

void ev_clear(evtchn_port_t port)
{
    unsigned int i;

    this_vcpu_info()->evtchn_upcall_pending = 0;
    if (fifo) {
        uint32_t ready =
            __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);

        for (i = 0; i <= EVTCHN_FIFO_PRIORITY_MIN; i++)
            if (ready & 1u << i)
                fifo_drain(i);
    } else {
        this_vcpu_info()->evtchn_pending_sel = 0;
    }
    set_bit(port, false, false);
}

int ev_send(evtchn_port_t port)
{
    struct evtchn_send op = {.port = port};

    return (int)hc_event_channel_op(EVTCHNOP_send, &op);
}

int ev_close(evtchn_port_t port)
{
    struct evtchn_close op = {.port = port};

    return (int)hc_event_channel_op(EVTCHNOP_close, &op);
}

int ev_status(evtchn_port_t port, struct evtchn_status *status)
{
    memset(status, 0, sizeof(*status));
    status->dom = DOMID_SELF;
    status->port = port;
    return (int)hc_event_channel_op(EVTCHNOP_status, status);
}

int ev_alloc_unbound(domid_t remote)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};
    int rc = (int)hc_event_channel_op(EVTCHNOP_alloc_unbound, &op);

    return rc ? rc : (int)op.port;
}

int ev_bind_interdomain(domid_t dom, evtchn_port_t port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = dom,
                                         .remote_port = port};
    int rc = (int)hc_event_channel_op(EVTCHNOP_bind_interdomain, &op);

    return rc ? rc : (int)op.local_port;
}

int ev_bind_virq(unsigned int virq, unsigned int vcpu)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};
    int rc = (int)hc_event_channel_op(EVTCHNOP_bind_virq, &op);

    return rc ? rc : (int)op.port;
}

int ev_bind_ipi(unsigned int vcpu)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};
    int rc = (int)hc_event_channel_op(EVTCHNOP_bind_ipi, &op);

    return rc ? rc : (int)op.port;
}

int ev_bind_vcpu(evtchn_port_t port, unsigned int vcpu)
{
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return (int)hc_event_channel_op(EVTCHNOP_bind_vcpu, &op);
}
