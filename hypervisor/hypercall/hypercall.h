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
    HC_PRIVILEGED = 4 /* -EPERM for all but privileged domains */
};

struct hypercall {
    hc_handler fn;
    const char *name;
    uint8_t nr_args;
    uint8_t flags;
};

#define HC_NR 56 /* numbers in use, and the eight of the architecture */
extern const struct hypercall hypercall_table[HC_NR];

/* The row of `nr`, which is below HC_NR and may have no call. */
static inline const struct hypercall *hypercall_row(uint64_t nr)
{
    return &hypercall_table[nospec_index(nr, HC_NR)];
}

/* A call, and one for everybody? An empty row has no flags. */
static inline bool hypercall_is_plain(const struct hypercall *row)
{
    return (row->flags & (HC_FROM_PV | HC_PRIVILEGED)) == HC_FROM_PV;
}

/* dispatch.c: may the running domain make this call? 0, -ENOSYS, -EPERM. */
long hypercall_check(const struct hypercall *row);

/*
 * pv/entry.S calls it for a syscall out of virtual kernel mode: `nr` names the
 * call, `a` holds what the registers pass. The result is for the guest's RAX,
 * unless it is -ERESTART: then hypercall_rewind() is to follow. The caller has
 * cleared cpu_info()->entry_tsc: hypercall_should_yield() has not been asked.
 */
long hypercall_dispatch(uint64_t nr, struct hc_args *a);
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
