/*
 * Trace buffers (<xen/trace.h>): whole records, in order, none missing that is
 * not counted as lost; and a domain 0 that writes nonsense into them moves
 * nothing but what it reads itself.
 *
 * sources: hypervisor/domain/trace.c hypervisor/domain/tracebuf.c
 */
#include "cpu/trap.h"
#include "domain/ctl.h"
#include "domain/trace.h"
#include "evtchn/evtchn.h"
#include "mm/alloc.h"
#include "time/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NR_CPUS 2

__thread unsigned fake_cpu;
__thread struct vcpu *fake_current;
uint64_t fake_m2p[FAKE_FRAMES];
uint8_t fake_ram[FAKE_FRAMES * PAGE_SIZE] ALIGNED(4096);
uint64_t fake_frame_table[FAKE_FRAMES * sizeof(struct frame) / 8];
uint64_t max_mfn = FAKE_FRAMES;
cpumask_t cpu_online = 3;
unsigned nr_cpus = NR_CPUS;
struct domain domain_xen = {.id = DOMID_XEN};

static struct domain guest = {.id = 7};
static struct vcpu vcpu = {.domain = &guest, .id = 3};
static uint64_t now_tsc;
static unsigned nr_blocks, alloc_countdown, nr_shared, nr_exposed, nr_virqs;
static unsigned nr_retargets, raised[NR_CPUS];

/* ---- what it stands on ---- */

void panic(const char *fmt, ...)
{
    fail_msg("%s", fmt);
    abort();
}

void spin_wait(void)
{
    fail_msg("a lock is held by nobody who could let go");
}

void cpu_raise(unsigned cpu, enum cpu_work work)
{
    raised[cpu] |= 1u << work;
}

uint64_t clock_ticks(void)
{
    return ++now_tsc;
}

void *alloc_host_pages(unsigned order)
{
    if (alloc_countdown && !--alloc_countdown)
        return NULL;
    nr_blocks++;
    /* As tight as can be, for the address sanitizer. */
    return memset(aligned_alloc(PAGE_SIZE, PAGE_SIZE << order), 0,
                  PAGE_SIZE << order);
}

void free_host_pages(void *p, unsigned order)
{
    (void)order;
    nr_blocks -= p != NULL;
    free(p);
}

uint64_t virt_to_phys(const void *p)
{
    return (uintptr_t)p;
}

void frame_share(void *page, struct domain *d)
{
    assert_ptr_equal(d, &domain_xen);
    assert_int_equal((uintptr_t)page % PAGE_SIZE, 0);
    nr_shared++;
}

void frame_expose(mfn_t m)
{
    (void)m;
    nr_exposed++;
}

void virq_raise_global(unsigned virq)
{
    assert_int_equal(virq, VIRQ_TBUF);
    nr_virqs++;
}

void pv_syscall_stubs_load(void)
{
    nr_retargets++;
}

int ctl_bitmap_in(uint64_t *word, const struct xenctl_bitmap *map)
{
    *word = map->nr_bits;
    return 0;
}

/* ---- domain 0's side ---- */

static int control(uint32_t cmd, uint32_t value, struct xen_sysctl *out)
{
    struct xen_sysctl op = {.u.tbuf_op = {.cmd = cmd,
                                          .size = value,
                                          .evt_mask = value,
                                          .cpu_mask.nr_bits = value}};
    int rc = trace_control(&op);

    if (out)
        *out = op;
    return rc;
}

/* Frames are wherever malloc put them: names are made of low words. */
static struct t_buf *pages_of(unsigned cpu)
{
    struct xen_sysctl op;
    struct t_info *info;
    uint64_t high;

    assert_int_equal(control(XEN_SYSCTL_TBUFOP_get_info, 0, &op), 0);
    info = (struct t_info *)(op.u.tbuf_op.buffer_mfn << PAGE_SHIFT);
    high = op.u.tbuf_op.buffer_mfn & ~0xffffffffull;
    return (struct t_buf *)((high | ((uint32_t *)info)[info->mfn_offset[cpu]])
                            << PAGE_SHIFT);
}

#define SIZE (PAGE_SIZE - sizeof(struct t_buf)) /* of a buffer of one page */

/* The next record of a CPU; words: what follows the time. */
static const struct t_rec *next(unsigned cpu)
{
    struct t_buf *b = pages_of(cpu);
    const struct t_rec *r = (void *)((char *)(b + 1) + b->cons % SIZE);

    if (b->cons == b->prod)
        return NULL;
    b->cons += 4 + 8 * r->cycles_included + 4 * r->extra_u32;
    assert_true((b->cons - 1) % SIZE >= (uintptr_t)r - (uintptr_t)(b + 1));
    b->cons %= 2 * SIZE;
    return r->event == TRC_TRACE_WRAP_BUFFER ? next(cpu) : r;
}

static void note(uint32_t n)
{
    trace_write(TRC_SCHED_CONTINUE_RUNNING, (uint32_t[]){n, n, n}, 1 + n % 3);
}

/* ---- claims, in this order: buffers are made once ---- */

static void test_nothing_is_on_before_it_is_asked_for(void **state)
{
    struct xen_sysctl op;

    (void)state;
    assert_false(tracing());
    note(1); /* harmless, even so */
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_get_info, 0, &op), 0);
    assert_int_equal(op.u.tbuf_op.buffer_mfn, 0);
    assert_int_equal(op.u.tbuf_op.size, 0);
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_enable, 0, NULL), -EINVAL);
    assert_int_equal(control(6, 0, NULL), -EINVAL);
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_disable, 0, NULL), 0);
    assert_false(tracing());
}

static void test_buffers_without_memory_leave_nothing(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 1 + NR_CPUS; n++) {
        alloc_countdown = n;
        assert_int_equal(control(XEN_SYSCTL_TBUFOP_set_size, 1, NULL), -ENOMEM);
        assert_int_equal(nr_blocks, 0);
    }
    assert_int_equal(nr_shared + nr_exposed, 0);
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_enable, 0, NULL), -EINVAL);
}

static void test_buffers_are_made_once(void **state)
{
    (void)state;
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_set_size, 0, NULL), -EINVAL);
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_set_size, 1, NULL), 0);
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_set_size, 1, NULL), -EBUSY);
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_set_size, 2, NULL), -EINVAL);
    assert_int_equal(nr_shared, NR_CPUS);
    assert_int_equal(nr_exposed, 1);
    raised[0] = raised[1] = nr_retargets = 0;
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_enable, 0, NULL), 0);
    assert_true(tracing());
    assert_int_equal(nr_retargets, 1);
    assert_int_equal(raised[0], 1u << WORK_SCHED);
    assert_int_equal(raised[1], 1u << WORK_SCHED);
}

static void test_records_are_as_the_abi_has_them(void **state)
{
    const uint64_t args[6] = {0x1122334455667788, 0x99aabbccddeeff00};
    const struct t_rec *r;

    (void)state;
    fake_cpu = 1;
    trace_hypercall(TRC_PV_HYPERCALL_V2, __HYPERVISOR_set_segment_base, args);
    trace_hypercall(TRC_PV_HYPERCALL_V2, ~0ull, args);
    trace_exception(0xffffffff81000000, TRAP_GP, 0x12, 0);
    trace_exception(0xffffffff81000000, TRAP_PF, 6, 0xdead0000beef);
    trace_runstate(&vcpu, RUNSTATE_runnable, RUNSTATE_running);
    fake_cpu = 0;
    assert_null(next(0));

    r = next(1);
    assert_int_equal(r->event, TRC_PV_HYPERCALL_V2);
    assert_true(r->cycles_included);
    assert_int_equal(r->u.cycles.cycles_lo, now_tsc - 4);
    assert_int_equal(r->extra_u32, 4);
    assert_int_equal(r->u.cycles.extra_u32[0],
                     __HYPERVISOR_set_segment_base |
                         TRC_PV_HYPERCALL_V2_ARG_32(0) |
                         TRC_PV_HYPERCALL_V2_ARG_64(1));
    assert_int_equal(r->u.cycles.extra_u32[1], 0x55667788);
    assert_int_equal(r->u.cycles.extra_u32[2], 0xddeeff00);
    assert_int_equal(r->u.cycles.extra_u32[3], 0x99aabbcc);
    r = next(1);
    assert_int_equal(r->extra_u32, 1);
    assert_int_equal(r->u.cycles.extra_u32[0], 0xfffff);
    r = next(1);
    assert_int_equal(r->event, TRC_PV_TRAP | TRC_64_FLAG);
    assert_int_equal(r->u.cycles.extra_u32[2], (0x12 << 16) | 0x8000 | TRAP_GP);
    r = next(1);
    assert_int_equal(r->event, TRC_PV_PAGE_FAULT | TRC_64_FLAG);
    assert_int_equal(r->extra_u32, 5);
    assert_int_equal(r->u.cycles.extra_u32[3], 0xdead);
    r = next(1);
    assert_int_equal(r->event, TRC_SCHED_RUNSTATE_CHANGE | 1 << 8);
    assert_int_equal(r->u.cycles.extra_u32[0], 7 << 16 | 3);
    assert_null(next(1));
}

static void test_masks_choose(void **state)
{
    (void)state;
    control(XEN_SYSCTL_TBUFOP_set_evt_mask, TRC_PV_ENTRY, NULL);
    note(1);
    trace_write(TRC_PV_HYPERCALL_SUBCALL, "", 0);
    assert_null(next(0));
    trace_write(TRC_PV_HYPERCALL_V2, "", 0);
    assert_int_equal(next(0)->event, TRC_PV_HYPERCALL_V2);
    control(XEN_SYSCTL_TBUFOP_set_evt_mask, TRC_ALL, NULL);
    control(XEN_SYSCTL_TBUFOP_set_cpu_mask, 2, NULL);
    note(1);
    assert_null(next(0));
    control(XEN_SYSCTL_TBUFOP_set_cpu_mask, 3, NULL);
    note(1);
    assert_non_null(next(0));
}

/* Every number arrives, or is counted as lost where it is missing. */
static void test_no_record_is_missing_silently(void **state)
{
    const struct t_rec *r;
    uint32_t expect = 0, lost = 0;

    (void)state;
    for (uint32_t n = 0; n < 20000; n++) {
        note(n);
        if (n % 500 > 250) /* a reader that sleeps half of the time */
            continue;
        while ((r = next(0))) {
            if (r->event == TRC_LOST_RECORDS) {
                assert_int_equal(r->u.cycles.extra_u32[1], 7 | 3 << 16);
                lost += r->u.cycles.extra_u32[0];
                expect += r->u.cycles.extra_u32[0];
                continue;
            }
            assert_int_equal(r->u.cycles.extra_u32[0], expect);
            assert_int_equal(r->extra_u32, 1 + expect % 3);
            expect++;
        }
    }
    assert_in_range(lost, 1000, 10000);
    assert_true(expect > 19000);
    while (next(0))
        ;
}

static void test_half_full_is_told_once(void **state)
{
    unsigned before = nr_virqs;

    (void)state;
    raised[0] = 0;
    for (unsigned n = 0; n < SIZE / 2 / 24 - 3; n++)
        note(2);
    assert_int_equal(raised[0], 0);
    for (unsigned n = 0; n < 5; n++)
        note(2);
    assert_int_equal(raised[0], 1u << WORK_TRACE);
    raised[0] = 0;
    note(2);
    assert_int_equal(raised[0], 0);
    trace_notify();
    assert_int_equal(nr_virqs, before + 1);
    while (next(0))
        ;
}

/* The address sanitizer stands behind the buffer. */
static void test_nonsense_from_the_reader_does_no_harm(void **state)
{
    struct t_buf *b = pages_of(0);

    (void)state;
    srand(1);
    for (unsigned n = 0; n < 100000; n++) {
        uint32_t nonsense = (uint32_t)rand() << (rand() % 32);

        b->cons = rand() % 2 ? nonsense : nonsense % (2 * SIZE + 8);
        if (rand() % 4 == 0)
            b->prod = (uint32_t)rand();
        if (rand() % 16 == 0)
            memset(b + 1, rand(), SIZE);
        trace_write(TRC_PV_TRAP, (uint32_t[7]){0}, (unsigned)rand() % 8);
        assert_in_range(b->prod, 0, 0x7fffffff);
    }
    /* A reader that comes to its senses gets records again. */
    note(1);
    trace_write(TRC_PV_TRAP, (uint32_t[7]){0}, 7);
    b->cons = b->prod;
    note(9);
    if (next(0)->event == TRC_LOST_RECORDS)
        assert_int_equal(next(0)->u.cycles.extra_u32[0], 9);
}

static void test_off_is_off(void **state)
{
    (void)state;
    nr_retargets = 0;
    assert_int_equal(control(XEN_SYSCTL_TBUFOP_disable, 0, NULL), 0);
    assert_false(tracing());
    assert_int_equal(nr_retargets, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_on_before_it_is_asked_for),
        cmocka_unit_test(test_buffers_without_memory_leave_nothing),
        cmocka_unit_test(test_buffers_are_made_once),
        cmocka_unit_test(test_records_are_as_the_abi_has_them),
        cmocka_unit_test(test_masks_choose),
        cmocka_unit_test(test_no_record_is_missing_silently),
        cmocka_unit_test(test_half_full_is_told_once),
        cmocka_unit_test(test_nonsense_from_the_reader_does_no_harm),
        cmocka_unit_test(test_off_is_off),
    };

    fake_current = &vcpu;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
