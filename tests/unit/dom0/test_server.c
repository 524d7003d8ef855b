/*
 * The control socket: lines in and out, limits on what a client may have us
 * hold, and clients that misbehave hurt only themselves.
 *
 * sources: dom0/daemon/server.c dom0/daemon/rpc.c
 * sources: dom0/daemon/fault.c dom0/daemon/log.c
 * libs: -levent -ljansson
 */
#include "dom0/daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct world {
    struct event_base *base;
    struct server *s;
    char path[64];
    uint64_t client; /* of the last request */
    json_int_t id;
    char method[40];
    unsigned requests;
    bool answer; /* at once */
};

static void on_request(void *ctx, uint64_t client, struct rpc_request *req)
{
    struct world *w = ctx;

    w->client = client;
    w->id = req->id;
    snprintf(w->method, sizeof(w->method), "%s", req->method);
    w->requests++;
    if (w->answer)
        server_send(w->s, client, rpc_result(req->id, NULL), true);
    rpc_release(req);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    snprintf(w->path, sizeof(w->path), "/tmp/pv-server-%d", (int)getpid());
    w->base = event_base_new();
    w->answer = true;
    assert_int_equal(
        server_open(&w->s, w->base, w->path, getgid(), on_request, w), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    server_close(w->s);
    event_base_free(w->base);
    assert_int_equal(access(w->path, F_OK), -1);
    free(w);
    return 0;
}

static void run(struct world *w)
{
    struct timeval tv = {0, 20000};

    event_base_loopexit(w->base, &tv);
    event_base_dispatch(w->base);
}

static int dial(struct world *w)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(a.sun_path, w->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* What has come, as text; "EOF" when it was closed. */
static const char *hear(struct world *w, int fd)
{
    static char text[8192];
    ssize_t n;

    run(w);
    n = read(fd, text, sizeof(text) - 1);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return "EOF";
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void test_request_is_answered(void **state)
{
    struct world *w = *state;
    int fd = dial(w);

    say(fd, "{\"id\":4,\"met");
    assert_string_equal(hear(w, fd), "");
    say(fd, "hod\":\"list\"}\n");
    assert_string_equal(hear(w, fd), "{\"id\":4,\"result\":{}}\n");
    assert_string_equal(w->method, "list");
    close(fd);
    run(w);
}

static void test_socket_is_for_owner_and_group(void **state)
{
    struct world *w = *state;
    struct stat st;

    assert_int_equal(stat(w->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void test_nonsense_is_refused_and_the_connection_lives(void **state)
{
    struct world *w = *state;
    int fd = dial(w);

    say(fd, "nonsense\n{\"id\":1,\"method\":\"a\"}\n");
    assert_non_null(strstr(hear(w, fd), "\"result\":{}"));
    assert_int_equal(w->requests, 1);
    close(fd);
    run(w);
}

static void test_endless_line_ends_the_connection(void **state)
{
    struct world *w = *state;
    char block[65536];
    int fd = dial(w), i;
    const char *answer = "";

    memset(block, 'x', sizeof(block));
    for (i = 0; i < 200; i++) {
        if (write(fd, block, sizeof(block)) < 0 && errno != EAGAIN)
            break;
        answer = hear(w, fd);
        if (*answer)
            break;
    }
    assert_non_null(strstr(answer, "longer than"));
    assert_string_equal(hear(w, fd), "EOF");
    assert_int_equal(w->requests, 0);
    close(fd);
}

static void test_too_many_unanswered_requests_are_refused(void **state)
{
    struct world *w = *state;
    int fd = dial(w), i;

    w->answer = false;
    for (i = 0; i < 17; i++)
        say(fd, "{\"id\":9,\"method\":\"a\"}\n");
    assert_non_null(strstr(hear(w, fd), "\"code\":\"busy\""));
    assert_int_equal(w->requests, 16);
    server_send(w->s, w->client, rpc_result(9, NULL), true);
    hear(w, fd);
    say(fd, "{\"id\":10,\"method\":\"a\"}\n");
    run(w);
    assert_int_equal(w->requests, 17);
    close(fd);
    run(w);
}

static void test_answer_to_a_client_that_left_is_dropped(void **state)
{
    struct world *w = *state;
    int fd = dial(w);

    w->answer = false;
    say(fd, "{\"id\":9,\"method\":\"a\"}\n");
    run(w);
    close(fd);
    run(w);
    server_send(w->s, w->client, rpc_progress(9, "x"), false);
    run(w);
    server_send(w->s, w->client, rpc_result(9, NULL), true);
    run(w);
    server_send(w->s, 12345, rpc_result(9, NULL), true);
}

static void test_half_closed_client_still_gets_its_answer(void **state)
{
    struct world *w = *state;
    int fd = dial(w);

    w->answer = false;
    say(fd, "{\"id\":9,\"method\":\"a\"}\n");
    shutdown(fd, SHUT_WR);
    run(w);
    server_send(w->s, w->client, rpc_result(9, NULL), true);
    assert_string_equal(hear(w, fd), "{\"id\":9,\"result\":{}}\n");
    assert_string_equal(hear(w, fd), "EOF");
    close(fd);
}

static void test_client_that_never_reads_is_dropped(void **state)
{
    struct world *w = *state;
    struct fault f = {"failed", ""};
    int fd = dial(w), i;

    memset(f.text, 'x', sizeof(f.text) - 1);
    say(fd, "{\"id\":9,\"method\":\"a\"}\n");
    run(w);
    for (i = 0; i < 20000; i++)
        server_send(w->s, w->client, rpc_error(9, &f), false);
    run(w);
    while (read(fd, f.text, sizeof(f.text)) > 0)
        ;
    assert_string_equal(hear(w, fd), "EOF");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_request_is_answered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_socket_is_for_owner_and_group,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_nonsense_is_refused_and_the_connection_lives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless_line_ends_the_connection,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_too_many_unanswered_requests_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_answer_to_a_client_that_left_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_half_closed_client_still_gets_its_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_that_never_reads_is_dropped,
                                        setup, teardown),
    };

    signal(SIGPIPE, SIG_IGN); /* as pvnd does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
