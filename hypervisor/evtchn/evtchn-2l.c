/*
 * The 2-level ABI: two bitmaps in shared_info (pending, masked) and in each
 * vcpu_info a word that says which words of them to look at.
 */
#include "evtchn/internal.h"

#define WORD_BITS 64u

static bool e2l_is_masked(struct domain *d, evtchn_port_t port)
{
    return bit_test((uint64_t *)d->shared->evtchn_mask, port);
}

static bool e2l_is_pending(struct domain *d, evtchn_port_t port)
{
    return bit_test((uint64_t *)d->shared->evtchn_pending, port);
}

static bool e2l_is_busy(struct domain *d, evtchn_port_t port)
{
    (void)d;
    (void)port;
    return false;
}

static void select_word(struct vcpu *v, evtchn_port_t port)
{
    if (!bit_test_and_set((uint64_t *)&v->info->evtchn_pending_sel,
                          port / WORD_BITS))
        evtchn_mark_vcpu(v);
}

static void e2l_set_pending(struct vcpu *v, evtchn_port_t port,
                            struct evtchn *chn)
{
    struct domain *d = v->domain;

    (void)chn;
    if (!bit_test_and_set((uint64_t *)d->shared->evtchn_pending, port) &&
        !e2l_is_masked(d, port))
        select_word(v, port);
}

static void e2l_clear_pending(struct domain *d, evtchn_port_t port)
{
    bit_test_and_clear((uint64_t *)d->shared->evtchn_pending, port);
}

static void e2l_init(struct domain *d, evtchn_port_t port, struct evtchn *chn)
{
    (void)d;
    (void)port;
    (void)chn;
}

static void e2l_unmask(struct domain *d, evtchn_port_t port, struct evtchn *chn)
{
    struct vcpu *v = d->vcpu[READ_ONCE(chn->notify_vcpu)];

    if (bit_test_and_clear((uint64_t *)d->shared->evtchn_mask, port) &&
        e2l_is_pending(d, port))
        select_word(v, port);
}

static int e2l_set_priority(struct evtchn *chn, uint32_t priority)
{
    (void)chn;
    (void)priority;
    return -ENOSYS;
}

const struct evtchn_abi evtchn_abi_2l = {
    .nr_ports = EVTCHN_2L_NR_CHANNELS,
    .init = e2l_init,
    .set_pending = e2l_set_pending,
    .clear_pending = e2l_clear_pending,
    .unmask = e2l_unmask,
    .is_pending = e2l_is_pending,
    .is_masked = e2l_is_masked,
    .is_busy = e2l_is_busy,
    .set_priority = e2l_set_priority,
};
