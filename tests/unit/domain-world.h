/*
 * The world around hypervisor/domain/ for its tests: a few frames, a guest
 * whose addresses are ours, a clock and timers turned by hand, a scheduler
 * that only takes notes. Included once by each test program.
 */
#ifndef TESTS_DOMAIN_WORLD_H
#define TESTS_DOMAIN_WORLD_H

#include "cpu/feature.h"
#include "cpu/fpu.h"
#include "cpu/policy.h"
#include "console/console.h"
#include "domain/ctl.h"
#include "evtchn/evtchn.h"
#include "hypercall/handlers.h"
#include "mm/alloc.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"
#include "time/clock.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORLD_FRAMES 64
#define FRAME_TABLED 0x80 /* the test says: a page table right now */

uint64_t fake_frame_table[WORLD_FRAMES * sizeof(struct frame) / 8];
uint64_t fake_m2p[WORLD_FRAMES];
uint8_t fake_ram[WORLD_FRAMES * PAGE_SIZE] ALIGNED(4096);

/* ---- this CPU ---- */

__thread unsigned fake_cpu;
__thread struct vcpu *fake_current;
cpumask_t cpu_online = 3;
unsigned nr_cpus = 2, cpu_phys_bits = 40, xsave_size = 576;
uint64_t host_xcr0 = 3, tsc_khz = 1000000, max_mfn = WORLD_FRAMES;

static struct domain idle_domain = {.id = DOMID_IDLE};
static struct vcpu idle_vcpu = {.domain = &idle_domain, .up = true};

void spin_wait(void)
{
    fail_msg("a lock is held by nobody who could let go");
}

void cpu_kick(unsigned cpu)
{
    (void)cpu;
}

/* XCR0 as the CPU would take it: SSE's state only with x87's. */
int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0)
{
    if (xcr0 != 1 && xcr0 != 3)
        return -EINVAL;
    v->xcr0 = xcr0;
    return 0;
}

/* ---- memory ---- */

static int nr_allocated;         /* blocks that live */
static unsigned alloc_countdown; /* the n-th allocation fails; 0: none */

void *mem_alloc(size_t size)
{
    if (alloc_countdown && !--alloc_countdown)
        return NULL;
    nr_allocated++;
    return calloc(1, size);
}

void mem_free(void *p)
{
    nr_allocated -= p != NULL;
    free(p);
}

void *page_alloc(void)
{
    void *p;

    if (alloc_countdown && !--alloc_countdown)
        return NULL;
    nr_allocated++;
    p = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    memset(p, 0, PAGE_SIZE);
    return p;
}

void page_free(void *p)
{
    mem_free(p);
}

void frame_share(void *page, struct domain *d)
{
    (void)page;
    (void)d;
}

void frame_unshare_free(void *page)
{
    mem_free(page);
}

uint64_t virt_to_phys(const void *p)
{
    return (uintptr_t)p;
}

struct mfn_range ram_main[2]; /* none: all questions come here */
bool mfn_is_other_ram(mfn_t m)
{
    return m.n < WORLD_FRAMES;
}

struct frame *frame_get(mfn_t m, const struct domain *d)
{
    return frame_of(m)->owner == d->id ? frame_of(m) : NULL;
}

void frame_put(struct frame *f)
{
    (void)f;
}

enum frame_type frame_type(const struct frame *f)
{
    return f->flags & FRAME_TABLED ? FT_L1 : FT_NONE;
}

bool frame_is_pinned(const struct frame *f)
{
    return f->flags & FRAME_TABLED;
}

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
    assert_int_equal(type, FT_WRITABLE);
    if (!frame_get(m, d))
        return -EINVAL;
    if (frame_of(m)->flags & FRAME_TABLED)
        return -EBUSY;
    frame_of(m)->type++;
    return 0;
}

void frame_put_typed(struct frame *f, struct domain *d)
{
    (void)d;
    assert_true(f->type > 0);
    f->type--;
}

static unsigned relinquish_rounds; /* -ERESTART so many times */

int frame_relinquish_domain(struct domain *d)
{
    (void)d;
    if (!relinquish_rounds)
        return 0;
    relinquish_rounds--;
    return -ERESTART;
}

/* Guest address n * PAGE_SIZE is frame n. */
bool pv_walk(mfn_t l4, uintptr_t va, uint64_t *pte, mfn_t *l1, unsigned *idx)
{
    (void)l4;
    (void)l1;
    (void)idx;
    *pte = (va & PAGE_MASK) | PTE_P | PTE_RW;
    return va < WORLD_FRAMES * PAGE_SIZE;
}

/*
 * ---- the guest's memory by address: ours, but for a hole at 0, or, when it
 * is set, this window ----
 */
static uintptr_t window_start, window_size;

static bool is_hole(const void *p, size_t n)
{
    uintptr_t at = (uintptr_t)p - window_start;

    if (window_size)
        return n && (at >= window_size || n > window_size - at);
    return n && (uintptr_t)p < 4 * PAGE_SIZE;
}

int copy_from_guest(void *dst, const void *guest, size_t n)
{
    if (is_hole(guest, n))
        return -EFAULT;
    if (n)
        memcpy(dst, guest, n);
    return 0;
}

int copy_to_guest(void *guest, const void *src, size_t n)
{
    if (is_hole(guest, n))
        return -EFAULT;
    if (n)
        memcpy(guest, src, n);
    return 0;
}

int clear_guest(void *guest, size_t n)
{
    if (is_hole(guest, n))
        return -EFAULT;
    if (n)
        memset(guest, 0, n);
    return 0;
}

int copy_array_from(void *dst, const void *guest, uint64_t i, uint64_t nr,
                    size_t size)
{
    return copy_from_guest(dst, (const void *)((uintptr_t)guest + i * size),
                           nr * size);
}

int copy_array_to(void *guest, uint64_t i, const void *src, uint64_t nr,
                  size_t size)
{
    return copy_to_guest((void *)((uintptr_t)guest + i * size), src, nr * size);
}

bool guest_range_ok(const void *guest, size_t n)
{
    return (uintptr_t)guest + n < HOST_VA_START;
}

/* ---- time ---- */

static uint64_t now_ns = 1000;
static struct timer *armed[8];

uint64_t clock_now_ns(void)
{
    return now_ns;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned cpu)
{
    t->fn = fn;
    t->arg = arg;
    t->cpu = cpu;
}

void timer_stop(struct timer *t)
{
    for (size_t i = 0; i < ARRAY_SIZE(armed); i++)
        if (armed[i] == t)
            armed[i] = NULL;
}

void timer_kill(struct timer *t)
{
    timer_stop(t);
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
    timer_stop(t);
    t->item.key = deadline_ns;
    for (size_t i = 0; i < ARRAY_SIZE(armed); i++)
        if (!armed[i]) {
            armed[i] = t;
            return;
        }
    fail_msg("too many timers");
}

void timer_migrate(struct timer *t, unsigned cpu)
{
    t->cpu = cpu;
}

static inline void run_timers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(armed); i++) {
        struct timer *t = armed[i];

        if (t && t->item.key <= now_ns) {
            armed[i] = NULL;
            t->fn(t->arg);
        }
    }
}

void pvclock_update_vcpu(struct vcpu *v)
{
    (void)v;
}

void pvclock_update_wallclock(struct domain *d)
{
    (void)d;
}

/* ---- scheduler, events, pv ---- */

static unsigned nr_timer_virqs, nr_dom_exc, nr_debugger_virqs;
static int machine_reason = -1;

void sched_unit_init(struct vcpu *v)
{
    v->unit.hard = v->unit.soft = ~0ull;
}
void sched_unit_remove(struct vcpu *v)
{
    (void)v;
}
void sched_wake(struct vcpu *v)
{
    v->unit.running =
        v->up && v->initialised && !v->unit.blocked && !v->unit.pause_count;
}
void sched_sleep(struct vcpu *v)
{
    if (v != current)
        v->unit.running = false;
}
void sched_sleep_sync(struct vcpu *v)
{
    assert_ptr_not_equal(v, current);
    v->unit.running = false;
}
int sched_set_affinity(struct vcpu *v, const cpumask_t *hard,
                       const cpumask_t *soft)
{
    v->unit.hard = *hard;
    v->unit.soft = *soft;
    return 0;
}
void sched_set_weight(struct domain *d, uint32_t weight, uint32_t cap)
{
    d->sched_weight = weight;
    d->sched_cap = cap;
}
uint64_t sched_cpu_time_ns(struct vcpu *v)
{
    return v->unit.run_ns;
}
uint64_t sched_idle_time_ns(unsigned cpu)
{
    return 100 + cpu;
}
bool sched_is_running(const struct vcpu *v)
{
    return v->unit.running;
}

void virq_raise(struct vcpu *v, unsigned virq)
{
    (void)v;
    assert_int_equal(virq, VIRQ_TIMER);
    nr_timer_virqs++;
}
void virq_raise_global(unsigned virq)
{
    if (virq == VIRQ_DEBUGGER) {
        nr_debugger_virqs++;
        return;
    }
    assert_int_equal(virq, VIRQ_DOM_EXC);
    nr_dom_exc++;
}
void evtchn_vcpu_info_moved(struct vcpu *v)
{
    v->info->evtchn_upcall_pending = 1;
}

static int context_rc;

int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    (void)v;
    (void)c;
    return context_rc;
}
void pv_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    (void)v;
    c->flags = VGCF_in_kernel;
}
void pv_drop_context(struct vcpu *v)
{
    (void)v;
}

static unsigned nr_dumps;

void pv_dump_registers(struct vcpu *v)
{
    (void)v;
    nr_dumps++;
}
void pv_send_nmi(struct vcpu *v)
{
    v->pv.nmi_pending = true;
}

static jmp_buf machine_down;

void machine_shutdown(uint8_t reason)
{
    machine_reason = reason;
    longjmp(machine_down, 1);
}

/* ---- the rest of what domctl and sysctl look at ---- */

int policy_get_domain(struct domain *d, xen_cpuid_leaf_t *leaves, uint32_t *nr,
                      xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    return policy_serialise(d->id, leaves, nr, msrs, nr_msrs);
}
int policy_serialise(unsigned index, xen_cpuid_leaf_t *leaves, uint32_t *nr,
                     xen_msr_entry_t *msrs, uint32_t *nr_msrs)
{
    (void)index;
    (void)msrs;
    *nr_msrs = 0;
    if (!leaves) {
        *nr = 2;
        return 0;
    }
    if (*nr < 2)
        return -ENOBUFS;
    memset(leaves, 0, 2 * sizeof(*leaves));
    leaves[1].leaf = 7;
    *nr = 2;
    return 0;
}
int policy_set_domain(struct domain *d, const xen_cpuid_leaf_t *leaves,
                      uint32_t nr, const xen_msr_entry_t *msrs,
                      uint32_t nr_msrs, uint32_t *err_leaf,
                      uint32_t *err_subleaf, uint32_t *err_msr)
{
    (void)d;
    (void)msrs;
    (void)nr_msrs;
    (void)err_subleaf;
    (void)err_msr;
    if (nr && leaves[0].leaf == 0xbad) {
        *err_leaf = 0xbad;
        return -EINVAL;
    }
    return 0;
}
unsigned policy_featureset(unsigned index, uint32_t *words, unsigned max)
{
    if (index > XEN_SYSCTL_cpu_featureset_pv)
        return 0;
    for (unsigned i = 0; i < MIN(max, 11u); i++)
        words[i] = 0x100 + i;
    return MIN(max, 11u);
}
size_t log_read(char *buf, size_t n, uint32_t *index, bool clear)
{
    static const char text[] = "hello";
    size_t left = *index < 5 ? 5 - *index : 0;

    (void)clear;
    n = MIN(n, left);
    memcpy(buf, text + 5 - left, n);
    *index += n;
    return n;
}
uint64_t alloc_nr_free(void)
{
    return 1000;
}
uint64_t alloc_nr_total(void)
{
    return 4000;
}
uint64_t alloc_nr_claimed(void)
{
    return 0;
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    return vsnprintf(buf, size, fmt, ap);
}
void panic(const char *fmt, ...)
{
    fail_msg("panic: %s", fmt);
    abort();
}

/* ---- parts ---- */

static int part_init_rc, part_vcpu_rc;
static unsigned part_kill_rounds, nr_parts_live, nr_part_vcpus;

static int part_init(struct domain *d)
{
    (void)d;
    if (part_init_rc)
        return part_init_rc;
    nr_parts_live++;
    return 0;
}
static int part_vcpu_init(struct domain *d, struct vcpu *v)
{
    (void)d;
    (void)v;
    if (part_vcpu_rc)
        return part_vcpu_rc;
    nr_part_vcpus++;
    return 0;
}
static int part_kill(struct domain *d)
{
    (void)d;
    if (!part_kill_rounds)
        return 0;
    part_kill_rounds--;
    return -ERESTART;
}
static void part_vcpu_free(struct vcpu *v)
{
    (void)v;
    nr_part_vcpus--;
}
static void part_free(struct domain *d)
{
    (void)d;
    nr_parts_live--;
}

static int first_init(struct domain *d)
{
    (void)d;
    nr_parts_live++;
    return 0;
}

static const struct domain_part first_part = {
    .name = "first", .init = first_init, .free = part_free};
static const struct domain_part last_part = {.name = "last",
                                             .init = part_init,
                                             .vcpu_init = part_vcpu_init,
                                             .kill = part_kill,
                                             .vcpu_free = part_vcpu_free,
                                             .free = part_free};
const struct domain_part *const domain_parts[] = {&first_part, &last_part,
                                                  NULL};

/* ---- building and ending a world ---- */

static inline struct domain *new_domain(domid_t id, unsigned nr_vcpus,
                                        bool privileged)
{
    struct domain_config cfg = {
        .max_vcpus = nr_vcpus, .grant_opts = 1, .privileged = privileged};
    int rc;
    struct domain *d = domain_create(id, &cfg, &rc);

    assert_non_null(d);
    for (unsigned i = 0; i < nr_vcpus; i++)
        assert_int_equal(vcpu_create(d, i), 0);
    return d;
}

/* Kill, drop the creator's reference, let the reaper come by. */
static inline void end_domain(struct domain *d)
{
    int rc;

    fake_current = &idle_vcpu;
    do
        rc = domain_kill(d);
    while (rc == -ERESTART);
    assert_int_equal(rc, 0);
    domain_put(d);
    run_timers();
}

static inline int test_setup(void **state)
{
    (void)state;
    fake_current = &idle_vcpu;
    alloc_countdown = 0;
    part_init_rc = part_vcpu_rc = context_rc = 0;
    part_kill_rounds = relinquish_rounds = 0;
    nr_timer_virqs = nr_dom_exc = nr_debugger_virqs = 0;
    dom0 = NULL;
    for (unsigned i = 0; i < WORLD_FRAMES; i++)
        *frame_of(mfn(i)) = (struct frame){.owner = DOMID_INVALID};
    return 0;
}

/* Nothing may be left of whatever a test made. */
static inline int test_teardown(void **state)
{
    (void)state;
    run_timers();
    assert_int_equal(nr_allocated, 0);
    assert_int_equal(nr_parts_live, 0);
    assert_int_equal(nr_part_vcpus, 0);
    for (unsigned i = 0; i < WORLD_FRAMES; i++)
        assert_int_equal(frame_of(mfn(i))->type, 0);
    return 0;
}

#define WORLD_TEST(fn)                                                         \
    cmocka_unit_test_setup_teardown(fn, test_setup, test_teardown)

#endif
