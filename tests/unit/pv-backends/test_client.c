/*
 * Somebody at a console who reads slowly loses bytes and is told how many; what
 * is typed waits while the guest does not take it.
 *
 * sources: pv-backends/console/client.c
 * libs: -levent_core
 */
#include "pv-backends/console/client.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct {
    struct event_base *base;
    struct client_list list;
    struct client *client;
    int far;
    char got[4096];
    size_t nr_got, room;
} w;

static size_t typed(void *arg, const char *buf, size_t n)
{
    (void)arg;
    if (n > w.room)
        n = w.room;
    memcpy(w.got + w.nr_got, buf, n);
    w.nr_got += n;
    w.room -= n;
    return n;
}

static void run(void)
{
    struct timeval tv = {0, 20000};

    event_base_loopexit(w.base, &tv);
    event_base_dispatch(w.base);
}

static int setup(void **state)
{
    int pair[2];

    (void)state;
    memset(&w, 0, sizeof(w));
    LIST_INIT(&w.list);
    w.base = event_base_new();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    w.far = pair[1];
    w.client = client_new(&w.list, w.base, pair[0], false, typed, NULL);
    assert_non_null(w.client);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (w.client)
        client_free(w.client);
    if (w.far >= 0)
        close(w.far);
    event_base_free(w.base);
    return 0;
}

static void test_typing_waits_for_the_guest(void **state)
{
    char text[3000];

    (void)state;
    memset(text, 'k', sizeof(text));
    w.room = 100;
    assert_int_equal(write(w.far, text, sizeof(text)), sizeof(text));
    run();
    assert_int_equal(w.nr_got, 100);
    w.room = 4000;
    client_resume(w.client);
    run();
    assert_int_equal(w.nr_got, 3000);
}

static void test_slow_reader_is_told_what_it_lost(void **state)
{
    static char block[64 << 10], all[1 << 20];
    size_t n = 0;

    (void)state;
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 16; i++)
        client_write(w.client, block, sizeof(block));
    assert_true(w.client->lost_bytes > 0);
    for (int i = 0; i < 50; i++) {
        ssize_t r;

        run();
        r = recv(w.far, all + n, sizeof(all) - n, MSG_DONTWAIT);
        if (r > 0)
            n += r;
    }
    client_write(w.client, "end", 3);
    run();
    n += recv(w.far, all + n, sizeof(all) - n, MSG_DONTWAIT);
    all[n] = 0;
    assert_non_null(strstr(all, "bytes lost]\r\nend"));
}

static void test_hang_up_is_noticed(void **state)
{
    (void)state;
    close(w.far);
    w.far = -1;
    run();
    assert_true(LIST_EMPTY(&w.list));
    w.client = NULL;
}

static void test_last_words_reach_a_reader(void **state)
{
    char buf[64];

    (void)state;
    client_write(w.client, "bye", 3);
    client_finish(w.client);
    w.client = NULL;
    run();
    assert_int_equal(read(w.far, buf, sizeof(buf)), 3);
    assert_int_equal(read(w.far, buf, sizeof(buf)), 0);
}

#define CLIENT_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_typing_waits_for_the_guest),
        CLIENT_TEST(test_slow_reader_is_told_what_it_lost),
        CLIENT_TEST(test_hang_up_is_noticed),
        CLIENT_TEST(test_last_words_reach_a_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
