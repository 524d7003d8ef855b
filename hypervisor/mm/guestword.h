/*
 * Guest memory in line, for the few paths that are taken all the time; the
 * rest goes by guestcopy.h, whose rules hold here, too: each word is read or
 * written once, and an address is masked before it is used.
 */
#ifndef MM_GUESTWORD_H
#define MM_GUESTWORD_H

#include "cpu/extable.h"
#include "mm/guestcopy.h"

/* One load or store of up to 8 bytes; a fault goes to the label `fault`. */
#define GUEST_LOAD(value, p)                                                   \
    __asm__ goto("1: mov %1, %0\n" _ASM_EXTABLE("1b", "%l[fault]")             \
                 : "=r"(value)                                                 \
                 : "m"(*(p))                                                   \
                 :                                                             \
                 : fault)
#define GUEST_STORE(p, value)                                                  \
    __asm__ goto("1: mov %1, %0\n" _ASM_EXTABLE("1b", "%l[fault]")             \
                 :                                                             \
                 : "m"(*(p)), "r"((__typeof__(*(p)))(value))                   \
                 : "memory"                                                    \
                 : fault)

/*
 * guest_addr() of a size that is known and small. All that a guest may use is
 * one piece, from the end of our range around to the end of its lower half.
 */
static inline bool guest_addr_small(const void *guest, size_t n,
                                    uintptr_t *addr)
{
    uintptr_t start = (uintptr_t)guest;
    uintptr_t mask =
        nospec_below(start - HOST_VA_END, GUEST_LOW_END - n + 1 - HOST_VA_END);

    *addr = start & mask;
    return mask;
}

#define GUEST_IN_LINE static inline __attribute__((always_inline)) MUST_CHECK

/* Do op(i) for each of n / 8 words; n is a constant, up to 64. */
#define GUEST_WORDS(op, n)                                                     \
    do {                                                                       \
        op(0, n) op(1, n) op(2, n) op(3, n);                                   \
        op(4, n) op(5, n) op(6, n) op(7, n);                                   \
    } while (0)
#define GUEST_WORD_IN(i, n)                                                    \
    if ((n) > (i)*8) {                                                         \
        GUEST_LOAD(word, (const uint64_t *)p + (i));                           \
        memcpy((char *)dst + (i)*8, &word, sizeof(word));                      \
    }
#define GUEST_WORD_OUT(i, n)                                                   \
    if ((n) > (i)*8) {                                                         \
        memcpy(&word, (const char *)src + (i)*8, sizeof(word));                \
        GUEST_STORE((uint64_t *)p + (i), word);                                \
    }

/* copy_from_guest(), copy_to_guest() of a constant size: 4 in, 2 out, or up to
   eight words of 8. */
GUEST_IN_LINE int guest_load(void *dst, const void *guest, size_t n)
{
    uint64_t word = 0; /* which the asm sets, unseen by checkers */
    uint32_t half = 0;
    uintptr_t p;

    if (unlikely(!guest_addr_small(guest, n, &p)))
        return -EFAULT;
    if (n == sizeof(half)) {
        GUEST_LOAD(half, (const uint32_t *)p);
        memcpy(dst, &half, sizeof(half));
        return 0;
    }
    GUEST_WORDS(GUEST_WORD_IN, n);
    return 0;
fault:
    return -EFAULT;
}

GUEST_IN_LINE int guest_store(void *guest, const void *src, size_t n)
{
    uint64_t word;
    uint16_t quarter;
    uintptr_t p;

    if (unlikely(!guest_addr_small(guest, n, &p)))
        return -EFAULT;
    if (n == sizeof(quarter)) {
        memcpy(&quarter, src, sizeof(quarter));
        GUEST_STORE((uint16_t *)p, quarter);
        return 0;
    }
    GUEST_WORDS(GUEST_WORD_OUT, n);
    return 0;
fault:
    return -EFAULT;
}

#endif
