/*
 * Memory that is there. The daemon is made to be killed and restarted from its
 * journal, so running out of memory is just that: abort() with a word on
 * standard error. What foreign peers can make us allocate is bounded by quotas.
 */
#ifndef XENSTORE_CORE_MEM_H
#define XENSTORE_CORE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);              /* contents undefined */
void *mem_zalloc(size_t size);             /* zeroed */
void *mem_resize(void *p, size_t size);    /* as realloc() */
char *mem_strdup(const char *s);           /* to free() */
void *mem_dup(const void *p, size_t size); /* to free() */

/* Room for one more in a vector of `nr` elements, doubling it when full. */
void *mem_grow(void *vec, size_t nr, size_t *cap, size_t elem_size);

#endif
