/* A queue of bytes: appended at the end, consumed at the start. */
#ifndef XENSTORE_CORE_BUF_H
#define XENSTORE_CORE_BUF_H

#include <stddef.h>

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

/* Room for `len` bytes at the end; they count once buf_extend() says so. */
char *buf_reserve(struct buf *b, size_t len);
void buf_extend(struct buf *b, size_t len);
void buf_append(struct buf *b, const void *data, size_t len);
void buf_consume(struct buf *b, size_t len);
void buf_clear(struct buf *b); /* keeps a modest allocation */
void buf_free(struct buf *b);

#endif
