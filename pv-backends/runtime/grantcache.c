#include "pv-backends/runtime/grantcache.h"

#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { BUCKETS = 1024 };

struct cached {
    LIST_ENTRY(cached) bucket;
    TAILQ_ENTRY(cached) age; /* oldest use first */
    uint32_t ref;
    void *page;
};

struct grantcache {
    struct gnttab *gt;
    uint32_t domid;
    unsigned int limit, nr;
    LIST_HEAD(, cached) buckets[BUCKETS];
    TAILQ_HEAD(, cached) ages;
};

int grantcache_open(struct grantcache **out, struct gnttab *gt, uint32_t domid,
                    unsigned int limit)
{
    struct grantcache *gc = calloc(1, sizeof(*gc));

    if (!gc)
        return -ENOMEM;
    gc->gt = gt;
    gc->domid = domid;
    gc->limit = limit;
    TAILQ_INIT(&gc->ages);
    *out = gc;
    return 0;
}

static void drop(struct grantcache *gc, struct cached *c)
{
    gnttab_unmap(gc->gt, c->page, 1);
    LIST_REMOVE(c, bucket);
    TAILQ_REMOVE(&gc->ages, c, age);
    gc->nr--;
    free(c);
}

void grantcache_close(struct grantcache *gc)
{
    struct cached *c;

    if (!gc)
        return;
    while ((c = TAILQ_FIRST(&gc->ages)))
        drop(gc, c);
    free(gc);
}

static struct cached *add(struct grantcache *gc, uint32_t ref)
{
    struct cached *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    if (gc->nr >= gc->limit)
        drop(gc, TAILQ_FIRST(&gc->ages));
    if (gnttab_map(gc->gt, gc->domid, &ref, 1, 1, &c->page)) {
        free(c);
        return NULL;
    }
    c->ref = ref;
    LIST_INSERT_HEAD(&gc->buckets[ref % BUCKETS], c, bucket);
    TAILQ_INSERT_TAIL(&gc->ages, c, age);
    gc->nr++;
    return c;
}

void *grantcache_get(struct grantcache *gc, uint32_t ref)
{
    struct cached *c;

    LIST_FOREACH(c, &gc->buckets[ref % BUCKETS], bucket)
    {
        if (c->ref != ref)
            continue;
        TAILQ_REMOVE(&gc->ages, c, age);
        TAILQ_INSERT_TAIL(&gc->ages, c, age);
        return c->page;
    }
    c = add(gc, ref);
    return c ? c->page : NULL;
}
