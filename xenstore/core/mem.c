#include "xenstore/core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
    if (p)
        return p;
    fputs("pvstored: out of memory\n", stderr);
    abort();
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *mem_zalloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *mem_resize(void *p, size_t size)
{
    return checked(realloc(p, size ? size : 1));
}

void *mem_dup(const void *p, size_t size)
{
    void *copy = mem_alloc(size);

    if (size)
        memcpy(copy, p, size);
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_dup(s, strlen(s) + 1);
}

void *mem_grow(void *vec, size_t nr, size_t *cap, size_t elem_size)
{
    if (nr < *cap)
        return vec;
    *cap = *cap ? 2 * *cap : 8;
    return mem_resize(vec, *cap * elem_size);
}
