/*
 * A descriptor comes from one process to another that could not open it, alone
 * and of its own; refusals come with their words; nonsense from either side is
 * an error and leaves nothing open.
 *
 * sources: dom0/libs/opener/opener.c
 * libs: -lpthread
 */
#include "dom0/libs/opener/opener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct {
    char path[64];
    int listener;
    int (*serve)(int sock);
    pthread_t thread;
    struct opener_request seen;
} w;

static void *server(void *arg)
{
    int sock = accept(w.listener, NULL, NULL);

    (void)arg;
    if (sock >= 0) {
        w.serve(sock);
        close(sock);
    }
    return NULL;
}

static int setup(void **state)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    (void)state;
    snprintf(w.path, sizeof(w.path), "/tmp/pv-opener-%d", getpid());
    unlink(w.path);
    strcpy(addr.sun_path, w.path);
    w.listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(bind(w.listener, (struct sockaddr *)&addr, sizeof(addr)),
                     0);
    assert_int_equal(listen(w.listener, 4), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(w.listener);
    unlink(w.path);
    return 0;
}

static unsigned int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned int n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static int ask(int (*serve)(int sock), int *fd, char *why)
{
    const struct opener_request rq = {
        .domid = 3, .devid = 51712, .path = "/an/image"};
    unsigned int before = open_files();
    int rc;

    *fd = -1;
    w.serve = serve;
    assert_int_equal(pthread_create(&w.thread, NULL, server, NULL), 0);
    rc = opener_ask(w.path, &rq, fd, why);
    pthread_join(w.thread, NULL);
    assert_int_equal(open_files(), before + !rc);
    return rc;
}

static int gives(int sock)
{
    int fd = open("/proc/self/exe", O_RDONLY);

    if (!opener_receive(sock, &w.seen))
        opener_answer(sock, 0, fd, "");
    return close(fd);
}

static void test_a_descriptor_comes(void **state)
{
    char why[OPENER_WHY], byte;
    int fd;

    (void)state;
    assert_int_equal(ask(gives, &fd, why), 0);
    assert_int_equal(w.seen.domid, 3);
    assert_int_equal(w.seen.devid, 51712);
    assert_string_equal(w.seen.path, "/an/image");
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static int refuses(int sock)
{
    opener_receive(sock, &w.seen);
    return opener_answer(sock, -EACCES, -1, "not that one");
}

static void test_a_refusal_comes_with_its_words(void **state)
{
    char why[OPENER_WHY];
    int fd;

    (void)state;
    assert_int_equal(ask(refuses, &fd, why), -EACCES);
    assert_string_equal(why, "not that one");
}

static int hangs_up(int sock)
{
    return opener_receive(sock, &w.seen);
}

static int babbles(int sock)
{
    return send(sock, "hello", 5, 0) < 0;
}

/* Success without what it should bring. */
static int forgets(int sock)
{
    char empty[sizeof(int32_t) + OPENER_WHY] = {0};

    return send(sock, empty, sizeof(empty), 0) < 0;
}

static int is_silent(int sock)
{
    (void)sock;
    sleep(2);
    return 0;
}

static void test_nonsense_is_nobody_there(void **state)
{
    char why[OPENER_WHY];
    int fd;

    (void)state;
    assert_int_equal(ask(hangs_up, &fd, why), -EBUSY);
    assert_int_equal(ask(babbles, &fd, why), -EBUSY);
    assert_int_equal(ask(forgets, &fd, why), -EBUSY);
    assert_int_equal(ask(is_silent, &fd, why), -EBUSY);
    close(w.listener);
    unlink(w.path);
    assert_int_equal(opener_ask(w.path, &(struct opener_request){0}, &fd, why),
                     -EBUSY);
    assert_non_null(strstr(why, "nobody"));
}

static void test_bad_questions(void **state)
{
    struct opener_request rq;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(send(pair[0], "?", 1, 0), 1);
    assert_int_equal(opener_receive(pair[1], &rq), -EPROTO);
    memset(&rq, 'x', sizeof(rq)); /* a path without an end */
    assert_int_equal(send(pair[0], &rq, sizeof(rq), 0), sizeof(rq));
    assert_int_equal(opener_receive(pair[1], &rq), -EPROTO);
    close(pair[0]);
    assert_true(opener_receive(pair[1], &rq) < 0);
    assert_true(opener_answer(pair[1], -EIO, -1, "") < 0);
    close(pair[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_descriptor_comes),
        TEST(test_a_refusal_comes_with_its_words),
        TEST(test_nonsense_is_nobody_there),
        TEST(test_bad_questions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
