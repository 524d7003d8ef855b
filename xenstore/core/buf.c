#include "xenstore/core/buf.h"
#include "xenstore/core/mem.h"

#include <stdlib.h>
#include <string.h>

/* An idle buffer above this gives its memory back. */
#define KEEP_BYTES 65536

char *buf_make_room(struct buf *b, size_t len)
{
    size_t have = buf_len(b);

    if (b->start && b->cap - have >= len && b->start >= have) {
        memmove(b->data, b->data + b->start, have);
        b->start = 0;
        b->end = have;
        return b->data + b->end;
    }
    while (b->cap - b->end < len)
        b->cap = b->cap ? 2 * b->cap : 1024;
    b->data = mem_resize(b->data, b->cap);
    return b->data + b->end;
}

void buf_consume(struct buf *b, size_t len)
{
    b->start += len;
    if (b->start == b->end)
        buf_clear(b);
}

void buf_clear(struct buf *b)
{
    b->start = b->end = 0;
    if (b->cap > KEEP_BYTES)
        buf_free(b);
}

void buf_free(struct buf *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}
