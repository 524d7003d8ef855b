/* A guest's pages, seen from here. */
#include "dom0/builder/fill.h"

#include <emmintrin.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int map_frames(const struct fill *f, struct window *w,
                      const xen_pfn_t *mfns)
{
    void *at;
    int rc = fmem_map(f->b->fm, f->out->domid, PROT_READ | PROT_WRITE,
                      w->nr_mapped, mfns, &at);

    if (rc)
        return builder_fail(f->err, rc,
                            "The guest's memory cannot be mapped: %s.",
                            strerror(-rc));
    w->at = at;
    return 0;
}

int window_open(const struct fill *f, struct window *w, uint64_t first,
                uint64_t end)
{
    *w = (struct window){
        .pfn = first, .nr = end - first, .nr_mapped = end - first};
    return map_frames(f, w, f->p2m + first);
}

/* Only the pages whose `place` is not 0. Takes it over. */
int window_open_some(const struct fill *f, struct window *w, uint64_t first,
                     uint64_t nr, uint32_t *place)
{
    xen_pfn_t *mfns = malloc(nr * sizeof(*mfns));
    int rc;

    *w = (struct window){.pfn = first, .nr = nr, .place = place};
    if (!mfns)
        return builder_fail(f->err, -ENOMEM,
                            "There is no memory left in "
                            "dom0.");
    for (uint64_t i = 0; i < nr; i++)
        if (place[i]) {
            mfns[w->nr_mapped++] = f->p2m[first + i];
            place[i] = (uint32_t)w->nr_mapped;
        }
    rc = w->nr_mapped ? map_frames(f, w, mfns) : 0;
    free(mfns);
    return rc;
}

void window_close(const struct fill *f, struct window *w)
{
    if (w->at) {
        hv_memory_forget(f->b->hv, w->at, w->nr_mapped);
        fmem_unmap(f->b->fm, w->at, w->nr_mapped);
    }
    free(w->place);
    *w = (struct window){0};
}

/* NULL: this page is not mapped. */
void *window_page(const struct window *w, uint64_t pfn)
{
    uint64_t i = pfn - w->pfn;

    if (w->place) {
        if (!w->place[i])
            return NULL;
        i = w->place[i] - 1;
    }
    return w->at + i * PV_PAGE_SIZE;
}

/*
 * Whole pages, not by the C library: it uses string instructions, which an
 * emulated processor carries out byte by byte, ten times as slowly. On a real
 * one both are as fast as memory is.
 */
void page_copy(void *to, const void *from)
{
    __m128i *t = to;
    const __m128i *f = from;

    for (unsigned i = 0; i < PV_PAGE_SIZE / sizeof(*t); i += 4) {
        __m128i a = _mm_loadu_si128(f + i), b = _mm_loadu_si128(f + i + 1);
        __m128i c = _mm_loadu_si128(f + i + 2), d = _mm_loadu_si128(f + i + 3);

        _mm_store_si128(t + i, a);
        _mm_store_si128(t + i + 1, b);
        _mm_store_si128(t + i + 2, c);
        _mm_store_si128(t + i + 3, d);
    }
}

void page_zero(void *to)
{
    __m128i *t = to;

    for (unsigned i = 0; i < PV_PAGE_SIZE / sizeof(*t); i++)
        _mm_store_si128(t + i, _mm_setzero_si128());
}
