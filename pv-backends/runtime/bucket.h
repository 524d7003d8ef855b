/*
 * A limit on a rate, as a bucket of tokens: what is taken may exceed what is in
 * it, once, and the debt is waited for. So a piece larger than the bucket goes
 * through, and the rate holds all the same. Pure.
 */
#ifndef PARAVANE_RUNTIME_BUCKET_H
#define PARAVANE_RUNTIME_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint64_t per_second; /* 0: no limit */
    int64_t size, level;
    uint64_t filled_ns; /* when it was last looked at */
};

/*
 * `per_second` tokens, and `burst` at once (0: a tenth of a second's). What is
 * in the bucket stays there as far as it fits.
 */
void bucket_set(struct bucket *b, uint64_t per_second, uint64_t burst);

/* May something be taken? 0, or the nanoseconds until it may. */
uint64_t bucket_wait_ns(struct bucket *b, uint64_t now_ns);

/* Take, after bucket_wait_ns() has said 0. */
void bucket_take(struct bucket *b, uint64_t amount);

/* The clock for it. */
uint64_t bucket_now_ns(void);

#endif
