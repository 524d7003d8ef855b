/* The clock that the hypervisor publishes per vCPU. */
#include "guest.h"

uint64_t time_ns(unsigned int vcpu)
{
    volatile struct vcpu_time_info *t = &shared->vcpu_info[vcpu].time;
    uint64_t delta, ns;
    uint32_t version;

    do {
        version = t->version;
        barrier();
        delta = rdtsc() - t->tsc_timestamp;
        if (t->tsc_shift >= 0)
            delta <<= t->tsc_shift;
        else
            delta >>= -t->tsc_shift;
        ns =
            t->system_time +
            (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
        barrier();
    } while ((version & 1) || version != t->version);
    return ns;
}

bool wait_until(bool (*pred)(void), uint64_t timeout_ns)
{
    uint64_t end = time_ns(0) + timeout_ns;

    while (!pred()) {
        if (time_ns(0) > end)
            return false;
        hc_sched_op(SCHEDOP_yield, NULL);
    }
    return true;
}
