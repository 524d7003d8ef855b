/*
 * Granted pages that a frontend promises to use again and again, kept mapped:
 * the most recently used ones, up to a limit. Copying through a mapping is a
 * memcpy; a page that falls out of the cache is mapped again when it is needed.
 */
#ifndef PARAVANE_RUNTIME_GRANTCACHE_H
#define PARAVANE_RUNTIME_GRANTCACHE_H

#include <stdint.h>

struct gnttab;
struct grantcache;

/* 0 or -ENOMEM. */
int grantcache_open(struct grantcache **out, struct gnttab *gt, uint32_t domid,
                    unsigned int limit);

/* Unmaps everything; NULL is fine. */
void grantcache_close(struct grantcache *gc);

/*
 * The page behind `ref`, writable, valid until the next call. NULL when it
 * cannot be mapped.
 */
void *grantcache_get(struct grantcache *gc, uint32_t ref);

#endif
