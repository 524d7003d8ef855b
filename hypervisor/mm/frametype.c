/*
 * The type word of a frame, and the rules for what a table may hold.
 * Its layout is in internal.h.
 *
 * Tables get and lose their type under the owner's mm_lock. Writable and
 * segdesc references come and go on any CPU at any time.
 */
#include "mm/frametype.h"
#include "mm/hvmap.h"
#include "mm/internal.h"
#include "mm/tlb.h"

#include "cpu/feature.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"

struct domain domain_io = {.id = DOMID_IO, .page_list = NO_LINK};

static inline bool is_valid_table(uint64_t word)
{
    return (word & T_VALID) && type_is_table(type_of(word));
}

enum frame_type frame_type(const struct frame *f)
{
    uint64_t word = READ_ONCE(f->type);

    return word & T_COUNT ? type_of(word) : FT_NONE;
}

uint64_t frame_type_count(const struct frame *f)
{
    return READ_ONCE(f->type) & T_COUNT;
}

bool frame_is_pinned(const struct frame *f)
{
    return READ_ONCE(f->type) & T_PINNED;
}

unsigned frame_table_level(const struct frame *f, const struct domain *d)
{
    uint64_t word = __atomic_load_n(&f->type, __ATOMIC_ACQUIRE), again;

    if (!is_valid_table(word) ||
        __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE) != d->id)
        return 0;
    /*
     * We hold no reference. It was a table before we saw its owner, and is
     * one still; had d's frame become another's table, or another's d's plain
     * page, one of the two looks would have found neither.
     */
    again = __atomic_load_n(&f->type, __ATOMIC_ACQUIRE);
    if (unlikely(again != word) &&
        (!is_valid_table(again) || type_of(again) != type_of(word)))
        return 0;
    return type_of(word) - FT_L1 + 1;
}

static bool word_update(struct frame *f, uint64_t *old, uint64_t new)
{
    return __atomic_compare_exchange_n(&f->type, old, new, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* ---- dropping what a table refers to ---- */

/* Note that entries [0, nr) of f are still to be dropped. */
static bool drop_defer(struct domain *d, struct frame *f, unsigned nr)
{
    struct pv_domain *pv = &d->pv;

    if (pv->nr_drops == MAX_DEFERRED_DROPS || !frame_get_again(f))
        return false;
    pv->drop[pv->nr_drops++] = (struct deferred_drop){f, nr};
    return true;
}

/*
 * Let go of entries [0, nr) of a frame marked T_DROPPING; when all are gone
 * it is free to take another type. Stops half-way when time is up.
 */
static void table_drop(struct frame *f, struct domain *d, unsigned nr)
{
    unsigned level = type_of(f->type) - FT_L1 + 1;
    const uint64_t *table = frame_virt(f);

    while (nr-- > 0) {
        uint64_t e = READ_ONCE(table[nr]);

        if (!(e & PTE_P) || is_host_slot(level, nr))
            continue;
        entry_put(d, level, e);
        if (level > 1 && nr && hypercall_should_yield() && drop_defer(d, f, nr))
            return;
    }
    /* CPUs may have this table in their paging-structure caches. */
    f->tlb_stamp = tlb_now();
    __atomic_store_n(&f->type, type_word((enum frame_type)(FT_L1 + level - 1)),
                     __ATOMIC_SEQ_CST);
}

int frame_drain(struct domain *d)
{
    struct pv_domain *pv = &d->pv;

    /* The lowest table first: then each level waits at most once. */
    while (unlikely(pv->nr_drops)) {
        struct deferred_drop drop;
        unsigned low = 0;

        for (unsigned i = 1; i < pv->nr_drops; i++) {
            if (type_of(pv->drop[i].frame->type) <
                type_of(pv->drop[low].frame->type))
                low = i;
        }
        drop = pv->drop[low];
        pv->drop[low] = pv->drop[--pv->nr_drops];
        table_drop(drop.frame, d, drop.nr);
        frame_put(drop.frame);
        if (pv->nr_drops && hypercall_should_yield())
            return -ERESTART;
    }
    return 0;
}

/* ---- validating ---- */

static int table_validate(struct frame *f, struct domain *d, unsigned level,
                          unsigned start, bool preempt)
{
    uint64_t *table = frame_virt(f);

    for (unsigned i = start; i < ENTRIES; i++) {
        uint64_t e = READ_ONCE(table[i]), stored = e;
        int rc;

        if (!(e & PTE_P) || is_host_slot(level, i))
            continue;
        if (preempt && level > 1 && i > start && hypercall_should_yield())
            rc = -ERESTART;
        else
            rc = entry_get(d, d, level, &e, preempt);
        if (rc == -ERESTART) {
            WRITE_ONCE(f->type, type_word(type_of(f->type)) | T_PARTIAL |
                                    (uint64_t)i << T_POS_SHIFT);
            return rc;
        }
        if (rc) {
            WRITE_ONCE(f->type, type_word(type_of(f->type)) | T_DROPPING);
            table_drop(f, d, i);
            return rc;
        }
        if (e != stored)
            WRITE_ONCE(table[i], e);
    }
    if (level == 4)
        hvmap_fill_l4(table);
    return 0;
}

static int segdesc_validate(struct frame *f)
{
    uint64_t *desc = frame_virt(f);

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*desc); i++) {
        if (!descriptor_fix(&desc[i])) {
            f->tlb_stamp = tlb_now();
            __atomic_store_n(&f->type, type_word(FT_SEGDESC), __ATOMIC_SEQ_CST);
            return -EINVAL;
        }
    }
    return 0;
}

/* No CPU may still use the frame the way its old type allowed. */
static void flush_old_uses(struct frame *f, struct domain *owner, uint64_t old)
{
    cpumask_t mask =
        old & T_FOREIGN ? cpu_online : READ_ONCE(owner->dirty_cpus);

    mask = tlb_stale(mask, f->tlb_stamp);
    if (mask)
        tlb_flush_mask(mask, TLB_ALL);
}

/* We changed the type word from `old` (count 0) to count 1, not valid. */
static int first_use(struct frame *f, struct domain *owner,
                     enum frame_type type, uint64_t old, bool preempt)
{
    enum frame_type before = type_of(old);
    int rc = 0;

    if (before != FT_NONE && before != type)
        flush_old_uses(f, owner, old);
    if (type_is_table(type)) {
        bool had_ref = old & T_PARTIAL;
        unsigned start = had_ref ? (old & T_POS) >> T_POS_SHIFT : 0;

        /* A partial validation keeps the frame; without, give up on it. */
        if (preempt && !had_ref)
            had_ref = preempt = frame_get_again(f);
        rc = table_validate(f, owner, type - FT_L1 + 1, start, preempt);
        if (had_ref && rc != -ERESTART)
            frame_put(f);
    } else if (type == FT_SEGDESC) {
        rc = segdesc_validate(f);
    }
    if (!rc)
        __atomic_fetch_or(&f->type, T_VALID, __ATOMIC_SEQ_CST);
    return rc;
}

/* May a frame of this kind have this type at all? */
static bool type_is_possible(const struct frame *f, enum frame_type type)
{
    /* We write to shared pages ourselves: never tables or descriptors. */
    return type == FT_WRITABLE || !(f->flags & FRAME_SHARED);
}

static __attribute__((noinline)) int
type_get_slowly(struct frame *f, struct domain *owner, enum frame_type type,
                uint64_t foreign, bool preempt)
{
    uint64_t word = READ_ONCE(f->type);

    if (!type_is_possible(f, type))
        return -EINVAL;
    for (;;) {
        uint64_t new;

        if (word & T_DROPPING)
            return -EBUSY;
        if (word & T_COUNT) {
            if (type_of(word) != type || (word & T_COUNT) == T_COUNT)
                return -EBUSY;
            if (unlikely(!(word & T_VALID))) {
                if (type_is_table(type))
                    return -EBUSY;
                spin_wait();
                word = READ_ONCE(f->type);
                continue;
            }
            if (word_update(f, &word, (word + 1) | foreign))
                return 0;
            continue;
        }
        if ((word & T_PARTIAL) && type_of(word) != type)
            return -EBUSY;
        new = (type_word(type) | 1) | foreign;
        if (type_of(word) == type)
            new |= word &T_FOREIGN;
        if (word_update(f, &word, new))
            return first_use(f, owner, type, word, preempt);
    }
}

/*
 * One more use of what the frame is already, or the first writable use of
 * plain memory: that needs neither flush nor validation.
 */
static inline bool type_get_quickly(struct frame *f, enum frame_type type,
                                    uint64_t foreign)
{
    uint64_t word = READ_ONCE(f->type), new;

    if (type_is_used(word, type))
        new = word + 1;
    else if (type == FT_WRITABLE && type_is_plain(word))
        new = word | type_word(FT_WRITABLE) | T_VALID | 1;
    else
        return false;
    return word_update(f, &word, new | foreign);
}

static inline int type_get(struct frame *f, struct domain *owner,
                           enum frame_type type, uint64_t foreign, bool preempt)
{
    if (likely(type_get_quickly(f, type, foreign)))
        return 0;
    return type_get_slowly(f, owner, type, foreign, preempt);
}

int frame_type_get(struct frame *f, struct domain *d, enum frame_type type)
{
    return type_get(f, d, type, 0, false);
}

int frame_type_get_foreign(struct frame *f, struct domain *owner)
{
    return type_get(f, owner, FT_WRITABLE, T_FOREIGN, false);
}

/*
 * The last use of a frame that is no table ends. Not valid, it is ours alone:
 * else another use could come and go while we look at the clock, and our
 * stamp, older than its translations, would stay. False: the word changed.
 */
static inline bool type_put_last(struct frame *f, uint64_t word)
{
    if (!word_update(f, &word, word & ~T_VALID))
        return false;
    f->tlb_stamp = tlb_now();
    __atomic_store_n(&f->type, (word - 1) & ~T_VALID, __ATOMIC_RELEASE);
    return true;
}

/* One of several uses ends, or the last writable one: true if that is done. */
static inline bool type_put_quickly(struct frame *f)
{
    uint64_t word = READ_ONCE(f->type);

    if ((word & T_COUNT) > 1)
        return word_update(f, &word, word - 1);
    return word >> T_VALID_SHIFT == (FT_WRITABLE << 1 | 1) &&
           type_put_last(f, word);
}

static __attribute__((noinline)) void type_put_slowly(struct frame *f,
                                                      struct domain *d)
{
    for (;;) {
        uint64_t word = READ_ONCE(f->type);
        enum frame_type type = type_of(word);

        BUG_ON(!(word & T_COUNT));
        if ((word & T_COUNT) > 1) {
            if (word_update(f, &word, word - 1))
                return;
        } else if (!type_is_table(type)) {
            if (type_put_last(f, word))
                return;
        } else if (word_update(f, &word, type_word(type) | T_DROPPING)) {
            table_drop(f, d, ENTRIES);
            return;
        }
    }
}

void frame_type_put(struct frame *f, struct domain *d)
{
    if (unlikely(!type_put_quickly(f)))
        type_put_slowly(f, d);
}

static int get_typed(mfn_t m, struct domain *d, enum frame_type type,
                     bool preempt)
{
    struct frame *f = frame_get(m, d);
    int rc;

    if (!f)
        return -EINVAL;
    rc = type_get(f, d, type, 0, preempt);
    if (rc)
        frame_put(f);
    return rc;
}

/*
 * Callers that cannot restart. The guest's own calls are bounded all the
 * same: a huge tree is refused for now, and goes on where it stopped when the
 * guest tries again; who pins it first never sees this.
 */
int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
    int rc = get_typed(m, d, type, current->domain == d);

    return rc == -ERESTART ? -EBUSY : rc;
}

int frame_get_typed_preempt(mfn_t m, struct domain *d, enum frame_type type)
{
    return get_typed(m, d, type, true);
}

static __attribute__((noinline)) void put_typed_slowly(struct frame *f,
                                                       struct domain *d)
{
    type_put_slowly(f, d);
    frame_put(f);
}

void frame_put_typed(struct frame *f, struct domain *d)
{
    if (likely(type_put_quickly(f)))
        frame_put(f);
    else
        put_typed_slowly(f, d);
}

int frame_pin(struct frame *f)
{
    uint64_t old = __atomic_fetch_or(&f->type, T_PINNED, __ATOMIC_SEQ_CST);

    return old & T_PINNED ? -EINVAL : 0;
}

bool frame_unpin(struct frame *f)
{
    return __atomic_fetch_and(&f->type, ~T_PINNED, __ATOMIC_SEQ_CST) & T_PINNED;
}

void frame_unpin_dead(struct frame *f, struct domain *d)
{
    uint64_t word;

    if (frame_unpin(f))
        frame_put_typed(f, d);
    word = READ_ONCE(f->type);
    if (word & T_PARTIAL) {
        WRITE_ONCE(f->type, type_word(type_of(word)) | T_DROPPING);
        table_drop(f, d, (word & T_POS) >> T_POS_SHIFT);
        frame_put(f);
    }
}

/* ---- entries ---- */

#define PTE_ANY_LEVEL                                                          \
    (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D | PTE_AVAIL | PTE_HIGH_AVAIL |    \
     PTE_NX | PTE_ADDR)
#define PTE_L1_ONLY (PTE_PWT | PTE_PCD | PTE_PS | PTE_G)
#define PTE_CACHE   (PTE_PWT | PTE_PCD | PTE_PS)

static bool entry_bits_ok(unsigned level, uint64_t pte)
{
    uint64_t allowed = PTE_ANY_LEVEL | (level == 1 ? PTE_L1_ONLY : 0);

    return !(pte & ~allowed) && !((pte & PTE_ADDR) >> cpu_phys_bits);
}

/*
 * Device memory: uncached unless the guest chose UC-, UC or WC itself. By the
 * PAT of the PV ABI the combinations PAT:PCD:PWT 2, 3, 4, 6, 7 are those.
 */
static uint64_t uncached(uint64_t pte)
{
    unsigned index = (pte & PTE_PWT ? 1 : 0) | (pte & PTE_PCD ? 2 : 0) |
                     (pte & PTE_PS ? 4 : 0);

    if (index == 0 || index == 1 || index == 5)
        pte = (pte & ~PTE_CACHE) | PTE_PCD | PTE_PWT;
    return pte;
}

static int get_io(struct domain *d, struct domain *owner, uint64_t *pte)
{
    bool read_only = false;

    if (owner != d && owner != &domain_io)
        return -EPERM;
    if (!d->may_map_io || !d->may_map_io(d, pte_mfn(*pte), &read_only))
        return -EPERM;
    if (read_only)
        *pte &= ~PTE_RW;
    *pte = uncached(*pte);
    return 0;
}

static int get_l1(struct domain *d, struct domain *owner, uint64_t *pte)
{
    mfn_t m = pte_mfn(*pte);
    struct frame *f;
    int rc = 0;

    if (!mfn_is_ram(m))
        return get_io(d, owner, pte);
    f = frame_get(m, owner);
    if (!f)
        return -EINVAL;
    if (*pte & PTE_RW) {
        /* Of ours, only what domain 0 writes too: trace buffers. */
        if (owner->id == DOMID_XEN && !(f->flags & FRAME_SHARED))
            rc = -EPERM;
        else
            rc = type_get(f, owner, FT_WRITABLE, owner == d ? 0 : T_FOREIGN,
                          false);
    }
    if (rc) {
        frame_put(f);
        return rc;
    }
    /*
     * Memory is cached, whatever a guest without devices asks for: by way of
     * an uncached alias it could show us one table in the cache, and the
     * CPU's walker another one behind it.
     */
    if (!d->hardware)
        *pte &= ~PTE_CACHE;
    if (owner != d && !(f->flags & FRAME_SHARED))
        d->nr_foreign_mapped++;
    return 0;
}

int entry_get(struct domain *d, struct domain *owner, unsigned level,
              uint64_t *pte, bool preempt)
{
    int rc;

    if (!(*pte & PTE_P))
        return 0;
    if (!entry_bits_ok(level, *pte))
        return -EINVAL;
    if (level == 1)
        rc = get_l1(d, owner, pte);
    else if (owner != d)
        rc = -EPERM;
    else
        rc = get_typed(pte_mfn(*pte), d, (enum frame_type)(FT_L1 + level - 2),
                       preempt);
    if (!rc)
        *pte = entry_adjust(level, *pte);
    return rc;
}

void entry_put(struct domain *d, unsigned level, uint64_t pte)
{
    struct frame *f;

    if (!(pte & PTE_P) || !mfn_is_ram(pte_mfn(pte)))
        return;
    f = frame_of(pte_mfn(pte));
    if (level > 1) {
        frame_put_typed(f, d);
        return;
    }
    if (f->owner != d->id && !(f->flags & FRAME_SHARED))
        d->nr_foreign_mapped--;
    if (!(pte & PTE_RW) || likely(type_put_quickly(f)))
        frame_put(f);
    else
        put_typed_slowly(f, d);
}
