/*
 * Trace buffers read while they are written: a guest's records, all of them,
 * in the order of time, in words and as a file; and buffers full of nonsense.
 *
 * sources: dom0/debug/trace-buffer.c dom0/debug/trace-decode.c
 * sources: dom0/debug/trace-text.c dom0/debug/trace-json.c
 * sources: $(libs-hypercall-fake-src) $(libs-foreignmem-fake-src)
 * sources: $(libs-evtchn-fake-src)
 * libs: -ljansson
 */
#include "dom0/debug/trace.h"
#include "dom0/libs/evtchn/evtchn-fake.h"
#include "dom0/libs/hypercall/hypercall-fake.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GUEST = 5, OTHER = 6, PAGES = 2, MAX_SEEN = 20000 };
#define SIZE (PAGES * 4096 - sizeof(struct t_buf))

#define RUNSTATE(from, to) (TRC_SCHED_RUNSTATE_CHANGE | (from) << 8 | (to) << 4)
#define VCPU(domid, vcpu)  ((uint32_t)(domid) << 16 | (vcpu))

static struct trace_record seen[MAX_SEEN];
static size_t nr_seen;

static void see(void *arg, const struct trace_record *r)
{
    (void)arg;
    assert_true(nr_seen < MAX_SEEN);
    seen[nr_seen++] = *r;
}

/* --- the hypervisor's side --- */

static struct t_buf *buf(unsigned int cpu)
{
    return hv_fake_frame(hv_fake_trace()->buf_mfn[cpu]);
}

static void write_words(unsigned int cpu, const uint32_t *words, size_t nr)
{
    struct t_buf *b = buf(cpu);
    size_t left = SIZE - b->prod % SIZE;

    if (nr * 4 > left) {
        uint32_t fill[9] = {TRC_TRACE_WRAP_BUFFER | (uint32_t)(left / 4 - 1)
                                                        << TRACE_EXTRA_SHIFT};

        assert_true(left <= 32);
        memcpy((char *)(b + 1) + b->prod % SIZE, fill, left);
        b->prod = (uint32_t)((b->prod + left) % (2 * SIZE));
    }
    memcpy((char *)(b + 1) + b->prod % SIZE, words, nr * 4);
    b->prod = (uint32_t)((b->prod + nr * 4) % (2 * SIZE));
}

static void put(unsigned int cpu, uint64_t tsc, uint32_t event, unsigned int nr,
                const uint32_t *extra)
{
    uint32_t words[10] = {event | nr << TRACE_EXTRA_SHIFT | 1u << 31,
                          (uint32_t)tsc, (uint32_t)(tsc >> 32)};

    memcpy(words + 3, extra, nr * 4);
    write_words(cpu, words, 3 + nr);
}

static void put1(unsigned int cpu, uint64_t tsc, uint32_t event, uint32_t word)
{
    put(cpu, tsc, event, 1, &word);
}

/* --- a trace --- */

static int setup(void **state)
{
    (void)state;
    hv_fake_reset(0);
    nr_seen = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(hv_fake_nr_windows(), 0);
    assert_int_equal(evtchn_fake_bound(), 0);
    hv_fake_end();
    return 0;
}

static struct tracer *begin(void)
{
    struct tracer *t;

    assert_int_equal(tracer_open(&t, GUEST, PAGES), 0);
    assert_int_equal(tracer_turn(t, true), 0);
    assert_true(hv_fake_trace()->on);
    assert_int_equal(hv_fake_trace()->events, TRC_GEN | TRC_SCHED | TRC_PV);
    return t;
}

static void test_records_belong_to_who_runs_there(void **state)
{
    struct tracer *t = begin();

    (void)state;
    put1(0, 100, TRC_PV_HYPERCALL_V2, 1); /* nobody knows whose */
    put1(0, 101, RUNSTATE(1, 0), VCPU(GUEST, 2));
    put1(0, 102, TRC_PV_HYPERCALL_V2, 2);
    put1(0, 103, RUNSTATE(2, 1), VCPU(GUEST, 3)); /* woken, runs elsewhere */
    put1(0, 104, TRC_PV_HYPERCALL_V2, 3);
    put1(0, 104, TRC_SCHED_CLASS_EVT(CSCHED2, 3), 1); /* not of interest */
    put1(0, 105, RUNSTATE(0, 2), VCPU(GUEST, 2));
    put1(0, 106, RUNSTATE(1, 0), VCPU(OTHER, 0));
    put1(0, 107, TRC_PV_HYPERCALL_V2, 4);
    put1(0, 108, TRC_SCHED_CONTINUE_RUNNING, VCPU(GUEST, 1));
    put1(0, 109, TRC_PV_HYPERCALL_V2, 5);
    put(0, 110, TRACE_EVENT, 2, (uint32_t[]){VCPU(OTHER, 0), 7});
    put(1, 111, TRACE_EVENT, 2, (uint32_t[]){VCPU(GUEST, 0), 8});
    tracer_read(t, true, see, NULL);
    tracer_close(t);

    assert_int_equal(nr_seen, 8);
    assert_int_equal(seen[0].event, RUNSTATE(1, 0));
    assert_int_equal(seen[1].word[0], 2);
    assert_int_equal(seen[1].vcpu, 2);
    assert_int_equal(seen[2].vcpu, 3);
    assert_int_equal(seen[3].word[0], 3);
    assert_int_equal(seen[3].vcpu, 2);
    assert_int_equal(seen[4].event, RUNSTATE(0, 2));
    assert_int_equal(seen[6].word[0], 5);
    assert_int_equal(seen[6].vcpu, 1);
    assert_int_equal(seen[7].word[1], 8);
}

static void test_time_orders_what_cpus_wrote(void **state)
{
    struct tracer *t = begin();

    (void)state;
    put1(0, 10, TRC_SCHED_CONTINUE_RUNNING, VCPU(GUEST, 0));
    put1(1, 11, TRC_SCHED_CONTINUE_RUNNING, VCPU(GUEST, 1));
    put1(0, 15, TRC_PV_HYPERCALL_V2, 15);
    tracer_read(t, false, see, NULL);
    assert_int_equal(nr_seen, 0); /* something older may come */
    put1(1, 12, TRC_PV_HYPERCALL_V2, 12);
    put1(1, 20, TRC_PV_HYPERCALL_V2, 20);
    put1(0, 19, TRC_PV_HYPERCALL_V2, 19);
    tracer_read(t, false, see, NULL);
    assert_int_equal(nr_seen, 4);
    tracer_read(t, true, see, NULL);
    assert_int_equal(nr_seen, 6);
    for (size_t i = 1; i < nr_seen; i++)
        assert_true(seen[i - 1].tsc < seen[i].tsc);
    /* The fake machine has a clock of 1 GHz. */
    assert_true(tracer_us(t, 1010) > 0.999 && tracer_us(t, 1010) < 1.001);
    assert_true(tracer_us(t, 0) == 0);
    tracer_close(t);
}

static void test_nothing_is_missed_where_the_buffer_ends(void **state)
{
    struct tracer *t = begin();
    uint32_t words[7] = {0};

    (void)state;
    put1(0, 1, TRC_SCHED_CONTINUE_RUNNING, VCPU(GUEST, 0));
    for (uint32_t n = 2; n < 10000; n++) {
        words[0] = n;
        put(0, n, TRC_PV_HYPERCALL_V2, 1 + n % 6, words);
        if (n % 150 == 0)
            tracer_read(t, false, see, NULL);
    }
    tracer_read(t, true, see, NULL);
    assert_int_equal(nr_seen, 9999);
    for (uint32_t n = 2; n < 10000; n++)
        assert_int_equal(seen[n - 1].word[0], n);
    assert_int_equal(tracer_totals(t)->nr_garbled, 0);
    tracer_close(t);
}

static void test_lost_records_are_told(void **state)
{
    struct tracer *t = begin();

    (void)state;
    put1(0, 1, TRC_SCHED_CONTINUE_RUNNING, VCPU(GUEST, 0));
    put(0, 2, TRC_LOST_RECORDS, 4, (uint32_t[]){77, VCPU(0, 0), 1, 0});
    put1(0, 3, TRC_PV_HYPERCALL_V2, 1); /* whose, nobody knows now */
    tracer_read(t, true, see, NULL);
    assert_int_equal(nr_seen, 2);
    assert_int_equal(tracer_totals(t)->nr_lost, 77);
    assert_int_equal(tracer_totals(t)->nr_records, 1);
    tracer_close(t);
}

static void test_what_was_there_before_is_not_shown(void **state)
{
    struct tracer *t = begin();

    (void)state;
    put1(0, 1, TRC_SCHED_CONTINUE_RUNNING, VCPU(GUEST, 0));
    tracer_close(t);
    /* Its turning off was forgotten: the next use begins with that. */
    assert_true(hv_fake_trace()->on);
    assert_int_equal(tracer_open(&t, GUEST, PAGES), 0);
    assert_false(hv_fake_trace()->on);
    tracer_read(t, true, see, NULL);
    assert_int_equal(nr_seen, 0);
    tracer_close(t);
}

/* --- what stands in the way --- */

static void test_two_do_not_trace_at_once(void **state)
{
    struct evtchn *ec;
    struct tracer *t;
    uint32_t port;

    (void)state;
    assert_int_equal(evtchn_open(&ec), 0);
    assert_int_equal(evtchn_bind_virq(ec, VIRQ_TBUF, &port), 0);
    assert_int_equal(tracer_open(&t, GUEST, PAGES), -EEXIST);
    assert_int_equal(hv_fake_calls("hv_trace_turn"), 0); /* left alone */
}

static void test_each_failure_leaves_nothing_open(void **state)
{
    static const struct {
        const char *call;
        int rc;
    } cases[] = {
        {"hv_open", -EACCES},
        {"fmem_open", -EACCES},
        {"hv_physinfo", -EPERM},
        {"hv_trace_set_size", -ENOSYS},
        {"hv_trace_set_size", -ENOMEM},
        {"hv_trace_turn", -EPERM},
        {"hv_trace_set_events", -EPERM},
        {"hv_trace_info", -EPERM},
        {"fmem_map", -EINVAL},
    };
    struct tracer *t;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hv_fake_fail(cases[i].call, 0, cases[i].rc);
        assert_int_equal(tracer_open(&t, GUEST, PAGES), cases[i].rc);
        assert_int_equal(hv_fake_nr_windows(), 0);
        assert_int_equal(evtchn_fake_bound(), 0);
    }
}

static void test_buffers_of_another_size_are_used_as_they_are(void **state)
{
    struct tracer *t;

    (void)state;
    assert_int_equal(hv_trace_set_size(NULL, 3), 0);
    assert_int_equal(tracer_open(&t, GUEST, 64), 0);
    assert_int_equal(tracer_pages(t), 3);
    tracer_close(t);
}

static void test_a_list_that_makes_no_sense_is_refused(void **state)
{
    struct t_info *info;
    struct tracer *t;

    (void)state;
    hv_trace_set_size(NULL, PAGES);
    info = hv_fake_frame(hv_fake_trace()->info_mfn);
    info->tbuf_size = 0;
    assert_int_equal(tracer_open(&t, GUEST, PAGES), -EPROTO);
    info->tbuf_size = 0xffff;
    assert_int_equal(tracer_open(&t, GUEST, PAGES), -EPROTO);
    info->tbuf_size = PAGES;
    info->mfn_offset[1] = 1023;
    assert_int_equal(tracer_open(&t, GUEST, PAGES), -EPROTO);
    info->mfn_offset[1] = 0xffff;
    assert_int_equal(tracer_open(&t, GUEST, PAGES), -EPROTO);
    info->mfn_offset[1] = 500; /* frames there that are not its */
    assert_int_equal(tracer_open(&t, GUEST, PAGES), -EINVAL);
    info->mfn_offset[1] = 0; /* a CPU that is off */
    assert_int_equal(tracer_open(&t, GUEST, PAGES), 0);
    tracer_read(t, true, see, NULL);
    tracer_close(t);
}

static void ignore(void *arg, const struct trace_record *r)
{
    struct trace_text text;

    trace_describe(r, &text);
    trace_json_add(arg, r, 1);
    assert_non_null(text.kind);
    assert_true(strlen(text.what) > 0);
}

static void test_nonsense_in_a_buffer_does_no_harm(void **state)
{
    struct tracer *t = begin();
    FILE *null = fopen("/dev/null", "w");
    struct trace_json j;

    (void)state;
    trace_json_begin(&j, null, GUEST, "g");
    srand(1);
    for (int n = 0; n < 3000; n++) {
        struct t_buf *b = buf((unsigned int)n % 2);
        uint8_t *byte = (uint8_t *)(b + 1);

        for (size_t i = 0; i < SIZE; i++)
            byte[i] = (uint8_t)(rand() % 4 ? rand() : 0);
        if (rand() % 2)
            memcpy(byte, &(uint32_t[]){0x90021101, 1, 1, VCPU(GUEST, 1)}, 16);
        b->prod = (uint32_t)rand() % (rand() % 2 ? 2 * SIZE : 1u << 31);
        b->cons = rand() % 2 ? 0 : (uint32_t)rand() % (2 * SIZE + 40);
        tracer_read(t, n % 3 == 0, ignore, &j);
    }
    assert_true(tracer_totals(t)->nr_garbled > 1000);
    buf(0)->prod = buf(0)->cons = 0;
    nr_seen = 0;
    put1(0, 1, TRC_SCHED_CONTINUE_RUNNING, VCPU(GUEST, 0));
    put1(0, 2, TRC_PV_HYPERCALL_V2, 29);
    tracer_read(t, true, see, NULL);
    assert_true(nr_seen >= 2); /* it goes on as if nothing had been */
    tracer_close(t);
    fclose(null);
}

/* --- words --- */

static void expect(const struct trace_record *r, const char *kind,
                   const char *what, const char *more)
{
    struct trace_text t;

    trace_describe(r, &t);
    assert_string_equal(t.kind, kind);
    assert_string_equal(t.what, what);
    assert_string_equal(t.more, more);
}
#define RECORD(e, n, ...)                                                      \
    &(struct trace_record)                                                     \
    {                                                                          \
        .event = e, .nr_words = n, .word = { __VA_ARGS__ }                     \
    }

static void test_records_have_names(void **state)
{
    (void)state;
    expect(RECORD(TRC_PV_HYPERCALL_V2, 2, 29 | 1 << 20, 1), "hypercall",
           "sched_op block", "");
    expect(RECORD(TRC_PV_HYPERCALL_V2, 3, 20 | 1 << 20 | 1 << 24, 5, 16),
           "hypercall", "grant_table_op copy", "a3=0x10");
    expect(RECORD(TRC_PV_HYPERCALL_V2, 5, 14 | 2 << 20 | 2 << 22, 0x1000,
                  0xffff8880, 7, 0x80000000),
           "hypercall", "update_va_mapping",
           "a1=0xffff888000001000 a2=0x8000000000000007");
    expect(RECORD(TRC_PV_HYPERCALL_SUBCALL, 1, 3), "hypercall",
           "multicall: stack_switch", "");
    expect(RECORD(TRC_PV_HYPERCALL_V2, 1, 11), "hypercall", "number 11", "");
    expect(RECORD(TRC_PV_HYPERCALL_V2, 1, 0xfffff), "hypercall",
           "number 1048575", "");
    expect(RECORD(TRC_PV_HYPERCALL_V2, 2, 29 | 1 << 20, 99), "hypercall",
           "sched_op", "a1=0x63");
    expect(RECORD(TRC_PV_TRAP | TRC_64_FLAG, 3, 0x81000000, 0xffffffff,
                  13 | 0x8000 | 0x10 << 16),
           "exception", "general-protection", "at ffffffff81000000 error 0x10");
    expect(RECORD(TRC_PV_TRAP | TRC_64_FLAG, 3, 1, 0, 0x80), "exception",
           "vector 128", "at 1");
    expect(RECORD(TRC_PV_PAGE_FAULT | TRC_64_FLAG, 5, 1, 0, 2, 0, 6),
           "exception", "page-fault", "at 1 writing 2 error 0x6");
    expect(RECORD(TRACE_SYSCALL, 3, 1, 0, 60), "syscall", "system call 60",
           "at 1");
    expect(RECORD(TRACE_UPCALL, 2, 1, 0), "event", "upcall", "at 1");
    expect(RECORD(TRACE_EVENT, 2, 0, 9), "event", "port 9", "");
    expect(RECORD(RUNSTATE(0, 2), 1, 0), "sched", "running -> blocked", "");
    expect(RECORD(TRC_PV_EMULATE_PRIVOP | TRC_64_FLAG, 2, 5, 0), "emulated",
           "privileged instruction", "at 5");
    expect(RECORD(TRC_LOST_RECORDS, 1, 5), "lost", "5 records", "");
    expect(RECORD(0x81002, 0, 0), "other", "0x81002", "");
}

/* A file is JSON whatever the guest is called, and what begins ends. */
static void test_the_file_is_what_viewers_read(void **state)
{
    struct trace_record r = {.event = RUNSTATE(1, 0), .vcpu = 1};
    char *text = NULL;
    size_t size, i, nr_begun = 0, nr_ended = 0, nr_named = 0;
    FILE *f = open_memstream(&text, &size);
    struct trace_json j;
    json_t *o, *e;

    (void)state;
    trace_json_begin(&j, f, GUEST, "a\"b\\c\nd");
    trace_json_add(&j, &r, 1);
    trace_json_add(&j, RECORD(TRC_PV_HYPERCALL_V2, 2, 29 | 1 << 20, 1), 2.5);
    r.event = RUNSTATE(0, 2);
    trace_json_add(&j, &r, 3);
    r.event = RUNSTATE(2, 1);
    trace_json_add(&j, &r, 4);
    r.event = TRC_SCHED_CONTINUE_RUNNING;
    trace_json_add(&j, &r, 5);
    trace_json_add(&j, &r, 6);
    trace_json_end(&j, 7);
    fclose(f);
    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    json_array_foreach(json_object_get(o, "traceEvents"), i, e)
    {
        const char *phase = json_string_value(json_object_get(e, "ph"));

        assert_int_equal(json_integer_value(json_object_get(e, "pid")), GUEST);
        assert_true(json_integer_value(json_object_get(e, "tid")) > 0);
        assert_true(json_is_number(json_object_get(e, "ts")));
        nr_begun += phase[0] == 'B';
        nr_ended += phase[0] == 'E';
        nr_named += phase[0] == 'M';
        if (!strcmp(json_string_value(json_object_get(e, "name"))
                        ? json_string_value(json_object_get(e, "name"))
                        : "",
                    "sched_op block"))
            assert_true(json_number_value(json_object_get(e, "ts")) == 2.5);
    }
    assert_int_equal(nr_begun, 2);
    assert_int_equal(nr_ended, 2);
    assert_int_equal(nr_named, 3); /* the guest, two vcpus */
    json_decref(o);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_records_belong_to_who_runs_there),
        TEST(test_time_orders_what_cpus_wrote),
        TEST(test_nothing_is_missed_where_the_buffer_ends),
        TEST(test_lost_records_are_told),
        TEST(test_what_was_there_before_is_not_shown),
        TEST(test_two_do_not_trace_at_once),
        TEST(test_each_failure_leaves_nothing_open),
        TEST(test_buffers_of_another_size_are_used_as_they_are),
        TEST(test_a_list_that_makes_no_sense_is_refused),
        TEST(test_nonsense_in_a_buffer_does_no_harm),
        TEST(test_records_have_names),
        TEST(test_the_file_is_what_viewers_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
