/*
 * lwIP on a card of the frontends: tcp-echo, whole, against a TCP of the
 * tests' own at the other end. lwIP is started once in the life of a program,
 * so each test runs in a process of its own.
 *
 * sources: pv-frontends/core/netfront.c pv-frontends/core/netqueue.c
 * sources: pv-frontends/core/xenbus.c pv-frontends/core/xbstate.c
 * sources: pv-frontends/core/store.c pv-frontends/core/wire.c
 * sources: pv-frontends/core/text.c pv-frontends/core/evtchn.c
 * sources: pv-frontends/core/gnt.c pv-frontends/core/control.c
 * sources: tests/unit/pv-frontends/shim-fake.c
 * sources: tests/unit/pv-frontends/net-fake.c
 * sources: tests/unit/pv-frontends/tcp-peer.c
 * sources: $(tcp-src) $(lwip-src)
 */
#include "tests/unit/pv-frontends/tcp-peer.h"

#include "pv-frontends/core/control.h"
#include "pv-frontends/core/gnt.h"
#include "pv-frontends/core/store.h"
#include "pv-frontends/guest/ip.h"
#include "pv-frontends/guest/program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TURNS_MAX = 400000, MAX_PEERS = 24 };

static struct net_fake host;
static struct peer peers[MAX_PEERS];
static struct peer_net net = {
    .fake = &host,
    .peers = peers,
    .guest_mac = {0, 0x16, 0x3e, 0x0a, 0x0b, 0x0c},
    .mac = {2, 0, 0, 0, 0, 1},
    .guest_ip = {10, 9, 0, 2},
    .ip = {10, 9, 0, 1},
};
static char last_line[512];
static unsigned int nr_turns, nr_wrong;
static bool no_checksums;
/* Of a test: what else happens in a turn; whether it is over. */
static void (*in_turn)(void);
static bool (*is_over)(void);

/* ---- the guest around the program -----------------------------------------
 */

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(last_line, sizeof(last_line), fmt, ap);
    va_end(ap);
}

int program_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(last_line, sizeof(last_line), fmt, ap);
    va_end(ap);
    return -1;
}

int program_store(void)
{
    return store_init();
}

int program_device(const char *type, unsigned int *devid)
{
    *devid = 0;
    return strcmp(type, "vif") ? -1 : 0;
}

bool option_text(const char *key, char *value, size_t size)
{
    (void)key, (void)value, (void)size;
    return false;
}

bool option_address(const char *key, uint8_t address[4])
{
    (void)key, (void)address;
    return false;
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
    return no_checksums && !strcmp(key, "checksums") ? 0 : otherwise;
}

uint64_t memory_pages_free(void)
{
    return 0;
}

int guest_suspend(struct xbdev *dev)
{
    (void)dev;
    return -1;
}

/* ---- a test ---------------------------------------------------------------
 */

#define expect(what)                                                           \
    do {                                                                       \
        if (!(what)) {                                                         \
            nr_wrong++;                                                        \
            fprintf(stderr, "%s:%d: not %s\n", __func__, __LINE__, #what);     \
        }                                                                      \
    } while (0)

static uint8_t byte_of(const struct peer *p, uint32_t at)
{
    return (uint8_t)(at * 7 + at / 256 + p->port);
}

static uint8_t byte_of_source(const struct peer *p, uint32_t at)
{
    (void)p;
    return (uint8_t)(at % 251);
}

static void turn(void)
{
    if (++nr_turns > TURNS_MAX) {
        fprintf(stderr, "no end\n");
        for (unsigned int i = 0; i < net.nr_peers; i++)
            fprintf(stderr, "%u: state %d got %u acked %u of %u\n", i,
                    peers[i].state, peers[i].got, peers[i].acked,
                    peers[i].to_send);
        _exit(1);
    }
    if (in_turn)
        in_turn();
    /* A datagram may be lost; it is said until it is heard. */
    if (host.connected && nr_turns > 20 && is_over() && !(nr_turns % 16))
        peers_datagram(9, "end", 3);
    peers_turn();
    net_turn(&host);
}

static void peer_add(uint16_t to, uint32_t to_send, uint32_t to_get,
                     unsigned int largest)
{
    peers[net.nr_peers] = (struct peer){
        .port = (uint16_t)(5000 + net.nr_peers),
        .to = to,
        .to_send = to_send,
        .to_get = to_get,
        .largest = largest,
        .sends = byte_of,
        .gets = to == 19 ? byte_of_source : byte_of,
    };
    net.nr_peers++;
}

static bool all_are_done(void)
{
    return peers_are_done(&net);
}

static void serve(void)
{
    fake_reset();
    if (store_init() || gnt_init(8))
        abort();
    store_timeout(0);
    host.max_queues = 1;
    net_begin(&host);
    peers_begin(&net);
    fake_on_wait = turn;
    is_over = is_over ? is_over : all_are_done;
    expect(run_tcp_echo() == 0);
    expect(!strncmp(last_line, "TINY tcp-echo ok", 16));
    expect(net.nr_bad_sums == 0);
    for (unsigned int i = 0; i < net.nr_peers; i++)
        expect(peers[i].nr_bad == 0);
}

static void expect_all_ended(void)
{
    for (unsigned int i = 0; i < net.nr_peers; i++) {
        expect(peers[i].state == PEER_ENDED);
        expect(peers[i].got >= peers[i].to_get);
        expect(peers[i].acked == peers[i].to_send);
    }
}

static void in_a_process(void (*test)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (!pid) {
        /* cmocka's would go on with the next test, in here. */
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGILL, SIG_DFL);
        host.sg = true;
        test();
        if (nr_wrong)
            fprintf(stderr, "last: %s", last_line);
        _exit(nr_wrong != 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- the tests ------------------------------------------------------------
 */

static void echo_many(void)
{
    static const unsigned int sizes[] = {1460, 20000, 700, 60000};

    for (unsigned int i = 0; i < 16; i++)
        peer_add(7, 200000 + i * 1111, 200000 + i * 1111, sizes[i % 4]);
    peers[3].to_send = peers[3].to_get = 3000;
    peers[3].largest = 1;
    serve();
    expect_all_ended();
    expect(net.nr_blank > 0);
    expect(net.nr_large > 0);
    expect(ip_counts()->nr_large == net.nr_large);
}

static void test_what_many_streams_send_comes_back(void **state)
{
    (void)state;
    in_a_process(echo_many);
}

static void lossy(void)
{
    net.lose_every = 23;
    for (unsigned int i = 0; i < 4; i++)
        peer_add(7, 100000, 100000, i % 2 ? 1460 : 9000);
    serve();
    expect_all_ended();
    expect(net.nr_lost > 10);
}

static void test_lost_frames_are_sent_again(void **state)
{
    (void)state;
    in_a_process(lossy);
}

static void kill_backend(void)
{
    if (nr_turns == 30 || nr_turns == 60 || nr_turns == 61)
        net_restart(&host);
}

static void restarts(void)
{
    in_turn = kill_backend;
    for (unsigned int i = 0; i < 8; i++)
        peer_add(7, 3000000, 3000000, 20000);
    serve();
    expect_all_ended();
    expect(ip_card()->dev.nr_connects >= 3);
}

static void test_streams_outlive_their_backend(void **state)
{
    (void)state;
    in_a_process(restarts);
}

static void plain_card(void)
{
    no_checksums = true;
    host.sg = false;
    host.no_tso = true;
    for (unsigned int i = 0; i < 4; i++)
        peer_add(7, 100000, 100000, 1460);
    peer_add(19, 0, 100000, 1460);
    serve();
    expect_all_ended();
    expect(net.nr_blank == 0);
    expect(net.nr_large == 0);
    expect(host.nr_slots == host.nr_frames);
}

static void test_a_card_that_can_nothing_will_do(void **state)
{
    (void)state;
    in_a_process(plain_card);
}

static void one_way(void)
{
    peer_add(9, 2000000, 0, 30000);
    peer_add(19, 0, 2000000, 1460);
    peer_add(19, 0, 1, 1460);
    serve();
    expect_all_ended();
    expect(strstr(last_line, "discarded=2000000") != NULL);
    expect(strstr(last_line, "echoed=0") != NULL);
}

static void test_discard_takes_and_source_gives(void **state)
{
    (void)state;
    in_a_process(one_way);
}

static bool takers_are_done(void)
{
    for (unsigned int i = 12; i < net.nr_peers; i++)
        if (peers[i].state != PEER_ENDED)
            return false;
    return true;
}

/* Twelve that send and take nothing: they get what is theirs and no more. */
static void stalled(void)
{
    is_over = takers_are_done;
    for (unsigned int i = 0; i < 12; i++) {
        peer_add(i % 2 ? 7 : 19, i % 2 ? 400000 : 0, 400000, 1 + i * 200);
        peers[i].stalled = true;
    }
    for (unsigned int i = 0; i < 4; i++)
        peer_add(7, 300000, 300000, 1460);
    serve();
    for (unsigned int i = 12; i < net.nr_peers; i++)
        expect(peers[i].state == PEER_ENDED && peers[i].got == 300000);
    for (unsigned int i = 1; i < 12; i += 2)
        expect(peers[i].acked < 200000);
}

static void test_who_takes_nothing_holds_up_nobody(void **state)
{
    (void)state;
    in_a_process(stalled);
}

static bool four_are_refused(void)
{
    unsigned int nr = 0;

    for (unsigned int i = 0; i < net.nr_peers; i++)
        nr += peers[i].state == PEER_RESET;
    return nr == 4;
}

/* Sixteen that stay. */
static void too_many(void)
{
    is_over = four_are_refused;
    for (unsigned int i = 0; i < 20; i++) {
        peer_add(7, 400000, 400000, 1460);
        peers[i].stalled = true;
    }
    serve();
    expect(strstr(last_line, "streams=16 refused=4") != NULL);
}

static void test_more_streams_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    in_a_process(too_many);
}

/* Frames like ours but for a few bytes, cut anywhere. */
static void send_nonsense(void)
{
    static uint32_t random = 1;
    uint8_t frame[120] = {0, 0x16, 0x3e, 0x0a, 0x0b, 0x0c, 2,   0,
                          0, 0,    0,    1,    8,    0,    0x45};

    if (nr_turns > 20000 || !host.connected)
        return;
    memcpy(frame + 26, net.ip, 4);
    memcpy(frame + 30, net.guest_ip, 4);
    for (unsigned int i = 0; i < 40; i++) {
        random = random * 1664525 + 1013904223;
        frame[(i < 3 ? 12 : 16) + (random >> 8) % 90] = (uint8_t)(random >> 24);
        if (random >> 31)
            frame[23] = (random >> 20) % 3 ? 6 : 17;
    }
    peers_raw(frame, 1 + (random >> 10) % sizeof(frame));
    if (nr_turns % 100 == 0)
        peers_ping();
}

static bool nonsense_is_over(void)
{
    return nr_turns > 20000 && all_are_done();
}

static void nonsense(void)
{
    in_turn = send_nonsense;
    is_over = nonsense_is_over;
    peer_add(7, 100000, 100000, 1460);
    serve();
    expect_all_ended();
    expect(net.nr_pongs > 150);
}

static void test_nonsense_is_dropped(void **state)
{
    (void)state;
    in_a_process(nonsense);
}

static void send_datagrams(void)
{
    static const char text[1400] = "there and back";

    if (host.connected && nr_turns % 50 == 49)
        peers_datagram(7, text, nr_turns % sizeof(text));
}

static bool five_came(void)
{
    return net.nr_datagrams >= 5;
}

static void datagrams(void)
{
    in_turn = send_datagrams;
    is_over = five_came;
    serve();
}

static void test_datagrams_come_back(void **state)
{
    (void)state;
    in_a_process(datagrams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_many_streams_send_comes_back),
        cmocka_unit_test(test_lost_frames_are_sent_again),
        cmocka_unit_test(test_streams_outlive_their_backend),
        cmocka_unit_test(test_a_card_that_can_nothing_will_do),
        cmocka_unit_test(test_discard_takes_and_source_gives),
        cmocka_unit_test(test_who_takes_nothing_holds_up_nobody),
        cmocka_unit_test(test_more_streams_than_there_is_room_for_are_refused),
        cmocka_unit_test(test_nonsense_is_dropped),
        cmocka_unit_test(test_datagrams_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
