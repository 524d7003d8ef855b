#include "pv-frontends/core/balloon.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/hypercall.h"
#include "pv-frontends/core/store.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/shim/shim.h"

#include <xen/memory.h>

enum { BATCH = 64, KIB_PER_PAGE = 4 };

/* Addresses without a frame behind them are kept in pages of pointers. */
enum { HELD_PER_PAGE = SHIM_PAGE_SIZE / sizeof(void *), LISTS = 256 };

static struct {
    uint64_t now, target, reserve, held;
    void **lists[LISTS];
    struct store_watch watch;
} balloon;

static void on_target(void *arg)
{
    uint64_t kib = store_read_uint(0, "memory", "target", 0);

    (void)arg;
    if (kib)
        balloon.target = kib / KIB_PER_PAGE;
}

int balloon_init(uint64_t nr_pages, uint64_t reserve)
{
    balloon.now = balloon.target = nr_pages;
    balloon.reserve = reserve;
    balloon.watch.fn = on_target;
    text_join(balloon.watch.path, sizeof(balloon.watch.path), "memory/target",
              NULL);
    return store_watch(&balloon.watch);
}

uint64_t balloon_pages(void)
{
    return balloon.now;
}

uint64_t balloon_held(void)
{
    return balloon.held;
}

/* Where the i-th held page is remembered; NULL without memory for that. */
static void **held_at(uint64_t i)
{
    void ***list;

    if (i >= (uint64_t)LISTS * HELD_PER_PAGE)
        return NULL;
    list = &balloon.lists[i / HELD_PER_PAGE];
    if (!*list)
        *list = shim_pages_alloc(1);
    return *list ? &(*list)[i % HELD_PER_PAGE] : NULL;
}

static int64_t reserve_op(unsigned int cmd, uint64_t *frames, unsigned int nr)
{
    struct xen_memory_reservation op = {
        .nr_extents = nr,
        .domid = DOMID_SELF,
    };

    set_xen_guest_handle(op.extent_start, frames);
    return hc_memory_op(cmd, &op);
}

/* Detach up to `nr` pages; how many, with their frames. */
static unsigned int detach(unsigned int nr, uint64_t *frames)
{
    unsigned int done = 0;

    while (done < nr) {
        void **held = held_at(balloon.held + done);
        void *page = held ? shim_pages_alloc(1) : NULL;

        if (!page)
            break;
        if (shim_page_detach(page, &frames[done])) {
            shim_pages_free(page, 1);
            break;
        }
        *held = page;
        done++;
    }
    return done;
}

static bool inflate(unsigned int nr)
{
    uint64_t frames[BATCH];
    unsigned int got = detach(nr, frames);
    int64_t done = reserve_op(XENMEM_decrease_reservation, frames, got);

    if (done < 0)
        done = 0;
    balloon.held += (uint64_t)done;
    balloon.now -= (uint64_t)done;
    /* Frames that the host did not take stay behind their addresses. */
    for (unsigned int i = (unsigned int)done; i < got; i++) {
        void *page = *held_at(balloon.held + i - (uint64_t)done);

        if (!shim_page_attach(page, frames[i]))
            shim_pages_free(page, 1);
    }
    return (unsigned int)done == nr;
}

static bool deflate(unsigned int nr)
{
    uint64_t frames[BATCH];
    int64_t done;

    if (nr > balloon.held)
        nr = (unsigned int)balloon.held;
    for (unsigned int i = 0; i < nr; i++)
        frames[i] = shim_pfn(*held_at(balloon.held - 1 - i));
    done = reserve_op(XENMEM_populate_physmap, frames, nr);
    for (int64_t i = 0; i < done; i++) {
        void *page = *held_at(--balloon.held);

        if (!shim_page_attach(page, frames[i]))
            shim_pages_free(page, 1);
        balloon.now++;
    }
    return done == nr && nr;
}

bool balloon_step(void)
{
    uint64_t target = balloon.target, gap;

    if (target < balloon.reserve)
        target = balloon.reserve;
    if (target == balloon.now || (target > balloon.now && !balloon.held))
        return false;
    gap = target > balloon.now ? target - balloon.now : balloon.now - target;
    if (gap > BATCH)
        gap = BATCH;
    return target > balloon.now ? deflate((unsigned int)gap)
                                : inflate((unsigned int)gap);
}
