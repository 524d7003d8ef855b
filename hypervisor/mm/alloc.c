/*
 * A buddy allocator whose lists run through the frame table. Free blocks are
 * kept by address width (zone z holds frame numbers of z bits), so that a
 * limit on the address picks zones and never searches. A naturally aligned
 * block lies in one zone, because it is no larger than its own address.
 *
 * Blocks with and without frames to scrub are kept, and merged, apart: who
 * allocates gets clean memory at once while idle CPUs see to the rest. The
 * `type` of a free block's first frame counts its dirty frames.
 */
#include "mm/alloc.h"
#include "mm/internal.h"
#include "mm/tlb.h"

#include "cpu/feature.h"
#include "domain/domain.h"
#include "lib/spinlock.h"

#define NR_ZONES 41

struct blocks {
    uint32_t head[ALLOC_MAX_ORDER + 1];
    uint32_t orders; /* bit o: head[o] is not empty */
};

static struct blocks clean[NR_ZONES], dirty[NR_ZONES];
static struct spinlock alloc_lock = SPINLOCK_INIT;
static uint64_t nr_free, nr_total, nr_claimed, nr_dirty;
static bool scrub_started;
static uint64_t scrub_cursor;

static unsigned zone_of(uint64_t n)
{
    return 64 - (unsigned)__builtin_clzll(n);
}

static struct blocks *blocks_of(uint64_t n, uint64_t nr_dirty_in)
{
    return &(nr_dirty_in ? dirty : clean)[zone_of(n)];
}

static void block_link(uint64_t n, unsigned order, uint64_t nr_dirty_in)
{
    struct blocks *b = blocks_of(n, nr_dirty_in);
    struct frame *f = frame_of(mfn(n));

    f->type = nr_dirty_in;
    f->order = (uint8_t)order;
    f->flags |= FRAME_HEAD;
    f->prev = NO_LINK;
    f->next = b->orders >> order & 1 ? b->head[order] : NO_LINK;
    if (f->next != NO_LINK)
        frame_of(mfn(f->next))->prev = (uint32_t)n;
    b->head[order] = (uint32_t)n;
    b->orders |= 1u << order;
}

/* How many of its frames are dirty. */
static uint64_t block_unlink(uint64_t n)
{
    struct frame *f = frame_of(mfn(n));
    uint64_t nr_dirty_in = f->type;
    struct blocks *b = blocks_of(n, nr_dirty_in);

    f->type = 0;
    f->flags &= (uint8_t)~FRAME_HEAD;
    if (f->next != NO_LINK)
        frame_of(mfn(f->next))->prev = f->prev;
    if (f->prev != NO_LINK)
        frame_of(mfn(f->prev))->next = f->next;
    else if (f->next != NO_LINK)
        b->head[f->order] = f->next;
    else
        b->orders &= ~(1u << f->order);
    return nr_dirty_in;
}

static bool is_free_block(uint64_t n, unsigned order)
{
    struct frame *f;

    if (!n || !mfn_is_ram(mfn(n)))
        return false;
    f = frame_of(mfn(n));
    return (f->flags & FRAME_HEAD) && f->order == order;
}

static bool is_mergeable(uint64_t n, unsigned order, bool is_dirty)
{
    return is_free_block(n, order) && !frame_of(mfn(n))->type == !is_dirty;
}

static void free_block_locked(uint64_t n, unsigned order, uint64_t nr_dirty_in)
{
    while (order < ALLOC_MAX_ORDER &&
           is_mergeable(n ^ 1ull << order, order, nr_dirty_in)) {
        nr_dirty_in += block_unlink(n ^ 1ull << order);
        n &= ~(1ull << order);
        order++;
    }
    block_link(n, order, nr_dirty_in);
}

void alloc_add_range(mfn_t start, mfn_t end)
{
    spin_lock(&alloc_lock);
    for (uint64_t n = start.n; n < end.n; n++) {
        struct frame *f = frame_of(mfn(n));

        f->refs = f->type = 0;
        f->owner = DOMID_INVALID;
        f->flags = FRAME_FREE | FRAME_DIRTY;
    }
    nr_free += end.n - start.n;
    nr_total += end.n - start.n;
    nr_dirty += end.n - start.n;
    while (start.n < end.n) {
        unsigned order = (unsigned)__builtin_ctzll(start.n);

        order = MIN(order, ALLOC_MAX_ORDER);
        while (start.n + (1ull << order) > end.n)
            order--;
        free_block_locked(start.n, order, 1ull << order);
        start.n += 1ull << order;
    }
    spin_unlock(&alloc_lock);
}

/* May `d` have `nr` frames without breaking what others were promised? */
static bool claim_allows(struct domain *d, uint64_t nr)
{
    uint64_t others = nr_claimed;

    if (!d)
        return nr <= nr_free;
    others -= d->claimed;
    return nr_free >= others && nr <= nr_free - others;
}

static void claim_use(struct domain *d, uint64_t nr)
{
    if (!d)
        return;
    nr = MIN(nr, d->claimed);
    d->claimed -= nr;
    nr_claimed -= nr;
}

static uint64_t count_dirty(uint64_t n, unsigned order)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < 1ull << order; i++)
        count += frame_of(mfn(n + i))->flags & FRAME_DIRTY ? 1 : 0;
    return count;
}

/* The lower end of free block n; what is above it stays free. */
static void block_split(uint64_t n, unsigned order)
{
    unsigned o = frame_of(mfn(n))->order;
    uint64_t left = block_unlink(n), upper;

    while (o > order) {
        o--;
        if (!left || left == 2ull << o)
            upper = left / 2;
        else
            upper = count_dirty(n + (1ull << o), o); /* half scrubbed */
        block_link(n + (1ull << o), o, upper);
        left -= upper;
    }
}

/* From the highest zone allowed downwards: narrow addresses are precious. In a
   zone, what need not be scrubbed first. */
static uint64_t take_block_locked(unsigned order, unsigned max_zone)
{
    for (unsigned z = max_zone; z > 0; z--) {
        const struct blocks *b =
            clean[z].orders >> order ? &clean[z] : &dirty[z];
        uint32_t orders = b->orders >> order << order;
        uint64_t n;

        if (!orders)
            continue;
        n = b->head[__builtin_ctz(orders)];
        block_split(n, order);
        return n;
    }
    return 0;
}

/* Nobody may still reach the frames through an old translation. */
static void flush_stale(struct frame *f, uint64_t nr)
{
    cpumask_t stale = 0;

    for (uint64_t i = 0; i < nr && stale != cpu_online; i++)
        stale |= tlb_stale(cpu_online & ~stale, f[i].tlb_stamp);
    if (stale)
        tlb_flush_mask(stale, TLB_ALL);
}

struct frame *alloc_frames_for(struct domain *d, unsigned order,
                               unsigned addr_bits)
{
    unsigned max_zone = NR_ZONES - 1;
    uint64_t n = 0, nr = 1ull << order;
    struct frame *f;

    if (order > ALLOC_MAX_ORDER)
        return NULL;
    if (addr_bits) {
        if (addr_bits <= PAGE_SHIFT)
            return NULL;
        max_zone = MIN(max_zone, addr_bits - PAGE_SHIFT);
    }
    spin_lock(&alloc_lock);
    if (claim_allows(d, nr))
        n = take_block_locked(order, max_zone);
    if (!n) {
        spin_unlock(&alloc_lock);
        return NULL;
    }
    f = frame_of(mfn(n));
    for (uint64_t i = 0; i < nr; i++) {
        f[i].flags &= (uint8_t)~FRAME_FREE;
        nr_dirty -= f[i].flags & FRAME_DIRTY ? 1 : 0;
    }
    nr_free -= nr;
    claim_use(d, nr);
    spin_unlock(&alloc_lock);
    flush_stale(f, nr);
    return f;
}

struct frame *alloc_frames(unsigned order, unsigned addr_bits)
{
    return alloc_frames_for(NULL, order, addr_bits);
}

void alloc_free(struct frame *f, unsigned order)
{
    uint64_t nr = 1ull << order;

    spin_lock(&alloc_lock);
    for (uint64_t i = 0; i < nr; i++) {
        BUG_ON(f[i].flags & FRAME_FREE || f[i].refs);
        f[i].type = 0;
        f[i].owner = DOMID_INVALID;
        f[i].flags = FRAME_FREE | FRAME_DIRTY;
    }
    nr_free += nr;
    nr_dirty += nr;
    free_block_locked(frame_mfn(f).n, order, nr);
    spin_unlock(&alloc_lock);
}

void *alloc_host_pages(unsigned order)
{
    struct frame *f = alloc_frames(order, 0);

    if (!f)
        return NULL;
    for (uint64_t i = 0; i < 1ull << order; i++) {
        if (f[i].flags & FRAME_DIRTY)
            memset(frame_virt(f + i), 0, PAGE_SIZE);
        f[i].flags = 0;
        f[i].owner = DOMID_XEN;
    }
    return frame_virt(f);
}

void free_host_pages(void *p, unsigned order)
{
    if (p)
        alloc_free(frame_of(virt_to_mfn(p)), order);
}

uint64_t alloc_nr_free(void)
{
    return READ_ONCE(nr_free);
}

uint64_t alloc_nr_total(void)
{
    return READ_ONCE(nr_total);
}

uint64_t alloc_nr_claimed(void)
{
    return READ_ONCE(nr_claimed);
}

int alloc_claim(struct domain *d, uint64_t nr)
{
    uint64_t have;
    int rc = 0;

    spin_lock(&d->page_lock);
    have = d->tot_pages;
    spin_unlock(&d->page_lock);

    spin_lock(&alloc_lock);
    if (!nr) {
        nr_claimed -= d->claimed;
        d->claimed = 0;
    } else if (d->claimed || nr <= have || nr > d->max_pages ||
               domain_is_dying(d)) {
        rc = -EINVAL;
    } else if (nr_claimed > nr_free || nr - have > nr_free - nr_claimed) {
        rc = -ENOMEM;
    } else {
        d->claimed = nr - have;
        nr_claimed += d->claimed;
    }
    spin_unlock(&alloc_lock);
    return rc;
}

/* Look before writing: memory nobody has used yet is often zero, and an
   emulator or a balloon below us then need not find memory for it. */
static void scrub_page(uint64_t *p)
{
    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*p); i++) {
        if (p[i])
            p[i] = 0;
    }
}

/* Frame n of a free block holds zeroes: with its last one the block is clean.
 */
static void set_clean_locked(uint64_t n)
{
    unsigned order = 0;

    while (!(frame_of(mfn(n))->flags & FRAME_HEAD) ||
           frame_of(mfn(n))->order < order)
        n &= ~(1ull << order++);
    if (frame_of(mfn(n))->type > 1) {
        frame_of(mfn(n))->type--;
        return;
    }
    order = frame_of(mfn(n))->order;
    block_unlink(n);
    free_block_locked(n, order, 0);
}

void alloc_scrub_start(void)
{
    WRITE_ONCE(scrub_started, true);
}

/*
 * A page is clean only for good: an old owner's CPU that still has a writable
 * translation could fill it again behind our back, and the next owner, perhaps
 * ourselves, would take it for zeroes. Such pages wait until there are no
 * others to scrub; then one flush, without the lock, serves all freed so far.
 */
bool alloc_scrub_some(void)
{
    unsigned looked = 0, scrubbed = 0;
    cpumask_t stale = 0;

    if (!READ_ONCE(scrub_started) || !READ_ONCE(nr_dirty) ||
        !spin_trylock(&alloc_lock))
        return false;
    for (; nr_dirty && looked < 512 && scrubbed < 8; looked++) {
        cpumask_t reach;
        struct frame *f;

        if (++scrub_cursor >= max_mfn)
            scrub_cursor = 0;
        if (!mfn_is_ram(mfn(scrub_cursor)))
            continue;
        f = frame_of(mfn(scrub_cursor));
        if ((f->flags & (FRAME_FREE | FRAME_DIRTY)) !=
            (FRAME_FREE | FRAME_DIRTY))
            continue;
        reach = tlb_stale(cpu_online, f->tlb_stamp);
        stale |= reach;
        if (reach)
            continue;
        scrub_page(frame_virt(f));
        f->flags &= (uint8_t)~FRAME_DIRTY;
        set_clean_locked(scrub_cursor);
        nr_dirty--;
        scrubbed++;
    }
    spin_unlock(&alloc_lock);
    if (stale && !scrubbed)
        tlb_flush_mask(stale, TLB_ALL);
    return READ_ONCE(nr_dirty) != 0;
}
