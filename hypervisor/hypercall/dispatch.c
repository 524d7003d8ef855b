/* From a guest's registers to a handler. */
#include "hypercall/hypercall.h"
#include "cpu/latency.h"
#include "domain/domain.h"

long hypercall_check(const struct hypercall *row)
{
    if (!(row->flags & HC_FROM_PV))
        return -ENOSYS;
    if (row->flags & HC_PRIVILEGED && !policy_is_privileged(current->domain))
        return -EPERM;
    return 0;
}

static __attribute__((noinline)) long
dispatch_slowly(const struct hypercall *row, struct hc_args *a)
{
    long rc = hypercall_check(row);

    if (rc)
        return rc;
    latency_begin();
    rc = row->fn(a);
    latency_end(LATENCY_HYPERCALL, (unsigned)(row - hypercall_table));
    return rc;
}

long hypercall_dispatch(uint64_t nr, struct hc_args *a)
{
    const struct hypercall *row;

    if (unlikely(nr >= HC_NR))
        return -ENOSYS;
    row = hypercall_row(nr);
    if (unlikely(!hypercall_is_plain(row) || latency_is_on()))
        return dispatch_slowly(row, a);
    return row->fn(a);
}
