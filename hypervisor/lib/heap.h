/* Binary min-heap of keyed items; each item remembers where it sits. PORTABLE
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/lib.h"

struct heap_item {
    uint64_t key;
    uint32_t pos; /* 1-based position; 0: not in a heap */
};

struct heap {
    struct heap_item **items;
    uint32_t nr, max;
};

/* 0, or -ENOMEM when the array cannot grow. */
int heap_insert(struct heap *h, struct heap_item *item);
void heap_remove(struct heap *h, struct heap_item *item);
static inline struct heap_item *heap_first(const struct heap *h)
{
    return h->nr ? h->items[0] : NULL;
}

#endif
