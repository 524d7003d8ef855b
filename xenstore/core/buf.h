/* A queue of bytes: appended at the end, consumed at the start. */
#ifndef XENSTORE_CORE_BUF_H
#define XENSTORE_CORE_BUF_H

#include <stddef.h>
#include <string.h>

struct buf {
    char *data;
    size_t start, end, cap;
};

static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline const char *buf_head(const struct buf *b)
{
    return b->data ? b->data + b->start : "";
}

char *buf_make_room(struct buf *b, size_t len); /* for buf_reserve() */

/* Room for `len` bytes at the end; they count once buf_extend() says so. */
static inline char *buf_reserve(struct buf *b, size_t len)
{
    return b->cap - b->end >= len ? b->data + b->end : buf_make_room(b, len);
}

static inline void buf_extend(struct buf *b, size_t len)
{
    b->end += len;
}

static inline void buf_append(struct buf *b, const void *data, size_t len)
{
    if (!len)
        return;
    memcpy(buf_reserve(b, len), data, len);
    b->end += len;
}

void buf_consume(struct buf *b, size_t len);
void buf_clear(struct buf *b); /* keeps a modest allocation */
void buf_free(struct buf *b);

#endif
