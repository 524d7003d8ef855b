/* From a guest's registers to a handler and back. */
#include "hypercall/hypercall.h"
#include "cpu/latency.h"
#include "domain/domain.h"

bool hypercall_may_use_privileged(void)
{
    return policy_is_privileged(current->domain);
}

void hypercall_dispatch(struct cpu_user_regs *regs, struct hc_args *a)
{
    const struct hypercall *row;
    long rc = hypercall_find(regs->rax, &row);

    if (likely(!rc)) {
        latency_begin();
        rc = row->fn(a);
        latency_end(LATENCY_HYPERCALL, (unsigned)regs->rax);
        if (row->flags & HC_NO_RESULT)
            return;
    }

    if (unlikely(rc == -ERESTART))
        hypercall_rewind(regs, a);
    else
        regs->rax = rc;
}
