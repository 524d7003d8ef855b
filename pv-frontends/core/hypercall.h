/* The hypercalls that the core makes, over the ABI's own structures. */
#ifndef PARAVANE_CORE_HYPERCALL_H
#define PARAVANE_CORE_HYPERCALL_H

#include "pv-frontends/shim/shim.h"

#include <xen/xen.h>

static inline int hc_event_channel_op(unsigned int cmd, void *arg)
{
    return (int)shim_hypercall(__HYPERVISOR_event_channel_op, cmd,
                               (uintptr_t)arg, 0, 0);
}

static inline int hc_grant_table_op(unsigned int cmd, void *arg,
                                    unsigned int nr)
{
    return (int)shim_hypercall(__HYPERVISOR_grant_table_op, cmd, (uintptr_t)arg,
                               nr, 0);
}

static inline int64_t hc_memory_op(unsigned int cmd, void *arg)
{
    return shim_hypercall(__HYPERVISOR_memory_op, cmd, (uintptr_t)arg, 0, 0);
}

static inline int hc_sched_op(unsigned int cmd, void *arg)
{
    return (int)shim_hypercall(__HYPERVISOR_sched_op, cmd, (uintptr_t)arg, 0,
                               0);
}

#endif
