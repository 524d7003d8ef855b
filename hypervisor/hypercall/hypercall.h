/*
 * Hypercalls: one table of calls, one place that copies sub-op arguments.
 * PORTABLE.
 */
#ifndef HYPERCALL_HYPERCALL_H
#define HYPERCALL_HYPERCALL_H

#include "lib/lib.h"

/*
 * Arguments of a running call. A handler that must give way updates arg[] so
 * that repeating the call with them continues the work, then returns
 * -ERESTART; the dispatcher makes the guest (or the multicall) ask again.
 */
struct hc_args {
    uint64_t arg[6];
};

typedef long (*hc_handler)(struct hc_args *a);

enum {
    HC_FROM_PV = 1,
    HC_FROM_HVM = 2,
    HC_PRIVILEGED = 4, /* -EPERM for all but privileged domains */
    HC_ALONE = 8,      /* refused inside a multicall */
    HC_NO_RESULT = 16  /* sets the registers itself */
};

struct hypercall {
    hc_handler fn;
    const char *name;
    uint8_t nr_args;
    uint8_t flags;
};

#define HC_NR 56 /* numbers in use, and the eight of the architecture */
extern const struct hypercall hypercall_table[HC_NR];

/* dispatch.c: may the running domain use a row that is HC_PRIVILEGED? */
bool hypercall_may_use_privileged(void);

/*
 * The row of call `nr`, if the running domain may use it; -ENOSYS, -EPERM.
 */
static inline long hypercall_find(uint64_t nr, const struct hypercall **row)
{
    if (unlikely(nr >= HC_NR))
        return -ENOSYS;
    *row = &hypercall_table[nospec_index(nr, HC_NR)];
    if (unlikely(!(*row)->fn))
        return -ENOSYS;
    if (unlikely((*row)->flags & HC_PRIVILEGED) &&
        !hypercall_may_use_privileged())
        return -EPERM;
    return 0;
}

/*
 * pv/entry.S calls it for a syscall out of virtual kernel mode: `regs` name
 * the call and get its result, `a` holds what they pass. The caller has
 * cleared cpu_info()->entry_tsc: hypercall_should_yield() has not been asked.
 */
void hypercall_dispatch(struct cpu_user_regs *regs, struct hc_args *a);
/* restart.c: make the guest ask again with the arguments of `a`. */
void hypercall_rewind(struct cpu_user_regs *regs, const struct hc_args *a);
/* restart.c: has the running hypercall had its share of time? Then return
   -ERESTART at the next safe point. */
bool hypercall_should_yield(void);

/* Sub-operations: rows indexed by number. */
enum { HC_IN = 1, HC_OUT = 2, HC_INOUT = 3, HC_PRIV = 4 };
struct hc_subop {
    int (*fn)(void *arg); /* arg: our copy of the structure */
    uint16_t size;
    uint8_t flags;
};
/*
 * Copy the argument in (at most 512 bytes), run the row, copy it out when
 * HC_OUT and rc >= 0. -ENOSYS without a row, -EPERM when HC_PRIV and the
 * caller is not privileged, -EFAULT.
 */
long subop_run(const struct hc_subop *rows, size_t nr_rows, uint64_t cmd,
               void *guest_arg);

/* version.c: what XENVER_commandline answers; boot calls it once. */
void version_set_cmdline(const char *cmdline);

/* Does this domain have the right to act on that one? (domain/policy.c) */
struct domain;
bool policy_is_privileged(const struct domain *d);

#endif
