#include "lib/heap.h"

#include "abi/errno.h"

static void place(struct heap *h, uint32_t pos, struct heap_item *item)
{
    h->items[pos - 1] = item;
    item->pos = pos;
}

static void rise(struct heap *h, struct heap_item *item)
{
    uint32_t pos = item->pos;

    for (; pos > 1 && h->items[pos / 2 - 1]->key > item->key; pos /= 2)
        place(h, pos, h->items[pos / 2 - 1]);
    place(h, pos, item);
}

static void sink(struct heap *h, struct heap_item *item)
{
    uint32_t pos = item->pos, child;

    for (; (child = pos * 2) <= h->nr; pos = child) {
        if (child < h->nr && h->items[child]->key < h->items[child - 1]->key)
            child++;
        if (h->items[child - 1]->key >= item->key)
            break;
        place(h, pos, h->items[child - 1]);
    }
    place(h, pos, item);
}

static int grow(struct heap *h)
{
    uint32_t max = h->max ? h->max * 2 : 16;
    struct heap_item **items = mem_alloc(max * sizeof(*items));

    if (!items)
        return -ENOMEM;
    if (h->nr)
        memcpy(items, h->items, h->nr * sizeof(*items));
    if (h->items)
        mem_free(h->items);
    h->items = items;
    h->max = max;
    return 0;
}

int heap_insert(struct heap *h, struct heap_item *item)
{
    int rc = h->nr < h->max ? 0 : grow(h);

    if (rc)
        return rc;
    place(h, ++h->nr, item);
    rise(h, item);
    return 0;
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    struct heap_item *last;
    uint32_t pos = item->pos;

    if (!pos)
        return;
    item->pos = 0;
    last = h->items[--h->nr];
    if (last == item)
        return;
    place(h, pos, last);
    rise(h, last);
    sink(h, last);
}
