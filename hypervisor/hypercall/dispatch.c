/* From a guest's registers to a handler and back. */
#include "hypercall/hypercall.h"
#include "cpu/latency.h"
#include "domain/domain.h"

bool hypercall_may_use_privileged(void)
{
    return policy_is_privileged(current->domain);
}

void hypercall_dispatch(struct cpu_user_regs *regs)
{
    struct hc_args a = {
        {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9}};
    const struct hypercall *row;
    long rc;

    /* The clock of hypercall_should_yield() starts when first asked. */
    cpu_info()->entry_tsc = 0;

    row = hypercall_find(regs->rax, &rc);
    if (likely(row)) {
        latency_begin();
        rc = row->fn(&a);
        latency_end(LATENCY_HYPERCALL, (unsigned)regs->rax);
        if (row->flags & HC_NO_RESULT)
            return;
    }

    if (unlikely(rc == -ERESTART))
        hypercall_rewind(regs, &a);
    else
        regs->rax = rc;
}
