/* A list of hypercalls in one. */
#include "hypercall/hypercall.h"
#include "hypercall/handlers.h"

#include "domain/trace.h"
#include "mm/guestcopy.h"

static long call_one(uint64_t op, struct hc_args *a)
{
    const struct hypercall *row;
    long rc = hypercall_find(op, &row);

    if (rc)
        return rc;
    if (tracing())
        trace_hypercall(TRC_PV_HYPERCALL_SUBCALL, op, a->arg);
    if (row->flags & HC_ALONE) /* nesting, and iret has no way back here */
        return op == __HYPERVISOR_multicall ? -EINVAL : -ENOSYS;
    return row->fn(a);
}

/* Copy entry `e` in, once; run it; write back its result, or its progress. */
static long run_entry(struct multicall_entry *e)
{
    struct multicall_entry copy;
    struct hc_args a;
    long rc;

    if (copy_from_guest(&copy, e, sizeof(copy)))
        return -EFAULT;

    static_assert(sizeof(a.arg) == sizeof(copy.args), "six arguments");
    memcpy(a.arg, copy.args, sizeof(a.arg));
    rc = call_one(copy.op, &a);

    if (rc == -ERESTART) {
        if (copy_to_guest(&e->args, a.arg, sizeof(a.arg)))
            return -EFAULT;
        return -ERESTART;
    }
    return copy_to_guest(&e->result, &rc, sizeof(rc));
}

long hc_multicall(struct hc_args *a)
{
    uint32_t nr = (uint32_t)a->arg[1];
    long rc = 0;

    a->arg[1] = nr;
    while (a->arg[1]) {
        /* At least one entry a turn, or a guest could starve itself. */
        if (a->arg[1] != nr && hypercall_should_yield())
            return -ERESTART;

        rc = run_entry((struct multicall_entry *)a->arg[0]);
        if (rc)
            break;
        a->arg[0] += sizeof(struct multicall_entry);
        a->arg[1]--;
    }
    return rc;
}
