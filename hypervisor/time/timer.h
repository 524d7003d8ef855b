/*
 * Deadlines. PORTABLE; each CPU has a heap, armed in hardware through
 * timer_arm_hardware(). Callbacks run on that CPU in WORK_TIMER, with no lock
 * held, in the hypervisor's usual state (interrupts off).
 */
#ifndef TIME_TIMER_H
#define TIME_TIMER_H

#include "lib/heap.h"

struct timer {
    struct heap_item item; /* key: deadline in system time, ns */
    void (*fn)(void *arg);
    void *arg;
    uint32_t cpu;
    bool running, dead;
    struct timer *unplaced; /* next of those without room in the heap */
};

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg,
                unsigned cpu);
/* (Re)arm; a past deadline fires as soon as the CPU looks. Any CPU. */
void timer_set(struct timer *t, uint64_t deadline_ns);
void timer_stop(struct timer *t);
/*
 * Stop, wait for a running callback elsewhere; no use after it. The caller
 * holds no lock that the callback takes. A callback may kill its own timer
 * but must leave freeing it to others.
 */
void timer_kill(struct timer *t);
/* Fire from another CPU from now on (the vCPU moved). */
void timer_migrate(struct timer *t, unsigned cpu);
/* WORK_TIMER: run what is due, arm for the next. */
void timer_run(void);
void timer_init_cpu(unsigned cpu);
/* VECTOR_TIMER: this CPU's deadline came. */
void timer_interrupt(void);

/* time/clock.c; tests bring fakes. 0: nothing to wait for. */
void timer_arm_hardware(uint64_t deadline_ns);

/* Debug key a: each CPU's queue into the log. */
void timer_dump(void);

#endif
