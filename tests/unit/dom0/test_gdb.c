/*
 * gdb's remote protocol on a made-up guest: what gdb sends, what it gets, and
 * that the guest is as it was when gdb is gone.
 *
 * sources: dom0/debug/gdb.c dom0/debug/packet.c dom0/debug/regs.c
 * sources: dom0/debug/breaks.c dom0/debug/symbols.c
 * sources: tests/unit/dom0/target-fake.c
 */
#include "dom0/debug/breaks.h"
#include "dom0/debug/gdb.h"
#include "dom0/debug/packet.h"
#include "dom0/debug/symbols.h"
#include "tests/unit/dom0/target-fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct target guest;
static struct gdb *g;
static char sent[70000];
static size_t nr_sent;

static void on_send(void *arg, const char *bytes, size_t n)
{
    (void)arg;
    memcpy(sent + nr_sent, bytes, n);
    nr_sent += n;
    sent[nr_sent] = 0;
}

static int begin(void **state)
{
    const char *warning;

    (void)state;
    fake_target_reset(&guest);
    g = gdb_begin(&guest, on_send, NULL, false, &warning);
    assert_null(warning);
    assert_int_equal(guest.state, TARGET_STOPPED);
    return 0;
}

static int end(void **state)
{
    (void)state;
    gdb_end(g);
    assert_int_equal(guest.state, TARGET_RUNS);
    assert_false(guest.catching);
    return 0;
}

/* Send a packet; the answer's text, "" for none. */
static const char *ask(const char *text)
{
    static char answer[PACKET_MAX + 1], frame[PACKET_MAX + 8];
    size_t n = packet_frame(text, strlen(text), frame);
    char *hash;

    nr_sent = 0;
    sent[0] = 0;
    gdb_input(g, (const uint8_t *)frame, n);
    if (!strchr(sent, '$'))
        return "";
    strcpy(answer, strchr(sent, '$') + 1);
    hash = strrchr(answer, '#');
    assert_non_null(hash);
    *hash = 0;
    return answer;
}

static void test_registers_are_read_and_written(void **state)
{
    char text[1000];

    (void)state;
    guest.ctx[0].user_regs.rbx = 0x1122334455667788;
    assert_int_equal(strlen(ask("g")),
                     (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4 + 4 * 8) * 2);
    assert_memory_equal(ask("g") + 16, "8877665544332211", 16);
    assert_string_equal(ask("p10"), "0010000000000000"); /* rip */
    assert_string_equal(ask("P10=7856341200000000"), "OK");
    assert_int_equal(guest.ctx[0].user_regs.rip, 0x12345678);
    snprintf(text, sizeof(text), "G%s", ask("g"));
    memcpy(text + 1, "0100000000000000", 16);
    assert_string_equal(ask(text), "OK");
    assert_int_equal(guest.ctx[0].user_regs.rax, 1);
    assert_int_equal(guest.ctx[0].user_regs.rbx, 0x1122334455667788);
    assert_string_equal(ask("G00"), "E16");
    assert_string_equal(ask("pfff"), "E16");
    assert_string_equal(ask("p18"), "xxxxxxxxxxxxxxxxxxxx"); /* st0 */
    guest.ctx[0].gs_base_kernel = 0x1234;
    guest.ctx[0].gs_base_user = 0x5678;
    assert_string_equal(ask("p29"), "3412000000000000");
    guest.ctx[0].flags = 0;
    assert_string_equal(ask("p29"), "7856000000000000");
}

/* gdb reads it in parts, and knows by it what "g" has. */
static void test_registers_are_described(void **state)
{
    char xml[8192] = "", request[64];
    const char *part, *reg;
    unsigned int bits = 0;

    (void)state;
    do {
        snprintf(request, sizeof(request),
                 "qXfer:features:read:target.xml:%zx,100", strlen(xml));
        part = ask(request);
        assert_true(*part == 'm' || *part == 'l');
        assert_true(strlen(part) <= 0x101);
        strcat(xml, part + 1);
    } while (*part == 'm');
    assert_non_null(strstr(xml, "org.gnu.gdb.i386.core"));
    assert_string_equal(xml + strlen(xml) - 9, "</target>");
    for (reg = xml; (reg = strstr(reg, "bitsize=\"")); reg += 9)
        bits += (unsigned int)strtoul(reg + 9, NULL, 10);
    assert_int_equal(bits / 8 * 2, strlen(ask("g")));
    assert_string_equal(ask("qXfer:features:read:target.xml:9000,10"), "l");
}

static void test_memory_is_read_and_written(void **state)
{
    (void)state;
    assert_string_equal(ask("m1000,4"), "90909090");
    assert_string_equal(ask("M1001,2:abcd"), "OK");
    assert_string_equal(ask("m1000,4"), "90abcd90");
    assert_string_equal(ask("X1003,2:}\003#"), ""); /* no such: cut in two */
    assert_string_equal(ask("m9000,4"), "E0e");
    assert_string_equal(ask("m1ffe,8"), "9090"); /* what there is */
    assert_string_equal(ask("M1000,4:00"), "E16");
    assert_string_equal(ask("m1000"), "E16");
}

static void test_breakpoint_stops_and_is_not_seen(void **state)
{
    (void)state;
    assert_string_equal(ask("Z0,1010,1"), "OK");
    assert_int_equal(guest.memory[0x10], 0xcc);
    assert_string_equal(ask("m1010,1"), "90");
    assert_string_equal(ask("c"), "");
    assert_true(gdb_is_running(g));
    fake_target_run(&guest, 0, 100);
    nr_sent = 0;
    gdb_look(g);
    assert_non_null(strstr(sent, "T05thread:1;swbreak:;"));
    assert_int_equal(guest.ctx[0].user_regs.rip, 0x1010);
    assert_string_equal(ask("z0,1010,1"), "OK");
    assert_int_equal(guest.memory[0x10], 0x90);
}

static void test_step_is_one_instruction(void **state)
{
    (void)state;
    assert_string_equal(ask("Hg2"), "OK");
    assert_string_equal(ask("vCont;s:2;c"), "");
    assert_int_equal(guest.ctx[1].user_regs.rflags & 0x100, 0x100);
    fake_target_run(&guest, 1, 100);
    nr_sent = 0;
    gdb_look(g);
    assert_non_null(strstr(sent, "T05thread:2;"));
    assert_int_equal(guest.ctx[1].user_regs.rip, 0x1101);
    assert_int_equal(guest.ctx[1].user_regs.rflags & 0x100, 0);
}

/* Another vCPU stops first: the step is given up, and nobody hears of its end
 * when that comes at last. */
static void test_step_that_is_given_up_ends_unheard(void **state)
{
    (void)state;
    ask("Z0,1110,1");
    ask("vCont;s:1;c");
    fake_target_run(&guest, 1, 100);
    nr_sent = 0;
    gdb_look(g);
    assert_non_null(strstr(sent, "T05thread:2;swbreak:;"));
    assert_int_equal(guest.ctx[0].user_regs.rflags & 0x100, 0);
    assert_int_equal(guest.ctx[0].user_regs.rip, 0x1000);
    ask("z0,1110,1");
    ask("c");
    guest.ctx[0].user_regs.rflags |= 0x100; /* it was on the kernel's stack */
    fake_target_run(&guest, 0, 100);
    nr_sent = 0;
    gdb_look(g);
    assert_int_equal(nr_sent, 0);
    assert_int_equal(guest.state, TARGET_RUNS);
    assert_int_equal(guest.ctx[0].user_regs.rflags & 0x100, 0);
}

/* A kernel has int3 of its own, where it patches its code: they reach it. */
static void test_kernels_own_breakpoint_reaches_it(void **state)
{
    (void)state;
    guest.memory[0x10] = 0xcc;
    ask("Z0,1020,1");
    ask("c");
    fake_target_run(&guest, 0, 100);
    assert_int_equal(guest.state, TARGET_STOPPED);
    nr_sent = 0;
    gdb_look(g);
    assert_int_equal(nr_sent, 0);
    assert_int_equal(guest.nr_traps[0], 1);
    assert_int_equal(guest.ctx[0].user_regs.rip, 0x1011);
    fake_target_run(&guest, 0, 100);
    gdb_look(g);
    assert_non_null(strstr(sent, "T05thread:1;swbreak:;"));
    ask("z0,1020,1");
    ask("c");
    assert_int_equal(guest.nr_traps[0], 1);
    guest.memory[0x10] = 0x90;
}

/* It runs and meets the next one before we can see that it runs: that pause is
 * not one of those that are to be taken back. */
static void test_breakpoint_that_is_met_at_once_is_not_missed(void **state)
{
    (void)state;
    ask("Z0,1010,1");
    guest.is_quick = true;
    ask("c");
    nr_sent = 0;
    gdb_look(g);
    assert_non_null(strstr(sent, "T05thread:1;swbreak:;"));
    assert_int_equal(guest.nr_goes, 1);
    assert_int_equal(guest.ctx[0].user_regs.rip, 0x1010);
    guest.is_quick = false;
}

/* Somebody's pause is said when it lasts; a destroyed guest is paused first. */
static void test_pause_by_others_is_said_late(void **state)
{
    (void)state;
    ask("c");
    guest.state = TARGET_STOPPED;
    nr_sent = 0;
    gdb_look(g);
    assert_int_equal(nr_sent, 0);
    guest.state = TARGET_RUNS;
    gdb_look(g);
    guest.state = TARGET_STOPPED;
    for (int i = 0; i < 1000 && !nr_sent; i++)
        gdb_look(g);
    assert_non_null(strstr(sent, "T11thread:1;"));
}

/* A line that does not say when a gdb is gone: the next one begins anew. */
static void test_next_gdb_on_a_line_begins_anew(void **state)
{
    (void)state;
    assert_string_equal(ask("QStartNoAckMode"), "OK");
    ask("Z0,1010,1");
    ask("c");
    assert_true(strstr(ask("qSupported:swbreak+"), "PacketSize"));
    assert_int_equal(sent[0], '+');
    assert_int_equal(guest.memory[0x10], 0x90);
    assert_int_equal(guest.state, TARGET_STOPPED);
    assert_string_equal(ask("?"), "T02thread:1;");
}

static void test_control_c_stops(void **state)
{
    (void)state;
    ask("c");
    nr_sent = 0;
    gdb_input(g, (const uint8_t *)"\003", 1);
    assert_non_null(strstr(sent, "T02thread:1;"));
    assert_int_equal(guest.state, TARGET_STOPPED);
}

static void test_hardware_breakpoints_are_in_every_vcpu(void **state)
{
    (void)state;
    assert_string_equal(ask("Z1,1020,1"), "OK");
    assert_string_equal(ask("Z2,1040,8"), "OK");
    assert_string_equal(ask("Z2,1041,8"), "E16"); /* not aligned */
    for (unsigned int v = 0; v < FAKE_VCPUS; v++) {
        assert_int_equal(guest.ctx[v].debugreg[0], 0x1020);
        assert_int_equal(guest.ctx[v].debugreg[1], 0x1040);
        assert_int_equal(guest.ctx[v].debugreg[7], 0x00900005);
    }
    ask("c");
    guest.ctx[1].debugreg[6] = 2;
    guest.state = TARGET_STOPPED;
    nr_sent = 0;
    gdb_look(g);
    assert_non_null(strstr(sent, "thread:2;watch:1040;"));
    assert_string_equal(ask("Z1,1021,1"), "OK");
    assert_string_equal(ask("Z1,1022,1"), "OK");
    assert_string_equal(ask("Z1,1023,1"), "E1c"); /* four are all */
    assert_string_equal(ask("z2,1040,8"), "OK");
    assert_string_equal(ask("Z1,1023,1"), "OK");
}

/* In the middle of a step, with breakpoints set: nothing of it stays. */
static void test_gdb_that_goes_leaves_nothing(void **state)
{
    const char *warning;

    (void)state;
    ask("Z0,1010,1");
    ask("Z0,1020,1");
    ask("Z1,1030,1");
    ask("s");
    gdb_end(g);
    assert_int_equal(guest.memory[0x10], 0x90);
    assert_int_equal(guest.memory[0x20], 0x90);
    assert_int_equal(guest.ctx[0].debugreg[7], 0);
    assert_int_equal(guest.ctx[0].user_regs.rflags & 0x100, 0);
    assert_int_equal(guest.state, TARGET_RUNS);
    g = gdb_begin(&guest, on_send, NULL, false, &warning);
}

static void test_guest_that_goes_is_said(void **state)
{
    (void)state;
    ask("c");
    guest.state = TARGET_GONE;
    nr_sent = 0;
    gdb_look(g);
    assert_non_null(strstr(sent, "X09"));
    assert_true(guest.forgotten);
    guest.forgotten = false;
    gdb_look(g); /* while gdb thinks, too */
    assert_true(guest.forgotten);
    assert_string_equal(ask("c"), "X09");
    guest.state = TARGET_STOPPED;
}

static void test_threads_are_vcpus(void **state)
{
    (void)state;
    assert_string_equal(ask("qfThreadInfo"), "m1,2");
    assert_string_equal(ask("qsThreadInfo"), "l");
    assert_string_equal(ask("Hg3"), "E16");
    assert_string_equal(ask("T2"), "OK");
    assert_string_equal(ask("?"), "T02thread:1;");
    assert_string_equal(ask("qAttached"), "1");
}

static void test_bad_packets_are_asked_for_again(void **state)
{
    (void)state;
    nr_sent = 0;
    gdb_input(g, (const uint8_t *)"$g#00", 5);
    assert_string_equal(sent, "-");
    nr_sent = 0;
    gdb_input(g, (const uint8_t *)"junk+++$?#3", 11);
    assert_int_equal(nr_sent, 0);
    gdb_input(g, (const uint8_t *)"f", 1);
    assert_string_equal(ask("nonsense"), "");
}

static void test_without_help_looking_works(void **state)
{
    const char *warning;

    (void)state;
    gdb_end(g);
    guest.cannot_catch = true;
    g = gdb_begin(&guest, on_send, NULL, false, &warning);
    assert_non_null(warning);
    assert_string_equal(ask("m1000,1"), "90");
    assert_string_equal(ask("Z0,1000,1"), "E26");
    assert_string_equal(ask("s"), "E26");
    assert_int_equal(guest.memory[0], 0x90);
}

static void test_symbols_by_address_and_name(void **state)
{
    static const char map[] = "ffffffff81000000 T _stext\n"
                              "ffffffff81000100 t middle\n"
                              "ffffffff81000200 T _etext\n"
                              "junk\nffffffff81000300 D data\n"
                              "0000000000000001 A absolute";
    struct symbols *s;
    uint64_t offset;

    (void)state;
    assert_int_equal(symbols_parse(&s, map, sizeof(map) - 1), 0);
    assert_int_equal(symbols_count(s), 4);
    assert_string_equal(symbols_name(s, 0xffffffff81000105, &offset), "middle");
    assert_int_equal(offset, 5);
    assert_null(symbols_name(s, 0xffff, &offset));
    assert_true(symbols_is_text(s, 0xffffffff810001ff));
    assert_false(symbols_is_text(s, 0xffffffff81000301));
    assert_int_equal(symbols_address(s, "data"), 0xffffffff81000300);
    symbols_free(s);
    assert_int_not_equal(symbols_parse(&s, "junk\n", 5), 0);
}

/* Our own file is one, without _stext. */
static void test_symbols_of_an_elf_file(void **state)
{
    uint64_t here = 0, offset;
    struct symbols *s;
    char why[200];

    (void)state;
    assert_int_equal(symbols_load(&s, "/proc/self/exe", why, sizeof(why)), 0);
    here = symbols_address(s, "test_symbols_of_an_elf_file");
    assert_int_not_equal(here, 0);
    assert_string_equal(symbols_name(s, here + 1, &offset),
                        "test_symbols_of_an_elf_file");
    assert_true(symbols_is_text(s, here));
    assert_false(symbols_is_text(s, symbols_address(s, "guest")));
    assert_false(symbols_is_text(s, 0x20));
    symbols_free(s);
    assert_int_not_equal(symbols_load(&s, "/etc/passwd", why, sizeof(why)), 0);
    assert_non_null(strstr(why, "neither"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
        T(test_registers_are_read_and_written),
        T(test_memory_is_read_and_written),
        T(test_breakpoint_stops_and_is_not_seen),
        T(test_step_is_one_instruction),
        T(test_registers_are_described),
        T(test_step_that_is_given_up_ends_unheard),
        T(test_kernels_own_breakpoint_reaches_it),
        T(test_breakpoint_that_is_met_at_once_is_not_missed),
        T(test_pause_by_others_is_said_late),
        T(test_next_gdb_on_a_line_begins_anew),
        T(test_control_c_stops),
        T(test_hardware_breakpoints_are_in_every_vcpu),
        T(test_gdb_that_goes_leaves_nothing),
        T(test_guest_that_goes_is_said),
        T(test_threads_are_vcpus),
        T(test_bad_packets_are_asked_for_again),
        T(test_without_help_looking_works),
        T(test_symbols_by_address_and_name),
        T(test_symbols_of_an_elf_file),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
