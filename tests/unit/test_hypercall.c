/*
 * The hypercall folder: dispatch, sub-ops, multicalls, giving way.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "domain/domain.h"
#include "hypercall/handlers.h"
#include "hypercall/hypercall.h"
#include "mm/guestcopy.h"
#include "time/clock.h"

#include <cmocka.h>

/* ---- the edges ---- */

static struct domain fake_domain;
static struct vcpu_info fake_info;
static struct vcpu fake_vcpu = {.domain = &fake_domain, .info = &fake_info};
__thread struct vcpu *fake_current = &fake_vcpu;
__thread unsigned fake_cpu;
__thread struct cpu_info fake_cpu_info;

static uint64_t now_ns;

uint64_t tsc_khz = 1000000; /* a tick is a ns */
uint64_t clock_ticks(void)
{
    return now_ns;
}

static uint64_t timer_due;
bool timer_is_due(uint64_t tsc)
{
    return timer_due && timer_due <= tsc;
}

bool policy_is_privileged(const struct domain *d)
{
    return d->privileged;
}

/* The zero page is the guest's hole. */
static bool is_hole(const void *p)
{
    return (uintptr_t)p < PAGE_SIZE;
}

int copy_from_guest(void *dst, const void *guest, size_t n)
{
    if (is_hole(guest))
        return -EFAULT;
    memcpy(dst, guest, n);
    return 0;
}

int copy_to_guest(void *guest, const void *src, size_t n)
{
    if (is_hole(guest))
        return -EFAULT;
    memcpy(guest, src, n);
    return 0;
}

void panic(const char *fmt, ...)
{
    fail_msg("%s", fmt);
    abort();
}

/* ---- calls to make ---- */

enum { NR_ADD = 1, NR_PRIV, NR_LONG, NR_SLOW };

static struct hc_args seen;
static unsigned nr_calls;

static long call_add(struct hc_args *a)
{
    seen = *a;
    nr_calls++;
    return (long)(a->arg[0] + a->arg[1]);
}

/* arg[0] steps, of which it does one a turn. */
static long call_long(struct hc_args *a)
{
    nr_calls++;
    if (--a->arg[0])
        return -ERESTART;
    return 7;
}

/* Takes a millisecond. */
static long call_slow(struct hc_args *a)
{
    (void)a;
    nr_calls++;
    now_ns += NS_PER_MS;
    return 0;
}

const struct hypercall hypercall_table[HC_NR] = {
    [NR_ADD] = {call_add, "add", 2, HC_FROM_PV},
    [NR_PRIV] = {call_add, "priv", 2, HC_FROM_PV | HC_PRIVILEGED},
    [NR_LONG] = {call_long, "long", 1, HC_FROM_PV},
    [NR_SLOW] = {call_slow, "slow", 0, HC_FROM_PV},
    [__HYPERVISOR_multicall] = {hc_multicall, "multicall", 2, HC_FROM_PV},
};

static int reset(void **state)
{
    (void)state;
    memset(&fake_info, 0, sizeof(fake_info));
    memset(&fake_cpu_info, 0, sizeof(fake_cpu_info));
    fake_domain.privileged = false;
    nr_calls = 0;
    now_ns = NS_PER_SEC;
    return 0;
}

static struct cpu_user_regs registers(uint64_t nr)
{
    return (struct cpu_user_regs){.rax = nr,
                                  .rdi = 11,
                                  .rsi = 22,
                                  .rdx = 33,
                                  .r10 = 44,
                                  .r8 = 55,
                                  .r9 = 66,
                                  .rip = 0x1002};
}

/* As pv/entry.S does it. */
static void dispatch(struct cpu_user_regs *r)
{
    struct hc_args a = {{r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9}};
    long rc;

    fake_cpu_info.entry_tsc = 0;
    rc = hypercall_dispatch(r->rax, &a);
    if (rc == -ERESTART)
        hypercall_rewind(r, &a);
    else
        r->rax = (uint64_t)rc;
}

/* ---- dispatch ---- */

/* RAX names the call; RDI RSI RDX R10 R8 R9 are its arguments. */
static void test_arguments_arrive_in_abi_order(void **state)
{
    struct cpu_user_regs r = registers(NR_ADD);

    (void)state;
    dispatch(&r);
    assert_int_equal(r.rax, 33);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(seen.arg[i], 11 * (i + 1));
    assert_int_equal(r.rip, 0x1002);
    assert_int_equal(r.rsi, 22);
}

/* A number without a call answers -ENOSYS, whatever its size. */
static void test_unknown_calls_are_enosys(void **state)
{
    static const uint64_t nrs[] = {
        0, 9, HC_NR - 1, HC_NR, 1ull << 32, 1ull << 32 | NR_ADD, ~0ull};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(nrs); i++) {
        struct cpu_user_regs r = registers(nrs[i]);

        dispatch(&r);
        assert_int_equal((int64_t)r.rax, -ENOSYS);
    }
    assert_int_equal(nr_calls, 0);
}

/* The toolstack's calls are for privileged domains. */
static void test_privileged_calls_need_privilege(void **state)
{
    struct cpu_user_regs r = registers(NR_PRIV);

    (void)state;
    dispatch(&r);
    assert_int_equal((int64_t)r.rax, -EPERM);

    fake_domain.privileged = true;
    r = registers(NR_PRIV);
    dispatch(&r);
    assert_int_equal(r.rax, 33);
}

/* A long call rewinds RIP by the 2 bytes of SYSCALL and changes arguments. */
static void test_long_call_makes_the_guest_ask_again(void **state)
{
    struct cpu_user_regs r = registers(NR_LONG);
    unsigned turns = 1;

    (void)state;
    r.rdi = 5;
    for (dispatch(&r); r.rip != 0x1002; turns++) {
        assert_int_equal(r.rip, 0x1000);
        assert_int_equal(r.rax, NR_LONG);
        assert_int_equal(r.rsi, 22);
        r.rip += 2;
        dispatch(&r);
    }
    assert_int_equal(turns, 5);
    assert_int_equal(r.rax, 7);
}

/* ---- giving way ---- */

static void start_call(void)
{
    struct cpu_user_regs r = registers(NR_ADD);

    dispatch(&r);
}

/* Whether or not somebody is known to wait: interrupts do not show. */
static void test_call_yields_after_a_quarter_of_a_millisecond(void **state)
{
    (void)state;
    start_call();
    assert_false(hypercall_should_yield());
    now_ns += NS_PER_MS / 4 - 10;
    assert_false(hypercall_should_yield());
    now_ns += 20;
    assert_true(hypercall_should_yield());
}

static void test_call_yields_sooner_when_somebody_waits(void **state)
{
    struct cpu_info *ci = &fake_cpu_info;

    (void)state;
    start_call();
    assert_false(hypercall_should_yield());
    ci->work = 1ull << WORK_TRACE; /* that can wait */
    timer_due = now_ns + NS_PER_MS / 16;
    now_ns += NS_PER_MS / 32 + 10;
    assert_false(hypercall_should_yield());
    ci->work |= 1ull << WORK_SCHED;
    assert_true(hypercall_should_yield());
    ci->work = 0;
    now_ns += NS_PER_MS / 32;
    assert_true(hypercall_should_yield());
    timer_due = 0;
    assert_false(hypercall_should_yield());

    /* But never at once: it gets on with its work. */
    timer_due = 1;
    ci->work = 1ull << WORK_TIMER;
    start_call();
    assert_false(hypercall_should_yield());
    now_ns += NS_PER_MS / 32 - 10;
    assert_false(hypercall_should_yield());
    ci->work = 0;
    timer_due = 0;
}

/* Each call has its own share. */
static void test_next_call_starts_anew(void **state)
{
    (void)state;
    start_call();
    assert_false(hypercall_should_yield());
    now_ns += NS_PER_SEC;
    assert_true(hypercall_should_yield());
    start_call();
    assert_false(hypercall_should_yield());
}

/* ---- sub-operations ---- */

struct op_arg {
    uint32_t in, out;
};
static int subop_rc;

static int op_double(void *arg)
{
    struct op_arg *a = arg;

    nr_calls++;
    a->out = 2 * a->in;
    return subop_rc;
}

static int op_expect_zero(void *arg)
{
    struct op_arg *a = arg;

    nr_calls++;
    assert_int_equal(a->in, 0);
    assert_int_equal(a->out, 0);
    return 0;
}

static const struct hc_subop subops[] = {
    [1] = {op_double, sizeof(struct op_arg), HC_INOUT},
    [2] = {op_double, sizeof(struct op_arg), HC_IN},
    [3] = {op_double, sizeof(struct op_arg), HC_INOUT | HC_PRIV},
    [4] = {op_expect_zero, sizeof(struct op_arg), HC_OUT},
};

static long run(uint64_t cmd, void *arg)
{
    return subop_run(subops, ARRAY_SIZE(subops), cmd, arg);
}

/* Numbers without a row: -ENOSYS, and nothing is copied. */
static void test_unknown_subop_is_enosys(void **state)
{
    (void)state;
    assert_int_equal(run(0, NULL), -ENOSYS);
    assert_int_equal(run(5, NULL), -ENOSYS);
    assert_int_equal(run(~0ull, NULL), -ENOSYS);
    assert_int_equal(run(1ull << 32 | 1, NULL), -ENOSYS);
}

/* Out only when the row says so and the operation succeeded. */
static void test_subop_copies_out_on_success_only(void **state)
{
    struct op_arg a = {.in = 21};

    (void)state;
    subop_rc = 3;
    assert_int_equal(run(1, &a), 3);
    assert_int_equal(a.out, 42);

    a.out = 0;
    subop_rc = -EBUSY;
    assert_int_equal(run(1, &a), -EBUSY);
    assert_int_equal(a.out, 0);

    subop_rc = 0;
    assert_int_equal(run(2, &a), 0);
    assert_int_equal(a.out, 0);
}

static void test_subop_faults_are_efault(void **state)
{
    (void)state;
    subop_rc = 0;
    assert_int_equal(run(1, NULL), -EFAULT);
    assert_int_equal(nr_calls, 0);
    assert_int_equal(run(4, NULL), -EFAULT);
}

static void test_privileged_subop_needs_privilege(void **state)
{
    struct op_arg a = {.in = 1};

    (void)state;
    subop_rc = 0;
    assert_int_equal(run(3, &a), -EPERM);
    fake_domain.privileged = true;
    assert_int_equal(run(3, &a), 0);
    assert_int_equal(a.out, 2);
}

/* What only goes out holds nothing of ours. */
static void test_out_only_argument_starts_as_zero(void **state)
{
    struct op_arg a = {.in = 5, .out = 6};

    (void)state;
    assert_int_equal(run(4, &a), 0);
    assert_int_equal(a.in, 0);
}

/* ---- multicalls ---- */

static long multicall(struct multicall_entry *list, uint64_t nr,
                      struct hc_args *a)
{
    *a = (struct hc_args){{(uintptr_t)list, nr}};
    start_call();
    nr_calls = 0;
    return hc_multicall(a);
}

/* Each entry gets its result; one that fails stops nothing. */
static void test_multicall_goes_on_after_a_failure(void **state)
{
    struct multicall_entry list[] = {
        {.op = NR_ADD, .args = {1, 2}},
        {.op = 9, .result = 5},
        {.op = NR_PRIV},
        {.op = NR_ADD, .args = {3, 4}},
    };
    struct hc_args a;

    (void)state;
    assert_int_equal(multicall(list, 4, &a), 0);
    assert_int_equal(list[0].result, 3);
    assert_int_equal((int64_t)list[1].result, -ENOSYS);
    assert_int_equal((int64_t)list[2].result, -EPERM);
    assert_int_equal(list[3].result, 7);
}

/* No multicall in a multicall, and no iret. */
static void test_multicall_refuses_to_nest(void **state)
{
    struct multicall_entry inner[] = {{.op = NR_ADD}};
    struct multicall_entry list[] = {
        {.op = __HYPERVISOR_multicall, .args = {(uintptr_t)inner, 1}},
        {.op = __HYPERVISOR_iret},
    };
    struct hc_args a;

    (void)state;
    assert_int_equal(multicall(list, 2, &a), 0);
    assert_int_equal((int64_t)list[0].result, -EINVAL);
    assert_int_equal((int64_t)list[1].result, -ENOSYS);
    assert_int_equal(nr_calls, 0);
}

/* An entry that gives way keeps its progress in the list. */
static void test_multicall_resumes_a_long_entry(void **state)
{
    struct multicall_entry list[] = {
        {.op = NR_ADD, .args = {1, 1}},
        {.op = NR_LONG, .args = {3}},
        {.op = NR_ADD, .args = {2, 2}},
    };
    struct hc_args a;

    (void)state;
    assert_int_equal(multicall(list, 3, &a), -ERESTART);
    assert_int_equal(a.arg[0], (uintptr_t)&list[1]);
    assert_int_equal(a.arg[1], 2);
    assert_int_equal(list[1].args[0], 2);

    assert_int_equal(hc_multicall(&a), -ERESTART);
    assert_int_equal(hc_multicall(&a), 0);
    assert_int_equal(list[1].result, 7);
    assert_int_equal(list[2].result, 4);
    assert_int_equal(nr_calls, 5);
}

/* Between entries it gives way, but does at least one a turn. */
static void test_multicall_gives_way_between_entries(void **state)
{
    struct multicall_entry list[8];
    unsigned turns = 1;
    struct hc_args a;
    long rc;

    (void)state;
    memset(list, 0, sizeof(list));
    for (unsigned i = 0; i < 8; i++)
        list[i].op = NR_SLOW;
    for (rc = multicall(list, 8, &a); rc == -ERESTART; turns++) {
        fake_cpu_info.entry_tsc = 0;
        rc = hc_multicall(&a);
        assert_in_range(turns, 1, 8);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(nr_calls, 8);
    assert_in_range(turns, 3, 8);
}

static void test_multicall_of_nothing_and_of_nowhere(void **state)
{
    struct hc_args a;

    (void)state;
    assert_int_equal(multicall(NULL, 0, &a), 0);
    assert_int_equal(multicall(NULL, 1, &a), -EFAULT);
    /* The count is 32 bits wide. */
    assert_int_equal(multicall(NULL, 1ull << 32, &a), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_arguments_arrive_in_abi_order),
        TEST(test_unknown_calls_are_enosys),
        TEST(test_privileged_calls_need_privilege),
        TEST(test_long_call_makes_the_guest_ask_again),
        TEST(test_call_yields_after_a_quarter_of_a_millisecond),
        TEST(test_call_yields_sooner_when_somebody_waits),
        TEST(test_next_call_starts_anew),
        TEST(test_unknown_subop_is_enosys),
        TEST(test_subop_copies_out_on_success_only),
        TEST(test_subop_faults_are_efault),
        TEST(test_privileged_subop_needs_privilege),
        TEST(test_out_only_argument_starts_as_zero),
        TEST(test_multicall_goes_on_after_a_failure),
        TEST(test_multicall_refuses_to_nest),
        TEST(test_multicall_resumes_a_long_entry),
        TEST(test_multicall_gives_way_between_entries),
        TEST(test_multicall_of_nothing_and_of_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
