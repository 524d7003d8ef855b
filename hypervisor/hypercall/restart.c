/* Long calls give way and resume. */
#include "hypercall/hypercall.h"
#include "domain/domain.h"
#include "time/clock.h"

/*
 * In ticks, not ns: long lists ask after every entry. A quarter of a
 * millisecond, whether or not anybody is known to wait: interrupts wait unseen,
 * and the step that is under way comes on top (2 MiB to clear are as much
 * again, and more).
 */
#define YIELD_AFTER (tsc_khz / 4)
/* Where somebody is known to: enough for the way out and in to weigh little. */
#define YIELD_SOON (tsc_khz / 32)

static bool somebody_waits(const struct cpu_info *ci, uint64_t now)
{
    if (READ_ONCE(ci->work) & (1ull << WORK_TIMER | 1ull << WORK_SCHED))
        return true;
    return timer_is_due(now);
}

bool hypercall_should_yield(void)
{
    struct cpu_info *ci = cpu_info();
    uint64_t now = clock_ticks();
    uint64_t spent;

    if (!ci->entry_tsc) {
        ci->entry_tsc = now | 1; /* 0 means not asked yet */
        return false;
    }

    spent = now - ci->entry_tsc;
    if (likely(spent < YIELD_SOON) || spent >= 1ull << 63)
        return false;
    return spent >= YIELD_AFTER || somebody_waits(ci, now);
}

/* Both ways in, `syscall` and a hypercall page's, are 2 bytes long. */
#define SYSCALL_LENGTH 2

void hypercall_rewind(struct cpu_user_regs *regs, const struct hc_args *a)
{
    regs->rip -= SYSCALL_LENGTH;
    regs->rdi = a->arg[0];
    regs->rsi = a->arg[1];
    regs->rdx = a->arg[2];
    regs->r10 = a->arg[3];
    regs->r8 = a->arg[4];
    regs->r9 = a->arg[5];
}
