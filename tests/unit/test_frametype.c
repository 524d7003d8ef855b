/*
 * PV page types (pv-guest ABI: a frame is written by a guest or is one of its
 * tables, never both; a refused table leaves nothing behind; UNPIN gives back
 * everything a tree held).
 */
#include "machine.h"
#include "hypercall/handlers.h"
#include "mm/alloc.h"
#include "mm/frametype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define KERNEL (PTE_P | PTE_RW | PTE_US)
#define READ   (PTE_P | PTE_US)

static struct domain *const guest = &machine_domain[1];
static struct domain *const other = &machine_domain[2];

static int setup(void **state)
{
    static bool once;

    (void)state;
    machine_reset();
    if (!once)
        memset(fake_ram, 0xa5, FAKE_FRAMES * PAGE_SIZE);
    once = true;
    return 0;
}

/* The allocator's memory can be given to it only once. */
static int group_setup(void **state)
{
    setup(state);
    alloc_add_range(mfn(256), mfn(FAKE_FRAMES));
    return 0;
}

static int each_setup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct domain *d = &machine_domain[i];

        d->dying = DOMAIN_ALIVE;
        d->relinquish_step = 0;
        d->max_pages = 512;
    }
    machine_yield_after = 0;
    fake_current->domain = guest;
    return 0;
}

static void kill_domain(struct domain *d)
{
    int rc;

    d->dying = DOMAIN_DYING;
    do
        rc = frame_relinquish_domain(d);
    while (rc == -ERESTART);
    assert_int_equal(rc, 0);
    d->dying = DOMAIN_ALIVE;
    d->relinquish_step = 0;
}

/* Teardown of every test: both domains die, and all memory is free again. */
static int each_teardown(void **state)
{
    (void)state;
    machine_yield_after = 0;
    kill_domain(guest);
    kill_domain(other);
    assert_int_equal(guest->tot_pages + other->tot_pages, 0);
    assert_int_equal(guest->refs, 1);
    assert_int_equal(other->refs, 1);
    assert_int_equal(guest->nr_foreign_mapped, 0);
    assert_int_equal(alloc_nr_free(), alloc_nr_total());
    return 0;
}

static uint64_t new_page(struct domain *d)
{
    struct frame *f = frame_alloc_domain(d, 0, 0);

    assert_non_null(f);
    return frame_mfn(f).n;
}

static uint64_t *page(uint64_t n)
{
    return mfn_to_virt(mfn(n));
}

static uint64_t refs(uint64_t n)
{
    return frame_of(mfn(n))->refs & FRAME_COUNT;
}

static long ext(unsigned cmd, uint64_t n)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = n};
    struct hc_args a = {{(uintptr_t)&op, 1, 0, DOMID_SELF}};
    long rc;

    while ((rc = hc_mmuext_op(&a)) == -ERESTART)
        ;
    return rc;
}

static long update(uint64_t n, unsigned i, uint64_t pte, unsigned frames_of)
{
    struct mmu_update u = {.ptr = n << PAGE_SHIFT | i * 8, .val = pte};
    struct hc_args a = {{(uintptr_t)&u, 1, 0, frames_of}};
    long rc;

    while ((rc = hc_mmu_update(&a)) == -ERESTART)
        ;
    return rc;
}

/* L4 -> L3 -> L2 -> L1 -> data, each first entry. */
struct tree {
    uint64_t l4, l3, l2, l1, data;
};

static struct tree new_tree(void)
{
    struct tree t;

    t.l4 = new_page(guest);
    t.l3 = new_page(guest);
    t.l2 = new_page(guest);
    t.l1 = new_page(guest);
    t.data = new_page(guest);
    page(t.l4)[0] = pte_make(mfn(t.l3), KERNEL);
    page(t.l3)[0] = pte_make(mfn(t.l2), KERNEL);
    page(t.l2)[0] = pte_make(mfn(t.l1), KERNEL);
    page(t.l1)[0] = pte_make(mfn(t.data), KERNEL);
    return t;
}

/* ABI: pages arrive zeroed, whatever was in them. */
static void test_pages_arrive_zeroed(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 300; k++) {
        uint64_t n = new_page(guest);

        for (unsigned i = 0; i < 512; i++)
            assert_int_equal(page(n)[i], 0);
        memset(page(n), 0xff, PAGE_SIZE);
    }
}

/*
 * Nor can an old owner's stale translation fill them after the scrubbing: a
 * page counts as clean only when no CPU can write to it any more.
 */
static void test_scrubbed_pages_are_out_of_reach(void **state)
{
    unsigned before;

    (void)state;
    alloc_scrub_start();
    while (alloc_scrub_some())
        ;
    memset(page(new_page(guest)), 0xff, PAGE_SIZE);
    kill_domain(guest);
    before = machine_flushes;
    while (alloc_scrub_some())
        ;
    assert_int_equal(machine_flushes, before + 1);
}

/* ABI: a domain has no more than max_pages. */
static void test_max_pages_is_the_limit(void **state)
{
    (void)state;
    guest->max_pages = 3;
    new_page(guest);
    assert_null(frame_alloc_domain(guest, 2, 0));
    assert_non_null(frame_alloc_domain(guest, 1, 0));
    assert_null(frame_alloc_domain(guest, 0, 0));
}

/* ABI: address_bits limits the machine address of what comes. */
static void test_address_bits_are_kept(void **state)
{
    struct frame *f;

    (void)state;
    assert_null(frame_alloc_domain(guest, 0, 20)); /* below 1 MiB: no RAM */
    f = frame_alloc_domain(guest, 3, 22);
    assert_non_null(f);
    assert_true(frame_mfn(f).n + 8 <= 1 << 10);
}

/* ABI: XENMEM_claim_pages keeps memory from others. */
static void test_claims_keep_memory_for_their_owner(void **state)
{
    uint64_t free_now = alloc_nr_free();

    (void)state;
    guest->max_pages = other->max_pages = FAKE_FRAMES;
    assert_int_equal(alloc_claim(guest, free_now - 1), 0);
    assert_null(frame_alloc_domain(other, 1, 0));
    assert_non_null(frame_alloc_domain(other, 0, 0));
    assert_null(frame_alloc_domain(other, 0, 0));
    assert_non_null(frame_alloc_domain(guest, 4, 0));
    assert_int_equal(alloc_nr_claimed(), free_now - 1 - 16);
    assert_int_equal(alloc_claim(guest, 0), 0);
    assert_int_equal(alloc_nr_claimed(), 0);
}

/* ABI: PIN validates the whole tree, UNPIN gives everything back. */
static void test_pin_and_unpin_balance(void **state)
{
    struct tree t = new_tree();

    (void)state;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(frame_type(frame_of(mfn(t.l1))), FT_L1);
    assert_int_equal(frame_type(frame_of(mfn(t.data))), FT_WRITABLE);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), -EINVAL);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.l4), 0);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.l4), -EINVAL);
    assert_int_equal(
        refs(t.l4) + refs(t.l3) + refs(t.l2) + refs(t.l1) + refs(t.data), 5);
    assert_int_equal(frame_type(frame_of(mfn(t.data))), FT_NONE);
}

/* ABI: entries come back with US, kernel pages marked by bit 52, no G. */
static void test_entries_are_adjusted(void **state)
{
    struct tree t = new_tree();

    (void)state;
    page(t.l1)[1] = pte_make(mfn(t.data), PTE_P | PTE_G);
    page(t.l1)[2] = pte_make(mfn(t.data), PTE_P | PTE_G | PTE_US);
    page(t.l2)[0] &= ~PTE_US;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(page(t.l1)[1],
                     pte_make(mfn(t.data), PTE_P | PTE_US | PTE_GUEST_KERNEL));
    assert_int_equal(page(t.l1)[2], pte_make(mfn(t.data), PTE_P | PTE_US));
    assert_true(page(t.l2)[0] & PTE_US);
}

/* ABI: no writable mapping of a table, no table out of a mapped page. */
static void test_tables_and_writable_mappings_exclude(void **state)
{
    struct tree t = new_tree();

    (void)state;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(update(t.l1, 1, pte_make(mfn(t.l1), KERNEL), DOMID_SELF),
                     -EBUSY);
    assert_int_equal(update(t.l1, 1, pte_make(mfn(t.l4), READ), DOMID_SELF), 0);
    assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, t.data), -EBUSY);
    assert_int_equal(update(t.l1, 0, pte_make(mfn(t.data), READ), DOMID_SELF),
                     0);
    assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, t.data), 0);
    assert_int_equal(update(t.l1, 0, pte_make(mfn(t.data), KERNEL), DOMID_SELF),
                     -EBUSY);
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.data), 0);
    assert_int_equal(update(t.l1, 0, pte_make(mfn(t.data), KERNEL), DOMID_SELF),
                     0);
}

/* A page that was writable a moment ago is flushed for before it is a table. */
static void test_stale_writable_translations_are_flushed(void **state)
{
    struct tree t = new_tree();
    unsigned before;

    (void)state;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(update(t.l1, 0, 0, DOMID_SELF), 0);
    before = machine_flushes;
    assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, t.data), 0);
    assert_int_equal(machine_flushes, before + 1);
    /* And one that was a table before it is written again. */
    assert_int_equal(ext(MMUEXT_UNPIN_TABLE, t.data), 0);
    before = machine_flushes;
    assert_int_equal(update(t.l1, 0, pte_make(mfn(t.data), KERNEL), DOMID_SELF),
                     0);
    assert_int_equal(machine_flushes, before + 1);
}

/* ABI: a refused table leaves no references, at whatever depth it fails. */
static void test_refused_tree_leaves_nothing(void **state)
{
    struct tree t = new_tree();
    uint64_t foreign = new_page(other);
    const uint64_t bad[] = {
        pte_make(mfn(foreign), READ),             /* another's */
        pte_make(mfn(FAKE_FRAMES + 5), READ),     /* no RAM, no I/O rights */
        pte_make(mfn(t.data), READ) | 1ull << 45, /* beyond the CPU's width */
        pte_make(mfn(t.data), READ) | 1ull << 60, /* reserved */
        pte_make(mfn(t.l3), KERNEL),              /* a table, writable */
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        page(t.l1)[511] = bad[i];
        assert_int_not_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
        assert_int_equal(refs(t.l4) + refs(t.l3) + refs(t.l2) + refs(t.l1) +
                             refs(t.data) + refs(foreign),
                         6);
    }
    page(t.l1)[511] = 0;
    page(t.l2)[3] = pte_make(mfn(t.data), KERNEL | PTE_PS);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), -EINVAL);
    page(t.l2)[3] = pte_make(mfn(t.l2), KERNEL); /* linear */
    assert_int_not_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    page(t.l2)[3] = 0;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
}

/* A guest without devices has one view of memory, the cached one: what we
   check through ours is what the CPU walks (XSA-402). */
static void test_memory_is_mapped_cached(void **state)
{
    struct tree t = new_tree();
    uint64_t odd = pte_make(mfn(t.data), KERNEL | PTE_PCD | PTE_PWT | PTE_PS);

    (void)state;
    page(t.l1)[4] = odd;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(page(t.l1)[4], pte_make(mfn(t.data), KERNEL));
    assert_int_equal(update(t.l1, 4, odd, DOMID_SELF), 0);
    assert_int_equal(page(t.l1)[4], pte_make(mfn(t.data), KERNEL));
    assert_int_equal(update(t.l1, 5, odd & ~PTE_RW, DOMID_SELF), 0);
    assert_int_equal(page(t.l1)[5], pte_make(mfn(t.data), READ));
    guest->hardware = true;
    assert_int_equal(update(t.l1, 5, odd, DOMID_SELF), 0);
    assert_int_equal(page(t.l1)[5], odd);
    guest->hardware = false;
}

/* ABI: L4 slots 256 to 271 are ours, whatever the guest has there. */
static void test_host_slots_are_ours(void **state)
{
    struct tree t = new_tree();

    (void)state;
    page(t.l4)[256] = pte_make(mfn(1), KERNEL);
    page(t.l4)[271] = ~0ull;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(page(t.l4)[256], 0);
    assert_int_equal(update(t.l4, 256, 0, DOMID_SELF), -EINVAL);
}

/* ABI: only a privileged domain names another's frames; the other's memory
   stays until the mapping goes. */
static void test_foreign_mappings_hold_the_frame(void **state)
{
    struct tree t = new_tree();
    uint64_t foreign = new_page(other);

    (void)state;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(update(t.l1, 1, pte_make(mfn(foreign), KERNEL), 2),
                     -EPERM);
    guest->privileged = true;
    assert_int_equal(update(t.l1, 1, pte_make(mfn(t.data), KERNEL), 2),
                     -EINVAL);
    assert_int_equal(update(t.l1, 1, pte_make(mfn(foreign), KERNEL), 2), 0);
    assert_int_equal(update(t.l2, 1, pte_make(mfn(foreign), KERNEL), 2),
                     -EPERM);
    guest->privileged = false;
    assert_int_equal(guest->nr_foreign_mapped, 1);
    kill_domain(other);
    assert_int_equal(other->tot_pages, 1);
    assert_int_equal(other->refs, 2);
    assert_int_equal(update(t.l1, 1, 0, DOMID_SELF), 0);
    assert_int_equal(other->tot_pages, 0);
    assert_int_equal(other->refs, 1);
}

/* Of our own frames a privileged domain reads those we expose, writes those we
   share with DOMID_XEN, and has no others; a guest has none. */
static void test_of_our_frames_only_shared_ones_are_written(void **state)
{
    void *secret = alloc_host_pages(0), *list = alloc_host_pages(0);
    void *buffer = alloc_host_pages(0);
    struct tree t = new_tree();

    (void)state;
    frame_expose(virt_to_mfn(list));
    frame_share(buffer, &domain_xen);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    for (unsigned privileged = 0; privileged < 2; privileged++) {
        const struct {
            void *page;
            uint64_t flags;
            int rc;
        } cases[] = {
            {secret, READ, -EINVAL}, {secret, KERNEL, -EINVAL},
            {list, READ, 0},         {list, KERNEL, -EPERM},
            {buffer, READ, 0},       {buffer, KERNEL, 0},
        };

        guest->privileged = privileged;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            mfn_t m = virt_to_mfn(cases[i].page);
            uint64_t pte = pte_make(m, cases[i].flags);

            assert_int_equal(update(t.l1, 1, pte, DOMID_XEN),
                             privileged ? cases[i].rc : -EPERM);
            assert_int_equal(update(t.l1, 1, 0, DOMID_SELF), 0);
            assert_int_equal(update(t.l1, 1, pte, DOMID_SELF), -EINVAL);
        }
        assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(buffer).n),
                         -EINVAL);
    }
    guest->privileged = false;
    assert_int_equal(refs(virt_to_mfn(buffer).n), 1);
    assert_int_equal(refs(virt_to_mfn(list).n), 1);
    frame_unshare_free(buffer);
    frame_of(virt_to_mfn(list))->refs = 0;
    free_host_pages(list, 0);
    free_host_pages(secret, 0);
}

/* A long validation stops and goes on; one never finished is undone. */
static void test_validation_is_preemptible(void **state)
{
    struct tree t = new_tree();
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = t.l4};
    unsigned restarts = 0;
    struct hc_args a;
    long rc;

    (void)state;
    for (unsigned i = 1; i < 40; i++)
        page(t.l2)[i] = pte_make(mfn(new_page(guest)), KERNEL);
    for (unsigned round = 0; round < 3; round++) {
        a = (struct hc_args){{(uintptr_t)&op, 1, 0, DOMID_SELF}};
        do {
            machine_yield_after = 3;
            rc = hc_mmuext_op(&a);
            restarts += rc == -ERESTART;
        } while (rc == -ERESTART);
        assert_int_equal(rc, 0);
        do {
            struct mmuext_op un = {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = t.l4};

            a = (struct hc_args){{(uintptr_t)&un, 1, 0, DOMID_SELF}};
            machine_yield_after = 2;
            while ((rc = hc_mmuext_op(&a)) == -ERESTART) {
                machine_yield_after = 2;
                restarts++;
            }
        } while (0);
        assert_int_equal(rc, 0);
        assert_int_equal(refs(t.l4) + refs(t.l3) + refs(t.l2), 3);
    }
    assert_true(restarts > 20);
    /* Started and abandoned: nobody else may use the tables; death cleans. */
    a = (struct hc_args){{(uintptr_t)&op, 1, 0, DOMID_SELF}};
    machine_yield_after = 9;
    assert_int_equal(hc_mmuext_op(&a), -ERESTART);
    machine_yield_after = 0;
    assert_int_equal(frame_get_typed(mfn(t.l2), guest, FT_WRITABLE), -EBUSY);
}

/* A dying domain returns its memory in bounded pieces. */
static void test_relinquish_gives_way(void **state)
{
    struct tree t = new_tree();
    unsigned restarts = 0;

    (void)state;
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    for (unsigned i = 0; i < 100; i++)
        new_page(guest);
    guest->dying = DOMAIN_DYING;
    do {
        machine_yield_after = 5;
        restarts++;
    } while (frame_relinquish_domain(guest) == -ERESTART);
    assert_true(restarts > 10);
    assert_int_equal(guest->tot_pages, 0);
}

/* Our pages lent to a guest: mapped writable, never made a table. */
static void test_shared_pages_are_never_tables(void **state)
{
    struct tree t = new_tree();
    void *shared = alloc_host_pages(0);
    uint64_t n = virt_to_mfn(shared).n;

    (void)state;
    frame_share(shared, guest);
    assert_int_equal(ext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    assert_int_equal(update(t.l1, 1, pte_make(mfn(n), KERNEL), DOMID_SELF), 0);
    assert_int_equal(update(t.l1, 1, pte_make(mfn(n), READ), DOMID_SELF), 0);
    assert_int_equal(ext(MMUEXT_PIN_L1_TABLE, n), -EINVAL);
    frame_unshare_free(shared);
    assert_int_equal(update(t.l1, 2, pte_make(mfn(n), READ), DOMID_SELF),
                     -EINVAL);
    assert_int_equal(update(t.l1, 1, 0, DOMID_SELF), 0);
}

/* ---- a guest that tries anything, and a recount after it ---- */

#define POOL 24

static uint64_t pool[POOL];

/* Mostly what would do as an entry of pool page k, were it of level k / 6 + 1.
 */
static uint64_t random_pte(unsigned k)
{
    unsigned to = rand() % POOL;
    uint64_t pte;

    if (k >= 6 && rand() % 64)
        to = k % 6 + (k / 6 - 1) * 6;
    pte = pte_make(mfn(pool[to]), PTE_P);
    if (rand() % (k < 6 ? 12 : 2) == 0)
        pte |= PTE_RW;
    if (rand() % 2)
        pte |= PTE_US;
    if (rand() % 200 == 0)
        pte |= 1ull << (rand() % 64);
    return rand() % 6 ? pte : 0;
}

/* What each frame's counts must be, by reading every valid table. */
static void recount(void)
{
    uint64_t want_refs[POOL], want_types[POOL] = {0};

    /* A refused tree may still be on its way out. */
    assert_int_equal(frame_drain(guest), 0);
    for (unsigned k = 0; k < POOL; k++) {
        struct frame *f = frame_of(mfn(pool[k]));

        want_refs[k] = 1 + frame_is_pinned(f);
        want_types[k] = frame_is_pinned(f);
    }
    for (unsigned k = 0; k < POOL; k++) {
        unsigned level = frame_table_level(frame_of(mfn(pool[k])), guest);

        for (unsigned i = 0; level && i < 512; i++) {
            uint64_t pte = page(pool[k])[i];

            if (!(pte & PTE_P) || (level == 4 && i >= 256 && i < 272))
                continue;
            for (unsigned j = 0; j < POOL; j++) {
                if (pool[j] != pte_mfn(pte).n)
                    continue;
                want_refs[j]++;
                want_types[j] += level > 1 || (pte & PTE_RW);
                /* The rule all is for. */
                if (level == 1 && (pte & PTE_RW))
                    assert_int_equal(frame_type(frame_of(mfn(pool[j]))),
                                     FT_WRITABLE);
                if (level > 1)
                    assert_int_equal(
                        frame_table_level(frame_of(mfn(pool[j])), guest),
                        level - 1);
            }
        }
    }
    for (unsigned k = 0; k < POOL; k++) {
        struct frame *f = frame_of(mfn(pool[k]));

        assert_int_equal(f->refs & FRAME_COUNT, want_refs[k]);
        assert_int_equal(frame_type_count(f), want_types[k]);
    }
}

static void random_step(void)
{
    unsigned k = rand() % POOL;
    unsigned i = (unsigned)(rand() % 4 ? rand() % 4 : 254 + rand() % 20);
    unsigned level = rand() % 8 ? k / 6 : (unsigned)rand() % 4;

    machine_yield_after = rand() % 4 ? 0 : 1 + rand() % 5;
    switch (rand() % 8) {
    case 0:
    case 1:
        ext(MMUEXT_PIN_L1_TABLE + level, pool[k]);
        break;
    case 2:
        ext(MMUEXT_UNPIN_TABLE, pool[k]);
        break;
    default:
        update(pool[k], i, random_pte(k), DOMID_SELF);
        break;
    }
    machine_yield_after = 0;
}

/* Whatever the guest does, counts equal uses and the types hold. */
static void test_counts_survive_a_random_guest(void **state)
{
    unsigned tables = 0;

    (void)state;
    srand(20260101);
    for (unsigned k = 0; k < POOL; k++)
        pool[k] = new_page(guest);
    for (unsigned step = 0; step < 60000; step++) {
        random_step();
        if (step % 16 == 0)
            recount();
        for (unsigned k = 0; step % 500 == 0 && k < POOL; k++)
            tables += frame_table_level(frame_of(mfn(pool[k])), guest) > 1;
    }
    assert_true(tables > 300); /* it did get somewhere */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, each_setup, each_teardown)
        T(test_pages_arrive_zeroed),
        T(test_scrubbed_pages_are_out_of_reach),
        T(test_max_pages_is_the_limit),
        T(test_address_bits_are_kept),
        T(test_claims_keep_memory_for_their_owner),
        T(test_pin_and_unpin_balance),
        T(test_entries_are_adjusted),
        T(test_tables_and_writable_mappings_exclude),
        T(test_stale_writable_translations_are_flushed),
        T(test_refused_tree_leaves_nothing),
        T(test_memory_is_mapped_cached),
        T(test_host_slots_are_ours),
        T(test_foreign_mappings_hold_the_frame),
        T(test_of_our_frames_only_shared_ones_are_written),
        T(test_validation_is_preemptible),
        T(test_relinquish_gives_way),
        T(test_shared_pages_are_never_tables),
        T(test_counts_survive_a_random_guest),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
