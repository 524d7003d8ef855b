/* Bit arrays of 64-bit words, and atomic single-bit operations. PORTABLE. */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/lib.h"

#define BITS_TO_WORDS(n) (((n) + 63) / 64)

static inline bool bit_test(const uint64_t *map, size_t bit)
{
    return READ_ONCE(map[bit / 64]) >> (bit % 64) & 1;
}

/* Plain (unlocked) updates. */
static inline void bit_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}

static inline void bit_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}

/* Atomic, full barrier; each returns the bit's old value. */
static inline bool bit_test_and_set(uint64_t *map, size_t bit)
{
    uint64_t m = 1ull << (bit % 64);

    return __atomic_fetch_or(&map[bit / 64], m, __ATOMIC_SEQ_CST) & m;
}

static inline bool bit_test_and_clear(uint64_t *map, size_t bit)
{
    uint64_t m = 1ull << (bit % 64);

    return __atomic_fetch_and(&map[bit / 64], ~m, __ATOMIC_SEQ_CST) & m;
}

/* First set (clear) bit at or after `from`; `nr` when there is none. */
size_t bitmap_find_set(const uint64_t *map, size_t nr, size_t from);
size_t bitmap_find_clear(const uint64_t *map, size_t nr, size_t from);
size_t bitmap_weight(const uint64_t *map, size_t nr);

/* A set of CPUs. MAX_CPUS is 64: one word. */
typedef uint64_t cpumask_t;
static_assert(MAX_CPUS <= 64, "cpumask_t is one word");

#define CPUMASK_OF(cpu) (1ull << (cpu))
#define cpumask_for_each(cpu, mask)                                            \
    for (cpumask_t mask_##cpu = (mask), cpu;                                   \
         mask_##cpu && (cpu = (cpumask_t)__builtin_ctzll(mask_##cpu), true);   \
         mask_##cpu &= mask_##cpu - 1)

#endif
