/*
 * Page-aligned buffers for requests under way: a few sizes, kept for reuse,
 * and a bound on their sum.
 */
#ifndef PARAVANE_BLOCK_BUFPOOL_H
#define PARAVANE_BLOCK_BUFPOOL_H

#include <stddef.h>

enum { BUFPOOL_CLASSES = 4 };

struct bufpool {
    size_t limit_bytes, used_bytes;
    void *idle[BUFPOOL_CLASSES]; /* chained through their first word */
};

void bufpool_init(struct bufpool *pool, size_t limit_bytes);
void bufpool_destroy(struct bufpool *pool);

/*
 * At least `bytes` (up to 512 KiB), or NULL when the bound is reached; the
 * first one is always given.
 */
void *bufpool_get(struct bufpool *pool, size_t bytes);

/* `bytes` as it was asked for. */
void bufpool_put(struct bufpool *pool, void *buf, size_t bytes);

#endif
