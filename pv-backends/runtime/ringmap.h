/*
 * A frontend's ring pages, mapped side by side for as long as it is connected.
 */
#ifndef PARAVANE_RUNTIME_RINGMAP_H
#define PARAVANE_RUNTIME_RINGMAP_H

#include "pv-backends/runtime/backend.h"

#define RINGMAP_MAX_ORDER 4
#define RINGMAP_MAX_PAGES (1u << RINGMAP_MAX_ORDER)

struct ringmap {
    void *pages;
    unsigned int nr_pages;
    uint32_t refs[RINGMAP_MAX_PAGES];
};

/*
 * Read the grant references from `dir`, the frontend's directory or the one of
 * a queue in it, and map them: `key` alone when the frontend has no `order_key`
 * (which all queues share; NULL: never asked), else `key`0, 1, ... 0, or -errno
 * with the reason in `why`.
 */
int ringmap_open(struct ringmap *map, struct backend *be, const char *dir,
                 const char *key, const char *order_key,
                 struct backend_why *why);

/* Fine on one that is not open. */
void ringmap_close(struct ringmap *map, struct backend *be);

/* Read an event channel's number from there. */
int ringmap_read_port(struct backend *be, const char *dir, const char *key,
                      uint32_t *port);

#endif
