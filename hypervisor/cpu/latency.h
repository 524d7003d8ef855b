/*
 * How long a CPU stays in the hypervisor, interrupts off: the worst of each
 * kind since it was last asked (debug key l, which also switches it on).
 */
#ifndef CPU_LATENCY_H
#define CPU_LATENCY_H

#include "lib/lib.h"

enum latency_kind {
    LATENCY_HYPERCALL, /* what: its number */
    LATENCY_EXCEPTION, /* what: its vector */
    LATENCY_INTERRUPT, /* what: its vector */
    LATENCY_EXIT,      /* since the entry, to a way out that had work to do */
    LATENCY_NR
};

/* Off: one test of a variable each. */
extern bool latency_on;
void latency_entered(void);
/* Since latency_entered() on this CPU. */
void latency_record(enum latency_kind kind, unsigned what);

static inline bool latency_is_on(void)
{
    return latency_on; /* seen a little later, it does as well */
}
static inline void latency_begin(void)
{
    if (unlikely(latency_is_on()))
        latency_entered();
}
static inline void latency_end(enum latency_kind kind, unsigned what)
{
    if (unlikely(latency_is_on()))
        latency_record(kind, what);
}

/* Into the log, then begin anew. */
void latency_dump(void);

#endif
