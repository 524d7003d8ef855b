/* Memory for a PV guest. */
#include "dom0/builder/fill.h"

#include <errno.h>
#include <stdlib.h>

#define SUPERPAGE_ORDER 9
#define SUPERPAGE       (1ul << SUPERPAGE_ORDER)
#define SMALL_BATCH     4096ul

static int no_memory(const struct fill *f)
{
    struct xen_sysctl_physinfo info;
    uint64_t free_mib = 0;

    if (!hv_physinfo(f->b->hv, &info))
        free_mib = (info.free_pages - info.outstanding_pages) >> 8;
    return builder_fail(f->err, -ENOMEM,
                        "There is not enough free memory for %s: it needs "
                        "%llu MiB, about %llu MiB are free.",
                        f->cfg->name, (unsigned long long)(f->l->nr_pages >> 8),
                        (unsigned long long)free_mib);
}

/* As many superpages as there are, *done pages of them. */
static int populate_large(const struct fill *f, uint64_t *done)
{
    uint64_t nr = f->l->nr_pages / SUPERPAGE;
    xen_pfn_t *frames;
    long got;

    *done = 0;
    if (!nr)
        return 0;
    frames = malloc(nr * sizeof(*frames));
    if (!frames)
        return -ENOMEM;
    for (uint64_t i = 0; i < nr; i++)
        frames[i] = i * SUPERPAGE;
    got = hv_memory_populate(f->b->hv, f->out->domid, SUPERPAGE_ORDER, 0,
                             frames, nr);
    for (long i = 0; i < got; i++)
        for (uint64_t j = 0; j < SUPERPAGE; j++)
            f->p2m[(uint64_t)i * SUPERPAGE + j] = frames[i] + j;
    free(frames);
    if (got > 0)
        *done = (uint64_t)got * SUPERPAGE;
    return got < 0 ? (int)got : 0;
}

static int populate_small(const struct fill *f, uint64_t from)
{
    while (from < f->l->nr_pages) {
        uint64_t nr = f->l->nr_pages - from;
        long got;

        if (nr > SMALL_BATCH)
            nr = SMALL_BATCH;
        for (uint64_t i = 0; i < nr; i++)
            f->p2m[from + i] = from + i;
        got = hv_memory_populate(f->b->hv, f->out->domid, 0, 0, f->p2m + from,
                                 nr);
        if (got < 0)
            return (int)got;
        if ((uint64_t)got < nr)
            return -ENOMEM;
        from += nr;
    }
    return 0;
}

/*
 * The claim makes sure of it all first, so that two builds at a time do not
 * both fail halfway. It ends with the last page, at the latest.
 */
int fill_give_memory(const struct fill *f)
{
    struct hv_e820 map = {.size = f->cfg->maxmem_kib << 10, .type = 1};
    uint32_t domid = f->out->domid;
    uint64_t done;
    int rc;

    rc = hv_domain_set_max_mem(f->b->hv, domid, f->cfg->memory_kib + 1024);
    if (rc)
        return fill_refused(f, rc, "set the guest's memory limit");
    rc = hv_memory_set_map(f->b->hv, domid, &map, 1);
    if (rc)
        return fill_refused(f, rc, "take the guest's memory map");
    rc = hv_memory_claim(f->b->hv, domid, f->l->nr_pages);
    if (rc == -ENOMEM)
        return no_memory(f);
    if (rc && rc != -ENOSYS)
        return fill_refused(f, rc, "reserve the guest's memory");

    rc = populate_large(f, &done);
    if (!rc)
        rc = populate_small(f, done);
    if (rc == -ENOMEM)
        return no_memory(f);
    if (rc)
        return fill_refused(f, rc, "give the guest memory");
    rc = hv_memory_claim(f->b->hv, domid, 0);
    if (rc && rc != -ENOSYS)
        return fill_refused(f, rc, "end the memory reservation");
    return 0;
}
