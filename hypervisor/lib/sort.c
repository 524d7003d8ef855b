#include "lib/lib.h"

typedef int (*cmp_fn)(const void *, const void *);

static void swap_items(uint8_t *a, uint8_t *b, size_t size)
{
    while (size--) {
        uint8_t t = *a;

        *a++ = *b;
        *b++ = t;
    }
}

/* Let the item at `root` sink until no child is larger. */
static void sink(uint8_t *base, size_t root, size_t nr, size_t size, cmp_fn cmp)
{
    size_t child;

    for (; (child = 2 * root + 1) < nr; root = child) {
        if (child + 1 < nr &&
            cmp(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (cmp(base + root * size, base + child * size) >= 0)
            return;
        swap_items(base + root * size, base + child * size, size);
    }
}

void sort_array(void *base, size_t nr, size_t size, cmp_fn cmp)
{
    for (size_t i = nr / 2; i-- > 0;)
        sink(base, i, nr, size, cmp);
    for (size_t end = nr; end > 1; end--) {
        swap_items(base, (uint8_t *)base + (end - 1) * size, size);
        sink(base, 0, end - 1, size, cmp);
    }
}
