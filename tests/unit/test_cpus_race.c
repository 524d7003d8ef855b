/*
 * Threads are CPUs, each with a vCPU of one guest: page-table calls, pins,
 * grants' mappings and frames given back, all at once on a few frames. When
 * they have stopped, the check of the frame table finds nothing, and after the
 * guest's death all memory is free (the rules are
 * hypervisor/SECURITY-MODEL.md's).
 */
#define _DEFAULT_SOURCE
#include "machine.h"

#include "cpu/lapic.h"
#include "grant/gnttab.h"
#include "hypercall/handlers.h"
#include "mm/alloc.h"
#include "mm/check.h"
#include "pv/mmu.h"

/* Ours has that name too. */
#define sched_yield hosts_sched_yield
#include <pthread.h>
#undef sched_yield
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NR_CPUS   4
#define NR_FRAMES 12
#define NR_HELD   6
#define NR_OPS    (getenv("RACE_OPS") ? atoi(getenv("RACE_OPS")) : 30000)

static struct domain *const guest = &machine_domain[1];
static struct domain *const other = &machine_domain[2];
static uint64_t frames[NR_FRAMES], foreign[4];

/* A use that something else than a table makes of a frame. */
struct held {
    struct frame *f;
    bool grant, readonly;
    uint64_t addr;
};

static struct cpu {
    pthread_t thread;
    unsigned nr;
    uint64_t random;
    struct vcpu vcpu;
    struct held held[NR_HELD];
} cpus[NR_CPUS];
static uint32_t nr_mapped;

/* ---- what the sources want beyond the fakes ---- */

struct domain *domain_get_from(domid_t id)
{
    return domain_get(id);
}

unsigned gnttab_nr_maps(struct domain *d)
{
    return d == guest ? __atomic_load_n(&nr_mapped, __ATOMIC_SEQ_CST) : 0;
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

static void wait_turn(void)
{
    static __thread unsigned turns;

    if (++turns % 256)
        __builtin_ia32_pause();
    else
        usleep(1);
}

/* ---- a CPU at work ---- */

static uint64_t below(struct cpu *c, uint64_t n)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (c->random >> 11) % n;
}

static uint64_t any_frame(struct cpu *c)
{
    return __atomic_load_n(&frames[below(c, NR_FRAMES)], __ATOMIC_SEQ_CST);
}

static void repeat(hc_handler fn, struct hc_args a)
{
    while (fn(&a) == -ERESTART)
        ;
}

static void update(struct cpu *c)
{
    struct mmu_update req = {
        .ptr = any_frame(c) << PAGE_SHIFT | below(c, 3) * 8,
        .val = below(c, 4) ? any_frame(c) << PAGE_SHIFT | PTE_P | PTE_US : 0,
    };
    uint32_t done = 0;

    req.val |= req.val && below(c, 2) ? PTE_RW : 0;
    repeat(hc_mmu_update, (struct hc_args){{(uintptr_t)&req, 1,
                                            (uintptr_t)&done, DOMID_SELF}});
}

static void pin(struct cpu *c)
{
    struct mmuext_op op = {.cmd = (unsigned)below(c, 5)};
    uint32_t done = 0;

    op.arg1.mfn = any_frame(c);
    if (op.cmd == 4)
        op.cmd = MMUEXT_UNPIN_TABLE;
    repeat(hc_mmuext_op,
           (struct hc_args){{(uintptr_t)&op, 1, (uintptr_t)&done, DOMID_SELF}});
}

static void load_root(struct cpu *c)
{
    struct mmuext_op op = {.cmd = MMUEXT_NEW_USER_BASEPTR};
    uint32_t done = 0;

    op.arg1.mfn = below(c, 2) ? any_frame(c) : 0;
    repeat(hc_mmuext_op,
           (struct hc_args){{(uintptr_t)&op, 1, (uintptr_t)&done, DOMID_SELF}});
}

static void let_go(struct held *h)
{
    if (!h->grant) {
        frame_put_typed(h->f, guest);
    } else {
        /* Its entry may be gone by another's hand. */
        (void)gnttab_pte_unmap(guest, h->addr, h->f,
                               GNTMAP_host_map | GNTMAP_contains_pte |
                                   (h->readonly ? GNTMAP_readonly : 0),
                               0);
        if (!h->readonly)
            frame_type_put(h->f, other);
        frame_put(h->f);
    }
    h->f = NULL;
}

static void hold(struct cpu *c)
{
    struct held *h = &c->held[below(c, NR_HELD)];
    uint64_t n = any_frame(c);

    if (h->f)
        let_go(h);
    else if (!frame_get_typed(mfn(n), guest,
                              below(c, 2) ? FT_WRITABLE : FT_SEGDESC))
        *h = (struct held){.f = frame_of(mfn(n))};
}

static void map_grant(struct cpu *c)
{
    struct held *h = &c->held[below(c, NR_HELD)];
    struct held new = {.grant = true, .readonly = below(c, 2)};
    uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte;

    if (h->f)
        return;
    new.f = frame_get(mfn(foreign[below(c, 4)]), other);
    new.addr = any_frame(c) << PAGE_SHIFT | below(c, 3) * 8;
    flags |= new.readonly ? GNTMAP_readonly : 0;
    if (!new.readonly && frame_type_get(new.f, other, FT_WRITABLE)) {
        frame_put(new.f);
        return;
    }
    if (!gnttab_pte_map(guest, other, new.addr, new.f, flags)) {
        __atomic_fetch_add(&nr_mapped, 1, __ATOMIC_SEQ_CST);
        *h = new;
        return;
    }
    if (!new.readonly)
        frame_type_put(new.f, other);
    frame_put(new.f);
}

static void give_back(struct cpu *c)
{
    unsigned i = (unsigned)below(c, NR_FRAMES);
    uint64_t old = __atomic_load_n(&frames[i], __ATOMIC_SEQ_CST);
    struct frame *f = frame_get(mfn(old), guest), *new;

    if (!f)
        return;
    new = frame_alloc_domain(guest, 0, 0);
    if (new &&__atomic_compare_exchange_n(&frames[i], &old, frame_mfn(new).n,
                                          false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST))
        frame_release(f, guest);
    else if (new)
        frame_release(new, guest);
    frame_put(f);
}

static void *run(void *arg)
{
    /* Most of what takes no lock: it is what can meet. */
    static void (*const ops[])(struct cpu *) = {
        update, update, pin,  pin,  load_root, map_grant, hold,
        hold,   hold,   hold, hold, give_back, give_back, give_back,
    };
    struct cpu *c = arg;

    fake_cpu = c->nr;
    fake_current = &c->vcpu;
    for (int i = 0, n = NR_OPS; i < n; i++)
        ops[below(c, ARRAY_SIZE(ops))](c);
    for (unsigned i = 0; i < NR_HELD; i++)
        if (c->held[i].f)
            let_go(&c->held[i]);
    return NULL;
}

static void kill_domain(struct domain *d)
{
    d->dying = DOMAIN_DYING;
    while (frame_relinquish_domain(d) == -ERESTART)
        ;
    assert_int_equal(d->tot_pages, 0);
    assert_int_equal(d->nr_foreign_mapped, 0);
}

static void test_counts_survive_racing_cpus(void **state)
{
    uint64_t before;

    (void)state;
    machine_reset();
    machine_wait = wait_turn;
    alloc_add_range(mfn(256), mfn(FAKE_FRAMES));
    before = alloc_nr_free();
    guest->max_vcpus = NR_CPUS;
    guest->dirty_cpus = (1 << NR_CPUS) - 1;
    for (unsigned i = 0; i < NR_FRAMES; i++)
        frames[i] = frame_mfn(frame_alloc_domain(guest, 0, 0)).n;
    for (unsigned i = 0; i < ARRAY_SIZE(foreign); i++)
        foreign[i] = frame_mfn(frame_alloc_domain(other, 0, 0)).n;
    for (unsigned i = 0; i < NR_CPUS; i++) {
        cpus[i] = (struct cpu){.nr = i, .random = i + 1};
        cpus[i].vcpu.domain = guest;
        cpus[i].vcpu.pv.kernel_mode = true;
        guest->vcpu[i] = &cpus[i].vcpu;
        assert_int_equal(pthread_create(&cpus[i].thread, NULL, run, &cpus[i]),
                         0);
    }
    for (unsigned i = 0; i < NR_CPUS; i++)
        pthread_join(cpus[i].thread, NULL);
    assert_int_equal(frames_check(false), 0);

    for (unsigned i = 0; i < NR_CPUS; i++)
        if (cpus[i].vcpu.pv.cr3_user.n)
            frame_put_typed(frame_of(cpus[i].vcpu.pv.cr3_user), guest);
    guest->max_vcpus = 0;
    kill_domain(guest);
    kill_domain(other);
    assert_int_equal(frames_check(false), 0);
    assert_int_equal(alloc_nr_free(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_survive_racing_cpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
