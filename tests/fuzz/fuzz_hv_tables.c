/*
 * Page types under random page-table calls, flushes, pins, grants' mappings
 * and preemption. After each call the hypervisor's own check of the frame
 * table must find nothing; after the domains' death all memory must be free.
 */
#include "machine.h"

#include "grant/gnttab.h"
#include "hypercall/handlers.h"
#include "mm/alloc.h"
#include "mm/check.h"
#include "pv/mmu.h"

#include <stdio.h>
#include <stdlib.h>

#define NR_FRAMES 24 /* of the guest, then as many of the other one */
#define NR_HELD   16

static struct domain *const guest = &machine_domain[1];
static struct domain *const other = &machine_domain[2];
static uint64_t frames[2 * NR_FRAMES];

/* Typed references that something else than a table holds. */
static struct held {
    struct frame *f;
    bool grant; /* mapped by a grant, at `addr` */
    uint64_t addr;
    uint32_t flags;
} held[NR_HELD];

/* ---- what the sources want beyond the fakes ---- */

unsigned nr_cpus = 1;

struct domain *domain_get_from(domid_t id)
{
    return domain_get(id);
}

unsigned gnttab_nr_maps(struct domain *d)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < NR_HELD; i++)
        nr += d == guest && held[i].f && held[i].grant;
    return nr;
}

void ipi_stop_others(void (*fn)(void *), void *arg)
{
    fn(arg);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    (void)level;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

/* ---- values ---- */

static const uint8_t *in, *in_end;

static uint8_t byte(void)
{
    return in < in_end ? *in++ : 0;
}

static uint64_t any_mfn(void)
{
    uint8_t b = byte();

    return b < 240 ? frames[b % (b < 200 ? NR_FRAMES : 2 * NR_FRAMES)]
                   : (uint64_t)(b - 240) * 251;
}

static unsigned any_index(void)
{
    uint8_t b = byte();

    return b < 192 ? b % 4 : b + 255u;
}

static uint64_t any_pte(void)
{
    uint8_t f = byte();
    uint64_t pte = any_mfn() << PAGE_SHIFT | PTE_P | PTE_US;

    pte |= f & 1 ? PTE_RW : 0;
    if (f >= 0xf0)
        pte ^= 1ull << (byte() & 63);
    return f & 2 && f < 0x20 ? 0 : pte;
}

/* ---- operations ---- */

static long call(hc_handler fn, struct hc_args a)
{
    long rc;

    do
        rc = fn(&a);
    while (rc == -ERESTART && !(byte() & 7)); /* or give up half-way */
    return rc;
}

static void update(void)
{
    struct mmu_update req[2];
    uint32_t done = 0;

    for (unsigned i = 0; i < 2; i++) {
        req[i].ptr = any_mfn() << PAGE_SHIFT | any_index() * 8 | (byte() & 2);
        req[i].val = any_pte();
    }
    call(hc_mmu_update,
         (struct hc_args){{(uintptr_t)req, 2, (uintptr_t)&done, DOMID_SELF}});
}

static void extended(void)
{
    struct mmuext_op op = {.cmd = byte() % 22u};
    uint32_t done = 0;

    op.arg1.mfn = any_mfn();
    if (op.cmd == MMUEXT_COPY_PAGE)
        op.arg2.src_mfn = any_mfn();
    /* Real CPUs' business. */
    if (op.cmd >= MMUEXT_TLB_FLUSH_LOCAL && op.cmd <= MMUEXT_SET_LDT)
        return;
    if (op.cmd >= MMUEXT_FLUSH_CACHE_GLOBAL && op.cmd < MMUEXT_CLEAR_PAGE)
        return;
    call(hc_mmuext_op,
         (struct hc_args){{(uintptr_t)&op, 1, (uintptr_t)&done, DOMID_SELF}});
}

static void let_go(struct held *h)
{
    if (!h->grant) {
        frame_put_typed(h->f, guest);
    } else {
        /* The entry may be gone; the grant's own references are not. */
        (void)gnttab_pte_unmap(guest, h->addr, h->f, h->flags, 0);
        if (!(h->flags & GNTMAP_readonly))
            frame_type_put(h->f, other);
        frame_put(h->f);
    }
    h->f = NULL;
}

/* As a descriptor table, a vcpu_info or a grant to others holds a frame. */
static void hold(void)
{
    struct held *h = &held[byte() % NR_HELD];
    mfn_t m = mfn(any_mfn());

    if (h->f) {
        let_go(h);
        return;
    }
    if (!frame_get_typed(m, guest, byte() & 1 ? FT_WRITABLE : FT_SEGDESC))
        *h = (struct held){.f = frame_of(m)};
}

/* The other domain's frame, as grant/map.c does it. */
static void map_grant(void)
{
    struct held *h = &held[byte() % NR_HELD];
    mfn_t m = mfn(frames[NR_FRAMES + byte() % NR_FRAMES]);
    uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte;
    uint64_t addr = any_mfn() << PAGE_SHIFT | any_index() * 8;
    struct frame *f;

    if (h->f) {
        let_go(h);
        return;
    }
    flags |= byte() & 1 ? GNTMAP_readonly : 0;
    f = frame_get(m, other);
    if (!f)
        return;
    if (!(flags & GNTMAP_readonly) && frame_type_get(f, other, FT_WRITABLE))
        goto put;
    if (!gnttab_pte_map(guest, other, addr, f, flags)) {
        *h = (struct held){f, true, addr, flags};
        return;
    }
    if (!(flags & GNTMAP_readonly))
        frame_type_put(f, other);
put:
    frame_put(f);
}

static void give_back(void)
{
    unsigned i = byte() % NR_FRAMES;
    struct frame *f = frame_get(mfn(frames[i]), guest), *new;

    if (!f)
        return;
    frame_release(f, guest);
    frame_put(f);
    new = frame_alloc_domain(guest, 0, 0);
    if (new)
        frames[i] = frame_mfn(new).n;
}

static void root(void)
{
    if (mm_lock_tables(guest))
        return;
    (void)pv_new_baseptr(fake_current, mfn(byte() & 1 ? any_mfn() : 0), true);
    spin_unlock(&guest->mm_lock);
}

/* ---- one input ---- */

static void kill_domain(struct domain *d)
{
    d->dying = DOMAIN_DYING;
    while (frame_relinquish_domain(d) == -ERESTART)
        ;
    if (d->tot_pages || d->nr_foreign_mapped)
        abort();
    d->dying = DOMAIN_ALIVE;
    d->relinquish_step = 0;
}

static void begin(void)
{
    static bool once;

    if (!once) {
        machine_reset();
        alloc_add_range(mfn(256), mfn(FAKE_FRAMES));
        guest->max_vcpus = 1;
        guest->vcpu[0] = fake_current;
    }
    once = true;
    fake_current->domain = guest;
    for (unsigned i = 0; i < 2 * NR_FRAMES; i++)
        frames[i] =
            frame_mfn(frame_alloc_domain(i < NR_FRAMES ? guest : other, 0, 0))
                .n;
}

static void drop_root(mfn_t *root)
{
    if (root->n)
        frame_put_typed(frame_of(*root), guest);
    root->n = 0;
}

static void finish(void)
{
    machine_yield_after = 0;
    for (unsigned i = 0; i < NR_HELD; i++)
        if (held[i].f)
            let_go(&held[i]);
    drop_root(&fake_current->pv.cr3_user);
    drop_root(&fake_current->pv.cr3_kernel);
    kill_domain(guest);
    kill_domain(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ops[])(void) = {update,    update,    update,
                                        extended,  extended,  hold,
                                        map_grant, give_back, root};
    uint64_t before = alloc_nr_free();

    in = data;
    in_end = data + size;
    begin();
    if (!before)
        before = alloc_nr_free() + 2 * NR_FRAMES;
    while (in < in_end) {
        uint8_t b = byte();

        machine_yield_after = b & 0x80 ? 1 + byte() % 8u : 0;
        ops[(b & 0x7f) % (sizeof(ops) / sizeof(ops[0]))]();
        machine_yield_after = 0;
        if (frames_check(false) > 0)
            abort();
    }
    finish();
    if (frames_check(false) > 0 || alloc_nr_free() != before)
        abort();
    return 0;
}
