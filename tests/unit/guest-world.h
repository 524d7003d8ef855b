/*
 * A world of a few domains that talk with each other, for the tests of
 * evtchn/, grant/ and sched/: frames in an array, guest addresses that are
 * ours, wakes and kicks that are counted. Included once by a test program.
 */
#ifndef TESTS_GUEST_WORLD_H
#define TESTS_GUEST_WORLD_H

#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- this CPU ---- */

__thread struct vcpu *fake_current;
__thread unsigned fake_cpu;
__thread struct cpu_info fake_cpu_info;
static uint64_t fake_work[MAX_CPUS]; /* bits that cpu_raise() set */
static unsigned fake_kicks[MAX_CPUS];

static void (*fake_others_run)(void); /* what other CPUs do meanwhile */

/* One thread is all CPUs: who waits, waits for ever, but for the hook. */
void spin_wait(void)
{
    if (!fake_others_run)
        fail_msg("a wait that cannot end");
    else
        fake_others_run();
}

void cpu_raise(unsigned cpu, enum cpu_work work)
{
    fake_work[cpu] |= 1ull << work;
}

void cpu_kick(unsigned cpu)
{
    fake_kicks[cpu]++;
}

/* ---- frames: type counts for writable only ---- */

uint8_t fake_ram[FAKE_FRAMES * PAGE_SIZE] ALIGNED(4096);
uint64_t fake_frame_table[FAKE_FRAMES * sizeof(struct frame) / 8];
uint64_t fake_m2p[FAKE_FRAMES];
uint64_t max_mfn = FAKE_FRAMES;

#define TYPE_TABLE (1ull << 63)
#define TYPE_COUNT (TYPE_TABLE - 1)

struct mfn_range ram_main[2]; /* none: all questions come here */
bool mfn_is_other_ram(mfn_t m)
{
    return m.n && m.n < FAKE_FRAMES;
}

uint64_t virt_to_phys(const void *p)
{
    return (uint64_t)((const uint8_t *)p - fake_ram);
}

static inline struct frame *take(void)
{
    for (uint64_t n = 1; n < FAKE_FRAMES; n++) {
        struct frame *f = frame_of(mfn(n));

        if (f->refs)
            continue;
        memset(f, 0, sizeof(*f));
        f->refs = FRAME_ALLOCATED + 1;
        memset(frame_virt(f), 0, PAGE_SIZE);
        return f;
    }
    fail_msg("out of fake frames");
    return NULL;
}

static inline struct frame *fake_frame_new(struct domain *d)
{
    struct frame *f = take();

    f->owner = d->id;
    return f;
}

static inline void fake_frame_free(struct frame *f)
{
    f->refs &= ~FRAME_ALLOCATED;
    frame_put(f);
}

static inline void fake_frame_make_table(struct frame *f)
{
    f->type = TYPE_TABLE;
}

static inline void *fake_page_get(void)
{
    struct frame *f = take();

    f->owner = DOMID_XEN;
    return frame_virt(f);
}

static inline void fake_page_put(void *page)
{
    struct frame *f = frame_of(virt_to_mfn(page));

    assert_true(f->refs == FRAME_ALLOCATED + 1);
    f->refs = 0;
}

static inline unsigned fake_frames_used(void)
{
    unsigned used = 0;

    for (uint64_t n = 1; n < FAKE_FRAMES; n++)
        used += frame_of(mfn(n))->refs != 0;
    return used;
}

struct frame *frame_get(mfn_t m, const struct domain *d)
{
    struct frame *f = frame_of(m);

    if (!mfn_is_ram(m) || !f->refs || f->owner != d->id)
        return NULL;
    f->refs++;
    return f;
}

void frame_put(struct frame *f)
{
    assert_true(f->refs & FRAME_COUNT);
    f->refs--;
    if (!f->refs)
        assert_int_equal(f->type & TYPE_COUNT, 0);
}

int frame_type_get(struct frame *f, struct domain *d, enum frame_type type)
{
    (void)d;
    assert_int_equal(type, FT_WRITABLE);
    if (f->type & TYPE_TABLE)
        return -EBUSY;
    f->type++;
    return 0;
}

void frame_type_put(struct frame *f, struct domain *d)
{
    (void)d;
    assert_true(f->type & TYPE_COUNT);
    f->type--;
}

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
    struct frame *f = frame_get(m, d);

    if (!f)
        return -EINVAL;
    if (frame_type_get(f, d, type)) {
        frame_put(f);
        return -EBUSY;
    }
    return 0;
}

void frame_put_typed(struct frame *f, struct domain *d)
{
    frame_type_put(f, d);
    frame_put(f);
}

void frame_share(void *page, struct domain *d)
{
    struct frame *f = frame_of(virt_to_mfn(page));

    f->owner = d->id;
    f->flags |= FRAME_SHARED;
}

void frame_unshare_free(void *page)
{
    frame_of(virt_to_mfn(page))->flags = 0;
    fake_page_put(page);
}

/* ---- memory ---- */

static int fake_alloc_fails_after = -1; /* negative: never */
static int nr_objects;

static bool fails(void)
{
    if (fake_alloc_fails_after < 0)
        return false;
    return fake_alloc_fails_after-- == 0;
}

void *mem_alloc(size_t size)
{
    if (fails())
        return NULL;
    nr_objects++;
    return calloc(1, size);
}

void mem_free(void *p)
{
    nr_objects -= p != NULL;
    free(p);
}

void *page_alloc(void)
{
    return fails() ? NULL : fake_page_get();
}

void page_free(void *page)
{
    fake_page_put(page);
}

static inline void fake_check_empty(void)
{
    assert_int_equal(nr_objects, 0);
    assert_int_equal(fake_frames_used(), 0);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

void log_guest(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    abort();
}

/* ---- domains: killed unless they are, and freed, with nothing left ---- */

static bool fake_should_yield;
static struct domain *all[64];
struct domain *dom0;

static inline struct domain *fake_domain_new(domid_t id, unsigned nr_vcpus,
                                             const struct domain_part *part)
{
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->refs = 1;
    d->privileged = d->hardware = id == 0;
    d->max_vcpus = nr_vcpus;
    d->max_evtchn_port = ~0u;
    d->max_grant_frames = 4;
    d->max_maptrack_frames = 1;
    d->shared = fake_page_get();
    if (id == 0)
        dom0 = d;
    for (unsigned i = 0; i < nr_vcpus; i++) {
        struct vcpu *v = calloc(1, sizeof(*v));

        v->id = i;
        v->domain = d;
        v->info = &d->shared->vcpu_info[i];
        v->up = v->initialised = true;
        d->vcpu[i] = v;
    }
    all[id] = d;
    if (part)
        assert_int_equal(part->init(d), 0);
    return d;
}

static inline void fake_domain_free(struct domain *d,
                                    const struct domain_part *part)
{
    fake_should_yield = false;
    if (part)
        assert_int_equal(part->kill(d), 0);
    assert_int_equal(d->refs, 1);
    vcpu_for_each (d, v) {
        if (part && part->vcpu_free)
            part->vcpu_free(v);
        free(v);
    }
    if (part)
        part->free(d);
    fake_page_put(d->shared);
    all[d->id] = NULL;
    if (d == dom0)
        dom0 = NULL;
    free(d);
}

static inline void fake_run(struct domain *d, unsigned vcpu)
{
    fake_current = d->vcpu[vcpu];
}

struct domain *domain_ref(struct domain *d)
{
    d->refs++;
    return d;
}

struct domain *domain_get(domid_t id)
{
    return id < ARRAY_SIZE(all) && all[id] ? domain_ref(all[id]) : NULL;
}

struct domain *domain_get_self_or(domid_t id)
{
    return domain_get(id == DOMID_SELF ? current->domain->id : id);
}

void domain_put(struct domain *d)
{
    assert_true(d->refs > 1);
    d->refs--;
}

bool policy_is_privileged(const struct domain *d)
{
    return d->privileged;
}

/* ---- hypercalls; guest memory is ours but for the first page ---- */

bool hypercall_should_yield(void)
{
    return fake_should_yield;
}

static bool bad(const void *p)
{
    return (uintptr_t)p < PAGE_SIZE || (intptr_t)p < 0;
}

int copy_from_guest(void *dst, const void *guest, size_t n)
{
    if (bad(guest))
        return -EFAULT;
    memcpy(dst, guest, n);
    return 0;
}

int copy_to_guest(void *guest, const void *src, size_t n)
{
    if (bad(guest))
        return -EFAULT;
    memcpy(guest, src, n);
    return 0;
}

int copy_array_from(void *dst, const void *guest, uint64_t i, uint64_t nr,
                    size_t size)
{
    return copy_from_guest(dst, (const char *)guest + i * size, nr * size);
}

int copy_array_to(void *guest, uint64_t i, const void *src, uint64_t nr,
                  size_t size)
{
    return copy_to_guest((char *)guest + i * size, src, nr * size);
}

#endif
