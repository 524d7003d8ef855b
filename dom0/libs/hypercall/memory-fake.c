#include <stdlib.h>

#include "dom0/libs/hypercall/fake-internal.h"

long hv_memory_populate(struct hv *hv, uint32_t domid, unsigned order,
                        unsigned flags, xen_pfn_t *frames, unsigned long nr)
{
    uint64_t pages = 1ull << order;
    unsigned long done;
    CALL_ON(d, domid);

    (void)hv;
    (void)flags;
    for (done = 0; done < nr; done++) {
        uint64_t mfn;

        if (d->tot_pages + pages > d->max_pages ||
            (order && hv_fake.fragmented))
            break;
        if (d->claimed < pages && hv_fake.nr_free < hv_fake_claimed() + pages)
            break;
        mfn = hv_fake_take_frames(domid, pages);
        if (!mfn)
            break;
        frames[done] = mfn;
        d->tot_pages += pages;
        d->claimed -= d->claimed < pages ? d->claimed : pages;
    }
    return (long)done;
}

long hv_memory_decrease(struct hv *hv, uint32_t domid, unsigned order,
                        const xen_pfn_t *frames, unsigned long nr)
{
    unsigned long done;
    CALL_ON(d, domid);

    (void)hv;
    for (done = 0; done < nr; done++)
        for (uint64_t i = 0; i < 1ull << order; i++) {
            if (!hv_fake_may_map(domid, frames[done] + i))
                return (long)done;
            hv_fake_give_back(frames[done] + i);
            d->tot_pages--;
        }
    return (long)done;
}

int hv_memory_claim(struct hv *hv, uint32_t domid, uint64_t nr_pages)
{
    CALL_ON(d, domid);

    (void)hv;
    if (nr_pages && nr_pages > hv_fake.nr_free - hv_fake_claimed())
        return -ENOMEM;
    d->claimed = nr_pages;
    return 0;
}

int hv_memory_set_map(struct hv *hv, uint32_t domid, const struct hv_e820 *map,
                      unsigned nr)
{
    CALL_ON(d, domid);

    (void)hv;
    if (nr != 1)
        return -EINVAL;
    d->map = *map;
    return 0;
}

int hv_memory_max_gpfn(struct hv *hv, uint32_t domid, uint64_t *gpfn)
{
    CALL_ON(d, domid);

    (void)hv;
    *gpfn = d->tot_pages - 1;
    return 0;
}

void hv_memory_forget(struct hv *hv, void *at, size_t nr)
{
    (void)hv;
    (void)at;
    (void)nr;
}

/* Every page below this table, each seen once per way to it. */
struct walk {
    uint32_t domid;
    uint8_t *is_table; /* by frame */
    bool check;        /* second round: writable mappings of tables */
};

static int walk_table(struct walk *w, uint64_t mfn, unsigned level)
{
    const uint64_t *table = hv_fake_frame(mfn);

    if (!hv_fake_may_map(w->domid, mfn) || hv_fake.writable[mfn])
        return -EINVAL;
    w->is_table[mfn] = 1;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t e = table[i], to = e >> 12 & 0xffffffffffull;
        int rc = 0;

        if (!(e & 1))
            continue;
        if (level > 1)
            rc = walk_table(w, to, level - 1);
        else if (!hv_fake_may_map(w->domid, to) ||
                 (w->check && w->is_table[to] && e & 2))
            rc = -EINVAL;
        if (rc)
            return rc;
    }
    return 0;
}

int hv_mmuext_pin(struct hv *hv, uint32_t domid, unsigned cmd, uint64_t mfn)
{
    struct walk w = {.domid = domid};
    int rc;
    CALL_ON(d, domid);

    (void)hv;
    if (cmd != MMUEXT_PIN_L4_TABLE)
        return -EINVAL;
    w.is_table = calloc(hv_fake.nr_frames, 1);
    hv_fake_must(w.is_table, "page types");
    rc = walk_table(&w, mfn, 4);
    w.check = true;
    if (!rc)
        rc = walk_table(&w, mfn, 4);
    free(w.is_table);
    if (!rc)
        d->pinned = mfn;
    return rc;
}
