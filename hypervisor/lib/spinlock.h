/*
 * Ticket locks. The hypervisor runs with interrupts off, always, except in
 * guests and in the idle loop, so a lock needs no interrupt-safe variant. A
 * CPU that spins keeps answering TLB flush requests (spin_wait), so a holder
 * may wait for a flush without a deadlock. Lock order: hypervisor/README.md.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "cpu/percpu.h"
#include "lib/lib.h"

struct spinlock {
    uint16_t owner, next;
#ifdef DEBUG
    int32_t cpu; /* holder + 1, 0 when free */
#endif
};

#define SPINLOCK_INIT                                                          \
    {                                                                          \
        0                                                                      \
    }

static inline void spin_lock(struct spinlock *l)
{
    uint16_t me = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

#ifdef DEBUG
    BUG_ON(l->cpu == (int32_t)cpu_id() + 1);
#endif
    while (unlikely(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != me))
        spin_wait();
#ifdef DEBUG
    l->cpu = (int32_t)cpu_id() + 1;
#endif
}

static inline bool spin_trylock(struct spinlock *l)
{
    uint16_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
    uint16_t expect = owner;

    if (!__atomic_compare_exchange_n(&l->next, &expect, owner + 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
#ifdef DEBUG
    l->cpu = (int32_t)cpu_id() + 1;
#endif
    return true;
}

static inline void spin_unlock(struct spinlock *l)
{
#ifdef DEBUG
    l->cpu = 0;
#endif
    /* Only the holder writes it: a plain store, which x86 keeps in order. */
    __asm__ volatile("addw $1, %0" : "+m"(l->owner)::"memory", "cc");
}

static inline bool spin_is_locked(const struct spinlock *l)
{
    return READ_ONCE(l->owner) != READ_ONCE(l->next);
}

#endif
