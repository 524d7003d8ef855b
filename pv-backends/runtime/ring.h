/*
 * The backend's half of a shared ring. Everything in the shared page belongs to
 * the guest: producer indices are read once, and slots are copied out before
 * anybody looks at them.
 */
#ifndef PARAVANE_RUNTIME_RING_H
#define PARAVANE_RUNTIME_RING_H

#include <stdint.h>
#include <string.h>

/* <xen/io/ring.h> wants barriers; x86 keeps loads and stores in order. */
#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#include <xen/io/ring.h>

#define RING_READ(field)         (*(const volatile RING_IDX *)&(field))
#define RING_WRITE(field, value) (*(volatile RING_IDX *)&(field) = (value))

/*
 * Copy a slot. The bytes are fetched exactly once: `volatile` keeps the
 * compiler from going back to the guest's page for a second look.
 */
static inline void ring_copy_out(void *to, const void *slot, size_t size)
{
    const volatile uint32_t *from = slot;
    uint32_t word;

    for (size_t i = 0; i < size / sizeof(word); i++) {
        word = from[i];
        memcpy((char *)to + i * sizeof(word), &word, sizeof(word));
    }
}

/*
 * After a push from `before` to `now`: does the peer, which asked to be woken
 * when index `event` is passed, need an event?
 */
static inline int ring_wants_event(RING_IDX before, RING_IDX now,
                                   RING_IDX event)
{
    return (RING_IDX)(now - event) < (RING_IDX)(now - before);
}

/*
 * Show the peer the answers up to `now`, the last `nr` of them new, through the
 * shared page's rsp_prod and rsp_event. Whether it wants an event for that.
 */
static inline int ring_publish(RING_IDX *rsp_prod, const RING_IDX *rsp_event,
                               RING_IDX now, RING_IDX nr)
{
    xen_wmb(); /* the answers before the index */
    RING_WRITE(*rsp_prod, now);
    xen_mb(); /* the index before the look whether the peer sleeps */
    return ring_wants_event(now - nr, now, RING_READ(*rsp_event));
}

#endif
