/*
 * Frames: references, owners, and the memory of domains. A reference is only
 * ever taken on a count above zero, so a frame on its way to the allocator
 * cannot be caught; the owner cannot change while a reference is held.
 */
#include "mm/frame.h"
#include "mm/frametype.h"
#include "mm/hvmap.h"
#include "mm/internal.h"
#include "mm/tlb.h"

#include "boot/boot.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"

uint64_t max_mfn;

/* RAM as frame numbers, sorted; copied from boot_info at the first question. */
static struct {
    uint64_t start, end;
} ram[MAX_E820];
static unsigned nr_ram;
struct mfn_range ram_main[2];

#define FIRST_RAM_MFN (0x100000ull >> PAGE_SHIFT)

static void main_ram_offer(struct mfn_range r)
{
    if (r.nr > ram_main[0].nr) {
        ram_main[1] = ram_main[0];
        ram_main[0] = r;
    } else if (r.nr > ram_main[1].nr) {
        ram_main[1] = r;
    }
}

static void ram_init(void)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < boot_info.nr_map; i++) {
        const struct boot_range *r = &boot_info.map[i];
        uint64_t start = (r->start + PAGE_SIZE - 1) >> PAGE_SHIFT;
        uint64_t end = r->end >> PAGE_SHIFT;

        start = MAX(start, FIRST_RAM_MFN);
        if (r->type != E820_RAM || start >= end)
            continue;
        if (nr && ram[nr - 1].end == start) {
            ram[nr - 1].end = end;
        } else {
            ram[nr].start = start;
            ram[nr].end = end;
            nr++;
        }
    }
    nr_ram = nr;
    for (unsigned i = 0; i < nr; i++)
        main_ram_offer((struct mfn_range){
            .start = ram[i].start,
            .nr = ram[i].end - ram[i].start,
        });
}

bool mfn_is_other_ram(mfn_t m)
{
    unsigned lo = 0, hi;

    if (unlikely(!nr_ram))
        ram_init();
    if (m.n >= max_mfn)
        return false;
    hi = nr_ram;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (m.n >= ram[mid].end)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < nr_ram && m.n >= ram[lo].start;
}

uint64_t virt_to_phys(const void *p)
{
    uintptr_t va = (uintptr_t)p;

    if (va >= DIRECTMAP_START)
        return va - DIRECTMAP_START;
    BUG_ON(va < IMAGE_START || va >= CPU_STACKS_START);
    return va - IMAGE_START;
}

static inline bool get_again(struct frame *f)
{
    uint64_t refs = READ_ONCE(f->refs);

    do {
        /* Neither none, nor as many as can be counted. */
        if (unlikely(((refs - 1) & FRAME_COUNT) >= FRAME_COUNT - 1))
            return false;
    } while (!__atomic_compare_exchange_n(&f->refs, &refs, refs + 1, true,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return true;
}

bool frame_get_again(struct frame *f)
{
    return get_again(f);
}

/* Its owner has changed just now. */
static __attribute__((noinline)) struct frame *missed(struct frame *f)
{
    frame_put(f);
    return NULL;
}

static inline struct frame *get_ram(mfn_t m, const struct domain *d)
{
    struct frame *f = frame_of(mfn(nospec_index(m.n, max_mfn)));

    /* Most wrong guesses stop here, before they write to another's frame. */
    if (unlikely(READ_ONCE(f->owner) != d->id) || !get_again(f))
        return NULL;
    if (likely(READ_ONCE(f->owner) == d->id))
        return f;
    return missed(f);
}

static __attribute__((noinline)) struct frame *
get_other_ram(mfn_t m, const struct domain *d)
{
    return mfn_is_other_ram(m) ? get_ram(m, d) : NULL;
}

struct frame *frame_get(mfn_t m, const struct domain *d)
{
    if (unlikely(!mfn_is_main_ram(m)))
        return get_other_ram(m, d);
    return get_ram(m, d);
}

/* Lists of a domain's frames; d->page_lock held. */
static void list_link(uint32_t *head, struct frame *f)
{
    uint32_t n = (uint32_t)frame_mfn(f).n;

    f->prev = NO_LINK;
    f->next = *head;
    if (f->next != NO_LINK)
        frame_of(mfn(f->next))->prev = n;
    *head = n;
}

static void list_unlink(struct domain *d, struct frame *f)
{
    uint32_t n = (uint32_t)frame_mfn(f).n;

    if (f->next != NO_LINK)
        frame_of(mfn(f->next))->prev = f->prev;
    if (f->prev != NO_LINK)
        frame_of(mfn(f->prev))->next = f->next;
    else if (d->page_list == n)
        d->page_list = f->next;
    else
        d->dead_list = f->next;
}

/* A domain's frame without references goes back to the allocator. */
static void free_domain_frame(struct frame *f)
{
    struct domain *d = domain_get(f->owner);
    bool last;

    /* Its frames keep the domain, and its id, alive. */
    BUG_ON(!d || frame_type_count(f));
    spin_lock(&d->page_lock);
    list_unlink(d, f);
    last = --d->tot_pages == 0;
    spin_unlock(&d->page_lock);

    m2p_set(frame_mfn(f), INVALID_M2P);
    f->owner = DOMID_INVALID;
    f->tlb_stamp = tlb_now();
    alloc_free(f, 0);
    if (last)
        domain_put(d);
    domain_put(d);
}

static void frame_free(struct frame *f)
{
    BUG_ON(f->refs);
    if (!(f->flags & FRAME_SHARED)) {
        free_domain_frame(f);
        return;
    }
    BUG_ON(frame_type_count(f));
    f->tlb_stamp = tlb_now();
    alloc_free(f, 0);
}

void frame_put(struct frame *f)
{
    uint64_t old = __atomic_fetch_sub(&f->refs, 1, __ATOMIC_SEQ_CST);

    if (likely((old & FRAME_COUNT) > 1))
        return;
    BUG_ON(old != 1);
    frame_free(f);
}

bool frame_release(struct frame *f, struct domain *d)
{
    uint64_t old;

    BUG_ON(f->owner != d->id);
    old = __atomic_fetch_and(&f->refs, ~FRAME_ALLOCATED, __ATOMIC_SEQ_CST);
    if (!(old & FRAME_ALLOCATED))
        return false;
    frame_put(f);
    return true;
}

/* Count nr frames to d, or refuse. The first one keeps the domain alive. */
static bool pages_reserve(struct domain *d, uint64_t nr, bool may_exceed)
{
    bool ok;

    spin_lock(&d->page_lock);
    ok = !domain_is_dying(d) &&
         (may_exceed ||
          (d->max_pages >= d->tot_pages && nr <= d->max_pages - d->tot_pages));
    if (ok) {
        if (!d->tot_pages)
            domain_ref(d);
        d->tot_pages += nr;
    }
    spin_unlock(&d->page_lock);
    return ok;
}

static void pages_unreserve(struct domain *d, uint64_t nr)
{
    bool last;

    spin_lock(&d->page_lock);
    d->tot_pages -= nr;
    last = d->tot_pages == 0;
    spin_unlock(&d->page_lock);
    if (last)
        domain_put(d);
}

static void frames_scrub(struct frame *f, uint64_t nr, bool keep_contents)
{
    for (uint64_t i = 0; i < nr; i++) {
        if ((f[i].flags & FRAME_DIRTY) && !keep_contents)
            memset(frame_virt(f + i), 0, PAGE_SIZE);
        f[i].flags = 0;
        f[i].type = 0;
    }
}

/* Make scrubbed frames d's. False when it began to die meanwhile. */
static bool frames_assign(struct domain *d, struct frame *f, uint64_t nr)
{
    spin_lock(&d->page_lock);
    if (domain_is_dying(d)) {
        spin_unlock(&d->page_lock);
        return false;
    }
    for (uint64_t i = nr; i-- > 0;) {
        f[i].owner = d->id;
        list_link(&d->page_list, f + i);
        /* From here on others may take references. */
        __atomic_store_n(&f[i].refs, FRAME_ALLOCATED | 1, __ATOMIC_RELEASE);
    }
    spin_unlock(&d->page_lock);
    return true;
}

enum { MAY_EXCEED = 1, KEEP_CONTENTS = 2 };

static struct frame *alloc_domain(struct domain *d, unsigned order,
                                  unsigned addr_bits, unsigned how)
{
    uint64_t nr = 1ull << order;
    struct frame *f;

    if (order > ALLOC_MAX_ORDER || !pages_reserve(d, nr, how & MAY_EXCEED))
        return NULL;
    f = alloc_frames_for(d, order, addr_bits);
    if (!f)
        goto unreserve;
    frames_scrub(f, nr, how & KEEP_CONTENTS);
    if (frames_assign(d, f, nr))
        return f;

    alloc_free(f, order);
unreserve:
    pages_unreserve(d, nr);
    return NULL;
}

struct frame *frame_alloc_domain(struct domain *d, unsigned order,
                                 unsigned addr_bits)
{
    return alloc_domain(d, order, addr_bits, 0);
}

struct frame *frame_alloc_dom0(struct domain *d, unsigned order)
{
    return alloc_domain(d, order, 0, KEEP_CONTENTS);
}

struct frame *frame_alloc_exchange(struct domain *d, unsigned order,
                                   unsigned addr_bits)
{
    return alloc_domain(d, order, addr_bits, MAY_EXCEED);
}

int frame_steal(struct frame *f)
{
    uint64_t expect = FRAME_ALLOCATED | 2;

    if (f->flags & FRAME_SHARED)
        return -EBUSY;
    return __atomic_compare_exchange_n(&f->refs, &expect, 0, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
               ? 0
               : -EBUSY;
}

void frame_unsteal(struct frame *f)
{
    __atomic_store_n(&f->refs, FRAME_ALLOCATED | 1, __ATOMIC_RELEASE);
}

void frame_free_stolen(struct frame *f)
{
    frame_free(f);
}

void frame_share(void *page, struct domain *d)
{
    struct frame *f = frame_of(virt_to_mfn(page));

    BUG_ON(f->refs || f->type);
    f->owner = d->id;
    f->flags |= FRAME_SHARED;
    m2p_set(frame_mfn(f), INVALID_M2P);
    __atomic_store_n(&f->refs, 1, __ATOMIC_RELEASE);
}

/* Mappings that others still have keep the page, ownerless, until they go. */
void frame_unshare_free(void *page)
{
    struct frame *f;

    if (!page)
        return;
    f = frame_of(virt_to_mfn(page));
    BUG_ON(!(f->flags & FRAME_SHARED));
    WRITE_ONCE(f->owner, DOMID_INVALID);
    frame_put(f);
}

/* Our own tables, read in software: where does `va` lead? */
static mfn_t host_walk(uintptr_t va)
{
    mfn_t table = host_l4;

    for (unsigned level = 4; level > 0; level--) {
        unsigned shift = PAGE_SHIFT + 9 * (level - 1);
        uint64_t e = ((uint64_t *)mfn_to_virt(table))[va >> shift & 511];
        uint64_t below = (1ull << (shift - PAGE_SHIFT)) - 1;

        if (!(e & PTE_P))
            return INVALID_MFN;
        if (level > 1 && (e & PTE_PS))
            return mfn((pte_mfn(e).n & ~below) | (va >> PAGE_SHIFT & below));
        table = pte_mfn(e);
    }
    return table;
}

mfn_t frame_of_m2p(uint64_t offset)
{
    return host_walk(M2P_RO_START + offset);
}

void frame_expose(mfn_t m)
{
    frame_of(m)->owner = DOMID_XEN;
    __atomic_store_n(&frame_of(m)->refs, 1, __ATOMIC_RELEASE);
}

void frame_expose_m2p(void)
{
    static struct spinlock lock = SPINLOCK_INIT;
    static bool done;

    spin_lock(&lock);
    for (uint64_t off = 0; !done && off < max_mfn * 8; off += PAGE_SIZE) {
        mfn_t m = frame_of_m2p(off);

        if (!mfn_is_ram(m) || frame_of(m)->refs)
            continue;
        frame_expose(m);
    }
    done = true;
    spin_unlock(&lock);
}

/*
 * Next frame to let go, moved to the dead list. *held says whether we got a
 * reference; without one its last user is just freeing it.
 */
static struct frame *relinquish_next(struct domain *d, bool *held)
{
    struct frame *f = NULL;

    spin_lock(&d->page_lock);
    if (d->page_list != NO_LINK) {
        f = frame_of(mfn(d->page_list));
        list_unlink(d, f);
        list_link(&d->dead_list, f);
        *held = frame_get_again(f);
    }
    spin_unlock(&d->page_lock);
    return f;
}

int frame_relinquish_domain(struct domain *d)
{
    struct frame *f;
    bool held;
    int rc = 0;

    alloc_claim(d, 0);
    spin_lock(&d->mm_lock);
    if (!d->relinquish_step) {
        d->dead_list = NO_LINK;
        d->relinquish_step = 1;
    }
    while ((rc = frame_drain(d)) == 0 && (f = relinquish_next(d, &held))) {
        if (!held)
            continue;
        frame_unpin_dead(f, d);
        frame_release(f, d);
        frame_put(f);
        if (hypercall_should_yield()) {
            rc = -ERESTART;
            break;
        }
    }
    spin_unlock(&d->mm_lock);
    return rc;
}
