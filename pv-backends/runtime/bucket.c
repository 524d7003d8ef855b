#include "pv-backends/runtime/bucket.h"

#include <time.h>

#define SECOND_NS 1000000000ull

/* Beyond this no host goes; it keeps the arithmetic within its words. */
#define MOST (UINT64_C(1) << 40)

void bucket_set(struct bucket *b, uint64_t per_second, uint64_t burst)
{
    bool was_limited = b->per_second;

    b->per_second = per_second < MOST ? per_second : MOST;
    if (!burst)
        burst = b->per_second / 10;
    b->size = burst < 1 ? 1 : burst < MOST ? (int64_t)burst : (int64_t)MOST;
    if (!was_limited || b->level > b->size)
        b->level = b->size;
}

static void fill(struct bucket *b, uint64_t now_ns)
{
    /* Huge at the first look and for a clock gone backwards: then it is full.
     */
    uint64_t ns = now_ns - b->filled_ns;
    unsigned __int128 tokens =
        (unsigned __int128)ns * b->per_second / SECOND_NS;

    if (!tokens)
        return; /* the time is not lost: it counts on from filled_ns */
    b->filled_ns = now_ns;
    if (tokens >= (unsigned __int128)(b->size - b->level))
        b->level = b->size;
    else
        b->level += (int64_t)tokens;
}

uint64_t bucket_wait_ns(struct bucket *b, uint64_t now_ns)
{
    uint64_t missing;

    if (!b->per_second)
        return 0;
    fill(b, now_ns);
    if (b->level > 0)
        return 0;
    missing = (uint64_t)(1 - b->level);
    return (uint64_t)((unsigned __int128)missing * SECOND_NS / b->per_second) +
           1;
}

void bucket_take(struct bucket *b, uint64_t amount)
{
    if (b->per_second)
        b->level -= (int64_t)(amount < MOST ? amount : MOST);
}

uint64_t bucket_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}
