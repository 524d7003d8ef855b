#include "pv-backends/runtime/ringmap.h"

#include "pv-backends/runtime/loop.h"
#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int read_ref(struct backend *be, const char *dir, const char *key,
                    uint32_t *ref)
{
    uint64_t value;
    int rc = store_read_uint(be->loop->store, dir, key, UINT32_MAX, &value);

    *ref = value;
    return rc;
}

static int read_refs(struct ringmap *map, struct backend *be, const char *dir,
                     const char *key, const char *order_key)
{
    char name[64];
    uint64_t order;
    int rc;

    rc = order_key ? store_read_uint(be->loop->store, be->frontend, order_key,
                                     RINGMAP_MAX_ORDER, &order)
                   : -ENOENT;
    if (rc == -ENOENT) {
        map->nr_pages = 1;
        return read_ref(be, dir, key, &map->refs[0]);
    }
    if (rc)
        return rc;

    map->nr_pages = 1u << order;
    for (unsigned int i = 0; i < map->nr_pages; i++) {
        snprintf(name, sizeof(name), "%s%u", key, i);
        rc = read_ref(be, dir, name, &map->refs[i]);
        if (rc)
            return rc;
    }
    return 0;
}

int ringmap_open(struct ringmap *map, struct backend *be, const char *dir,
                 const char *key, const char *order_key,
                 struct backend_why *why)
{
    int rc;

    memset(map, 0, sizeof(*map));
    rc = read_refs(map, be, dir, key, order_key);
    if (rc)
        return backend_fail(why, rc, "the frontend's %s is missing or wrong",
                            key);
    rc = gnttab_map(be->loop->gnttab, be->domid, map->refs, map->nr_pages, 1,
                    &map->pages);
    if (rc) {
        map->pages = NULL;
        return backend_fail(why, rc, "cannot map %s (grant %u): %s", key,
                            map->refs[0], strerror(-rc));
    }
    return 0;
}

void ringmap_close(struct ringmap *map, struct backend *be)
{
    if (map->pages)
        gnttab_unmap(be->loop->gnttab, map->pages, map->nr_pages);
    map->pages = NULL;
}

int ringmap_read_port(struct backend *be, const char *dir, const char *key,
                      uint32_t *port)
{
    uint64_t value;
    int rc = store_read_uint(be->loop->store, dir, key, UINT32_MAX, &value);

    *port = value;
    return rc;
}
