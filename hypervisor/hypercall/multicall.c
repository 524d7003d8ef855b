/* A list of hypercalls in one. */
#include "hypercall/hypercall.h"
#include "hypercall/handlers.h"

#include "domain/trace.h"
#include "mm/guestword.h"

static inline long call_one(uint64_t op, struct hc_args *a)
{
    const struct hypercall *row;
    long rc;

    if (unlikely(op >= HC_NR))
        return -ENOSYS;
    row = hypercall_row(op);
    if (unlikely(op == __HYPERVISOR_multicall))
        return -EINVAL;
    rc = likely(hypercall_is_plain(row)) ? 0 : hypercall_check(row);
    if (rc)
        return rc;
    if (tracing())
        trace_hypercall(TRC_PV_HYPERCALL_SUBCALL, op, a->arg);
    return row->fn(a);
}

/* struct multicall_entry, with its arguments as a handler takes them. */
struct entry {
    uint64_t op, result;
    struct hc_args a;
};
static_assert(sizeof(struct entry) == sizeof(struct multicall_entry) &&
                  offsetof(struct entry, a) ==
                      offsetof(struct multicall_entry, args),
              "one layout");

/* Copy entry `e` in, once; run it; write back its result, or its progress. */
static inline long run_entry(struct entry *e)
{
    struct entry copy;
    long rc;

    if (guest_load(&copy, e, sizeof(copy)))
        return -EFAULT;
    rc = call_one(copy.op, &copy.a);
    if (unlikely(rc == -ERESTART))
        return guest_store(&e->a, &copy.a, sizeof(copy.a)) ? -EFAULT : rc;
    return guest_store(&e->result, &rc, sizeof(rc));
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

        rc = run_entry((struct entry *)a->arg[0]);
        if (rc)
            break;
        a->arg[0] += sizeof(struct entry);
        a->arg[1]--;
    }
    return rc;
}
