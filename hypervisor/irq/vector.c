#include "irq/internal.h"
#include "lib/bitmap.h"

/* One vector space for all CPUs: an interrupt may be aimed at any of them. */
static struct {
    vector_fn fn;
    void *arg;
} vectors[256];

int vector_alloc(vector_fn fn, void *arg)
{
    for (int v = VECTOR_FIRST_DYNAMIC; v <= VECTOR_LAST_DYNAMIC; v++) {
        if (vectors[v].fn)
            continue;
        vectors[v].arg = arg;
        /* A stray interrupt must not see the function without its argument. */
        __atomic_store_n(&vectors[v].fn, fn, __ATOMIC_RELEASE);
        return v;
    }
    return -ENOSPC;
}

void vector_free(int vector)
{
    __atomic_store_n(&vectors[vector].fn, NULL, __ATOMIC_RELEASE);
}

bool vector_run(unsigned vector)
{
    vector_fn fn = __atomic_load_n(&vectors[vector].fn, __ATOMIC_ACQUIRE);

    if (!fn)
        return false;
    fn(vectors[vector].arg);
    return true;
}
