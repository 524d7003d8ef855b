#include "pv-backends/block/bufpool.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 4096 };

/* One page, a plain request, Linux's usual indirect one, the largest. */
static const size_t class_bytes[BUFPOOL_CLASSES] = {
    1 * ALIGNMENT, 11 * ALIGNMENT, 32 * ALIGNMENT, 128 * ALIGNMENT};

static int class_of(size_t bytes)
{
    for (int c = 0; c < BUFPOOL_CLASSES; c++)
        if (bytes <= class_bytes[c])
            return c;
    return -1;
}

void bufpool_init(struct bufpool *pool, size_t limit_bytes)
{
    memset(pool, 0, sizeof(*pool));
    pool->limit_bytes = limit_bytes;
}

void bufpool_destroy(struct bufpool *pool)
{
    for (int c = 0; c < BUFPOOL_CLASSES; c++) {
        void *buf, *next;

        for (buf = pool->idle[c]; buf; buf = next) {
            next = *(void **)buf;
            free(buf);
        }
        pool->idle[c] = NULL;
    }
}

void *bufpool_get(struct bufpool *pool, size_t bytes)
{
    int c = class_of(bytes);
    void *buf;

    if (c < 0)
        return NULL;
    if (pool->used_bytes &&
        pool->used_bytes + class_bytes[c] > pool->limit_bytes)
        return NULL;
    buf = pool->idle[c];
    if (buf)
        pool->idle[c] = *(void **)buf;
    else
        buf = aligned_alloc(ALIGNMENT, class_bytes[c]);
    if (buf)
        pool->used_bytes += class_bytes[c];
    return buf;
}

void bufpool_put(struct bufpool *pool, void *buf, size_t bytes)
{
    int c = class_of(bytes);

    *(void **)buf = pool->idle[c];
    pool->idle[c] = buf;
    pool->used_bytes -= class_bytes[c];
}
