/*
 * The frontend's half of a shared ring. Everything in the shared page may be
 * rewritten by a hostile backend at any moment: its producer index is read
 * once and checked against what is outstanding, and an answer is copied out
 * before anybody looks at it.
 */
#ifndef PARAVANE_CORE_RING_H
#define PARAVANE_CORE_RING_H

#include "pv-frontends/core/libc.h"

/* <xen/io/ring.h> wants barriers; x86 keeps loads and stores in order. */
#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#include <xen/io/ring.h>

/* One read, one write, of something shared. */
#define shared_read(x)     (*(const volatile __typeof__(x) *)&(x))
#define shared_write(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Copy from shared memory, each byte fetched exactly once. */
static inline void shared_copy_out(void *to, const void *from, size_t size)
{
    const volatile uint8_t *shared = from;
    uint8_t *own = to;

    for (size_t i = 0; i < size; i++)
        own[i] = shared[i];
}

/*
 * After our push from `before` to `now`: does the peer, which asked to be woken
 * when index `event` is passed, need an event?
 */
static inline bool ring_wants_event(RING_IDX before, RING_IDX now,
                                    RING_IDX event)
{
    return (RING_IDX)(now - event) < (RING_IDX)(now - before);
}

#endif
