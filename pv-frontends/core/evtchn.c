#include "pv-frontends/core/evtchn.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/hypercall.h"
#include "pv-frontends/core/ring.h"

enum { WORD = 64 };

static struct {
    evtchn_fn *fn;
    void *arg;
} handlers[EVTCHN_MAX_PORT];

int evtchn_alloc_unbound(domid_t remote)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};
    int rc = hc_event_channel_op(EVTCHNOP_alloc_unbound, &op);

    return rc ? rc : (int)op.port;
}

int evtchn_bind_virq(unsigned int virq, unsigned int vcpu)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};
    int rc = hc_event_channel_op(EVTCHNOP_bind_virq, &op);

    return rc ? rc : (int)op.port;
}

int evtchn_bind_ipi(unsigned int vcpu)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};
    int rc = hc_event_channel_op(EVTCHNOP_bind_ipi, &op);

    return rc ? rc : (int)op.port;
}

int evtchn_move(evtchn_port_t port, unsigned int vcpu)
{
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return hc_event_channel_op(EVTCHNOP_bind_vcpu, &op);
}

static unsigned long *mask_word(evtchn_port_t port)
{
    return &shim_shared_info()->evtchn_mask[port / WORD];
}

int evtchn_listen(evtchn_port_t port, evtchn_fn *fn, void *arg)
{
    struct evtchn_unmask op = {.port = port};

    if (port >= EVTCHN_MAX_PORT)
        return -XEN_ERANGE;
    handlers[port].arg = arg;
    handlers[port].fn = fn;
    /* By hypercall: it raises again what came in while the port was masked. */
    return hc_event_channel_op(EVTCHNOP_unmask, &op);
}

void evtchn_ignore(evtchn_port_t port)
{
    if (port >= EVTCHN_MAX_PORT)
        return;
    __atomic_fetch_or(mask_word(port), 1ul << port % WORD, __ATOMIC_SEQ_CST);
    handlers[port].fn = NULL;
}

int evtchn_send(evtchn_port_t port)
{
    struct evtchn_send op = {.port = port};

    return hc_event_channel_op(EVTCHNOP_send, &op);
}

int evtchn_close(evtchn_port_t port)
{
    struct evtchn_close op = {.port = port};

    evtchn_ignore(port);
    return hc_event_channel_op(EVTCHNOP_close, &op);
}

static unsigned int word_deliver(struct shared_info *shared, unsigned int i)
{
    unsigned long ready = shared_read(shared->evtchn_pending[i]) &
                          ~shared_read(shared->evtchn_mask[i]);
    unsigned int nr = 0;

    for (; ready; ready &= ready - 1, nr++) {
        unsigned int bit = (unsigned int)__builtin_ctzl(ready);
        evtchn_port_t port = i * WORD + bit;

        /* Clear first: an event that comes while we look is not lost. */
        __atomic_fetch_and(&shared->evtchn_pending[i], ~(1ul << bit),
                           __ATOMIC_SEQ_CST);
        if (port < EVTCHN_MAX_PORT && handlers[port].fn)
            handlers[port].fn(handlers[port].arg);
    }
    return nr;
}

unsigned int evtchn_upcall(unsigned int vcpu)
{
    struct shared_info *shared = shim_shared_info();
    struct vcpu_info *info = &shared->vcpu_info[vcpu];
    unsigned long words;
    unsigned int nr = 0;

    do {
        shared_write(info->evtchn_upcall_pending, 0);
        words =
            __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        for (; words; words &= words - 1)
            nr += word_deliver(shared, (unsigned int)__builtin_ctzl(words));
    } while (shared_read(info->evtchn_upcall_pending));
    return nr;
}
