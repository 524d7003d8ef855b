/*
 * How long a ring's requests take, counted in memory that others may look at:
 * a small file under /run. One process writes it, a few instructions for each
 * answer, in cache lines that belong to that ring alone.
 */
#ifndef LIBS_LATENCY_LATENCY_H
#define LIBS_LATENCY_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bucket b counts what took less than 2^b microseconds, the last one the rest:
 * from 16 seconds on. */
enum { LATENCY_BUCKETS = 26, LATENCY_MAX_WAYS = 2 };

struct latency {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t max_us;
} __attribute__((aligned(64)));

/* The file: one ring, or the two of a network card (sent, received). */
struct latency_file {
    uint64_t magic;
    struct latency ways[LATENCY_MAX_WAYS];
};

/* --- writing ----------------------------------------------------------------
 */

/* For whoever has no file: written, never read. */
extern struct latency latency_nowhere;

/* Of the processor's clock, times 2^-32: set by latency_create(). */
extern uint64_t latency_us_per_tick;

/*
 * Make the file, or go on with a predecessor's. Never fails: what cannot be
 * kept is counted nowhere. latency_destroy() takes it, NULL too.
 */
struct latency_file *latency_create(const char *path, bool go_on);
void latency_destroy(struct latency_file *file, const char *path, bool remove);

/* A way of the file's, or the nowhere. */
static inline struct latency *latency_way(struct latency_file *file,
                                          unsigned int way)
{
    return file ? &file->ways[way] : &latency_nowhere;
}

static inline uint64_t latency_clock(void)
{
    return __builtin_ia32_rdtsc();
}

/* `nr` requests that were there at `since` are answered now. */
static inline void latency_add(struct latency *l, uint64_t since,
                               unsigned int nr)
{
    uint64_t ticks = latency_clock() - since, us;
    unsigned int bucket;

    if ((int64_t)ticks < 0)
        ticks = 0; /* another processor's clock is a little behind */
    us = (uint64_t)((unsigned __int128)ticks * latency_us_per_tick >> 32);
    bucket = us ? 64 - (unsigned int)__builtin_clzll(us) : 0;
    if (bucket >= LATENCY_BUCKETS)
        bucket = LATENCY_BUCKETS - 1;
    l->counts[bucket] += nr;
    if (us > l->max_us)
        l->max_us = us;
}

/* --- reading ----------------------------------------------------------------
 */

struct latency_summary {
    uint64_t answers;
    /* Half, and 99 of 100, took less than that. */
    uint64_t p50_us, p99_us, max_us;
};

/* A copy of the file. 0 or -errno; -EINVAL when it is none. */
int latency_read(const char *path, struct latency_file *copy);

/* Pure. */
void latency_summarize(const struct latency *l, struct latency_summary *s);

#endif
