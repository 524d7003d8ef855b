#include "pv-backends/console/consring.h"

#include <string.h>

#define READ_INDEX(x)     __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_INDEX(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)

size_t consring_peek(const struct xencons_interface *page, char *buf,
                     size_t max)
{
    XENCONS_RING_IDX cons = READ_INDEX(page->out_cons);
    XENCONS_RING_IDX prod = READ_INDEX(page->out_prod);
    size_t n = (XENCONS_RING_IDX)(prod - cons);
    size_t at = MASK_XENCONS_IDX(cons, page->out), first;

    if (n > sizeof(page->out))
        return 0;
    if (n > max)
        n = max;
    first = sizeof(page->out) - at;
    if (first > n)
        first = n;
    memcpy(buf, page->out + at, first);
    memcpy(buf + first, page->out, n - first);
    return n;
}

void consring_consume(struct xencons_interface *page, size_t n)
{
    WRITE_INDEX(page->out_cons,
                READ_INDEX(page->out_cons) + (XENCONS_RING_IDX)n);
}

size_t consring_write(struct xencons_interface *page, const char *buf, size_t n)
{
    XENCONS_RING_IDX cons = READ_INDEX(page->in_cons);
    XENCONS_RING_IDX prod = READ_INDEX(page->in_prod);
    size_t used = (XENCONS_RING_IDX)(prod - cons);

    if (used > sizeof(page->in))
        return 0;
    if (n > sizeof(page->in) - used)
        n = sizeof(page->in) - used;
    for (size_t i = 0; i < n; i++)
        page->in[MASK_XENCONS_IDX(prod + i, page->in)] = buf[i];
    WRITE_INDEX(page->in_prod, prod + (XENCONS_RING_IDX)n);
    return n;
}
