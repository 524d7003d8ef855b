#include "mm/check.h"

#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "domain/domain.h"
#include "grant/gnttab.h"
#include "mm/internal.h"

/* Uses that the walk has found, for each frame. */
struct tally {
    uint32_t refs, types;
};

#define CHUNK_ORDER  10 /* 4 MiB of tallies */
#define CHUNK_FRAMES ((PAGE_SIZE << CHUNK_ORDER) / sizeof(struct tally))
#define MAX_CHUNKS   128

struct finding {
    const char *what;
    uint64_t mfn, value;
};

static struct {
    struct spinlock lock;
    struct tally *chunk[MAX_CHUNKS];
    struct finding finding[8];
    unsigned nr_findings;
    uint64_t nr_owned, nr_tables, nr_entries;
    const struct domain *d; /* whose frames are looked at */
    uint64_t nr_foreign;    /* entries of d that map others' frames */
} check;

static struct tally *tally_of(mfn_t m)
{
    return &check.chunk[m.n / CHUNK_FRAMES][m.n % CHUNK_FRAMES];
}

static void found(const char *what, mfn_t m, uint64_t value)
{
    if (check.nr_findings < ARRAY_SIZE(check.finding))
        check.finding[check.nr_findings] = (struct finding){what, m.n, value};
    check.nr_findings++;
}

static void want(bool ok, const char *what, mfn_t m, uint64_t value)
{
    if (unlikely(!ok))
        found(what, m, value);
}

/* ---- what refers to frames ---- */

static void use(const struct frame *f, enum frame_type type)
{
    mfn_t m = frame_mfn(f);
    uint64_t word = READ_ONCE(f->type);

    tally_of(m)->refs++;
    want(!(f->flags & FRAME_FREE), "a free frame in use", m, f->flags);
    if (type == FT_NONE)
        return;
    tally_of(m)->types++;
    want(type_of(word) == type && (word & T_COUNT),
         "a frame used as what it is not", m, word);
}

static void use_l1_entry(uint64_t pte)
{
    struct frame *f = frame_of(pte_mfn(pte));

    use(f, pte & PTE_RW ? FT_WRITABLE : FT_NONE);
    if (f->owner == check.d->id || f->flags & FRAME_SHARED)
        return;
    check.nr_foreign++;
    want(f->owner != DOMID_XEN || !(pte & PTE_RW),
         "a writable mapping of a frame of ours", frame_mfn(f), pte);
}

static void use_table_entry(unsigned level, uint64_t pte)
{
    struct frame *f = frame_of(pte_mfn(pte));
    uint64_t word = READ_ONCE(f->type);

    use(f, (enum frame_type)(FT_L1 + level - 2));
    want(f->owner == check.d->id, "a foreign page table", frame_mfn(f), pte);
    want(word & T_VALID, "a table in use that was never checked", frame_mfn(f),
         word);
}

static void check_entry(unsigned level, mfn_t table, uint64_t pte)
{
    mfn_t m = pte_mfn(pte);

    if (!(pte & PTE_P))
        return;
    check.nr_entries++;
    want(pte & PTE_US, "an entry without the user bit", table, pte);
    want(level == 1 || !(pte & PTE_PS), "a superpage", table, pte);
    want(level > 1 || !(pte & PTE_G), "a global entry", table, pte);
    if (!mfn_is_ram(m))
        want(level == 1 && check.d->may_map_io, "an entry beyond RAM", table,
             pte);
    else if (level > 1)
        use_table_entry(level, pte);
    else
        use_l1_entry(pte);
}

static void check_entries(const struct frame *f, unsigned nr)
{
    unsigned level = type_of(f->type) - FT_L1 + 1;
    const uint64_t *table = frame_virt(f);

    check.nr_tables++;
    for (unsigned i = 0; i < nr; i++)
        if (!is_host_slot(level, i))
            check_entry(level, frame_mfn(f), READ_ONCE(table[i]));
}

/* ---- a domain ---- */

static void check_owned(const struct frame *f)
{
    uint64_t word = READ_ONCE(f->type);

    check.nr_owned++;
    want((word & T_COUNT) <= (f->refs & FRAME_COUNT),
         "more types than references", frame_mfn(f), word);
    want(!(word & T_VALID) || (word & T_COUNT), "a type without a use",
         frame_mfn(f), word);
    if (f->refs & FRAME_ALLOCATED)
        use(f, FT_NONE);
    if (word & T_PINNED) {
        use(f, type_of(word));
        want(type_is_table(type_of(word)), "a pin of no table", frame_mfn(f),
             word);
    }
    if (!type_is_table(type_of(word)))
        return;
    /* What is just being checked or dropped by a stopped CPU is not counted. */
    if (word & T_PARTIAL) {
        use(f, FT_NONE);
        check_entries(f, (word & T_POS) >> T_POS_SHIFT);
    } else if (word & T_VALID) {
        check_entries(f, ENTRIES);
    }
}

static uint64_t check_list(uint32_t first, uint64_t max)
{
    uint32_t prev = NO_LINK;
    uint64_t nr = 0;

    for (uint32_t n = first; n != NO_LINK; nr++) {
        const struct frame *f = frame_of(mfn(n));

        if (!mfn_is_ram(mfn(n)) || nr > max || f->owner != check.d->id ||
            f->prev != prev) {
            found("a domain's list of frames is broken", mfn(n), nr);
            break;
        }
        check_owned(f);
        prev = n;
        n = f->next;
    }
    return nr;
}

static void use_area(struct frame *const area[2])
{
    for (unsigned i = 0; i < 2; i++)
        if (area[i])
            use(area[i], FT_WRITABLE);
}

static void check_vcpu(const struct vcpu *v)
{
    const struct pv_vcpu *p = &v->pv;

    if (p->cr3_kernel.n)
        use(frame_of(p->cr3_kernel), FT_L4);
    if (p->cr3_user.n)
        use(frame_of(p->cr3_user), FT_L4);
    for (unsigned i = 0; i < ARRAY_SIZE(p->gdt_frame); i++)
        if (p->gdt_frame[i])
            use(p->gdt_frame[i], FT_SEGDESC);
    for (unsigned i = 0; i < ARRAY_SIZE(p->ldt_frame); i++)
        if (p->ldt_frame[i])
            use(p->ldt_frame[i], FT_SEGDESC);
    use_area(v->runstate_frame);
    use_area(v->time_frame);
    if (v->info_frame)
        use(v->info_frame, FT_WRITABLE);
}

static void check_domain(struct domain *d)
{
    uint64_t nr;

    check.d = d;
    check.nr_foreign = 0;
    nr = check_list(d->page_list, d->tot_pages);
    if (d->relinquish_step)
        nr += check_list(d->dead_list, d->tot_pages);
    want(nr <= d->tot_pages, "more frames than the domain counts", mfn(nr),
         d->tot_pages);
    for (unsigned i = 0; i < d->pv.nr_drops; i++) {
        use(d->pv.drop[i].frame, FT_NONE);
        check_entries(d->pv.drop[i].frame, d->pv.drop[i].nr);
    }
    vcpu_for_each (d, v)
        check_vcpu(v);
    if (!d->privileged && !domain_is_dying(d))
        want(check.nr_foreign <= gnttab_nr_maps(d),
             "more foreign mappings than grants", mfn(d->id), check.nr_foreign);
}

/* ---- all frames ---- */

static void check_counts(mfn_t m)
{
    const struct frame *f = frame_of(m);
    uint64_t refs = f->refs & FRAME_COUNT;

    want(tally_of(m)->refs <= refs, "fewer references than uses", m, refs);
    /* The allocator and the pools have their own use for `type`. */
    if (f->flags & FRAME_FREE)
        want(!refs && f->owner == DOMID_INVALID,
             "a free frame with an owner or references", m, f->refs);
    else
        want(tally_of(m)->types <= (f->type & T_COUNT),
             "a type count below its uses", m, f->type);
}

static void check_all(void *unused)
{
    struct domain *d;

    (void)unused;
    for (unsigned id = 0; (d = domain_get_from((domid_t)id)); id = d->id + 1u) {
        check_domain(d);
        /* Others hold it too, and stand still: never the last reference. */
        domain_put(d);
        if (d->id + 1u >= DOMID_FIRST_RESERVED)
            break;
    }
    for (uint64_t n = 0; n < max_mfn; n++)
        if (mfn_is_ram(mfn(n)))
            check_counts(mfn(n));
}

static unsigned chunk_order(uint64_t i)
{
    uint64_t nr = MIN(CHUNK_FRAMES, max_mfn - i * CHUNK_FRAMES);
    unsigned order = 0;

    while ((PAGE_SIZE << order) < nr * sizeof(struct tally))
        order++;
    return order;
}

static void free_chunks(void)
{
    for (unsigned i = 0; i < MAX_CHUNKS && check.chunk[i]; i++) {
        free_host_pages(check.chunk[i], chunk_order(i));
        check.chunk[i] = NULL;
    }
}

static int alloc_chunks(void)
{
    if (max_mfn > MAX_CHUNKS * CHUNK_FRAMES)
        return -ENOMEM;
    for (uint64_t i = 0; i * CHUNK_FRAMES < max_mfn; i++) {
        check.chunk[i] = alloc_host_pages(chunk_order(i));
        if (!check.chunk[i])
            return -ENOMEM;
    }
    return 0;
}

static void report(bool say_all)
{
    for (unsigned i = 0; i < MIN(check.nr_findings, ARRAY_SIZE(check.finding));
         i++)
        log_err("frame %#lx: %s (%#lx)\n", check.finding[i].mfn,
                check.finding[i].what, check.finding[i].value);
    if (say_all || check.nr_findings)
        log_info("frames: %u violations; %lu frames of domains, %lu tables, "
                 "%lu entries\n",
                 check.nr_findings, check.nr_owned, check.nr_tables,
                 check.nr_entries);
}

int frames_check(bool say_all)
{
    int rc;

    spin_lock(&check.lock);
    check.nr_findings = 0;
    check.nr_owned = check.nr_tables = check.nr_entries = 0;
    rc = alloc_chunks();
    if (!rc) {
        ipi_stop_others(check_all, NULL);
        report(say_all);
        rc = (int)check.nr_findings;
    }
    free_chunks();
    spin_unlock(&check.lock);
    return rc;
}

bool frames_all_gone(const struct domain *d)
{
    if (d->tot_pages || d->nr_foreign_mapped)
        return false;
    for (uint64_t n = 0; n < max_mfn; n++)
        if (mfn_is_ram(mfn(n)) && READ_ONCE(frame_of(mfn(n))->owner) == d->id)
            return false;
    return true;
}
