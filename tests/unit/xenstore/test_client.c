/*
 * The client library against the store: a child process serves the real core
 * on a socket.
 * sources: $(xs-core-src) xenstore/transport/conn.c xenstore/transport/socket.c
 * sources: xenstore/client/xs.c xenstore/client/xs-conn.c
 * sources: xenstore/client/xs-watch.c
 */
#include "tests/unit/xenstore/world.h"
#include "xenstore/client/xs.h"
#include "xenstore/transport/socket.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS 4

static char dir[64];
static pid_t server;
static struct xs_handle *h;

static void serve(int listener)
{
    static struct world w;
    struct client *c[CLIENTS];
    struct pollfd p[CLIENTS + 1] = {{.fd = listener, .events = POLLIN}};
    int nr = 0, i;

    world_init(&w);
    for (;;) {
        if (poll(p, (nfds_t)nr + 1, -1) < 0)
            continue;
        if (p[0].revents && nr < CLIENTS) {
            c[nr] = client_open(w.s);
            p[++nr] = (struct pollfd){sock_accept(listener), POLLIN, 0};
        }
        for (i = 1; i <= nr; i++)
            if (p[i].revents && sock_readable(c[i - 1], p[i].fd) == -EPIPE)
                p[i].fd = -1;
        for (i = 1; i <= nr; i++)
            if (p[i].fd >= 0)
                sock_flush(c[i - 1], p[i].fd);
    }
}

static int setup(void **state)
{
    char path[96];
    int listener, pid;

    (void)state;
    strcpy(dir, "/tmp/test-client-XXXXXX");
    assert_non_null(mkdtemp(dir));
    sprintf(path, "%s/socket", dir);
    setenv("XENSTORED_RUNDIR", dir, 1);
    listener = sock_listen(path, &pid);
    assert_true(listener >= 0);
    server = fork();
    if (!server)
        serve(listener);
    close(listener);
    h = xs_open(XS_OPEN_SOCKETONLY);
    assert_non_null(h);
    return 0;
}

static int teardown(void **state)
{
    char path[96];

    (void)state;
    xs_close(h);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    sprintf(path, "%s/socket", dir);
    unlink(path);
    return rmdir(dir);
}

static void test_values_and_errors(void **state)
{
    unsigned int len;
    char *value, big[5000];

    (void)state;
    assert_true(xs_write(h, XBT_NULL, "/a/b", "v\0w", 3));
    value = xs_read(h, XBT_NULL, "/a/b", &len);
    assert_int_equal(len, 3);
    assert_memory_equal(value, "v\0w", 4);
    free(value);
    assert_null(xs_read(h, XBT_NULL, "/none", &len));
    assert_int_equal(errno, ENOENT);
    assert_false(xs_rm(h, XBT_NULL, "/none/none"));
    assert_int_equal(errno, ENOENT);
    memset(big, 'x', sizeof(big));
    assert_false(xs_write(h, XBT_NULL, "/a", big, sizeof(big)));
    assert_int_equal(errno, E2BIG);
    assert_true(xs_mkdir(h, XBT_NULL, "/a")); /* and all is well after that */
}

static void test_directories_of_any_size(void **state)
{
    char path[32], **names;
    unsigned int nr, i;

    (void)state;
    names = xs_directory(h, XBT_NULL, "/tool/xenstored", &nr);
    assert_non_null(names);
    assert_int_equal(nr, 0);
    free(names);
    for (i = 0; i < 2000; i++) {
        sprintf(path, "/big/n%04u", i);
        assert_true(xs_mkdir(h, XBT_NULL, path));
    }
    names = xs_directory(h, XBT_NULL, "/big", &nr);
    assert_non_null(names);
    assert_int_equal(nr, 2000);
    assert_string_equal(names[0], "n0000");
    assert_string_equal(names[1999], "n1999");
    free(names);
}

static void test_permissions(void **state)
{
    struct xs_permissions set[2] = {{0, XS_PERM_NONE}, {5, XS_PERM_READ}}, *got;
    unsigned int nr;

    (void)state;
    assert_true(xs_mkdir(h, XBT_NULL, "/p"));
    assert_true(xs_set_permissions(h, XBT_NULL, "/p", set, 2));
    got = xs_get_permissions(h, XBT_NULL, "/p", &nr);
    assert_int_equal(nr, 2);
    assert_memory_equal(got, set, sizeof(set));
    free(got);
    set[1].perms = 9;
    assert_false(xs_set_permissions(h, XBT_NULL, "/p", set, 2));
    assert_true(xs_strings_to_perms(set, 2, "b3\0w4"));
    assert_int_equal(set[0].perms, XS_PERM_READ | XS_PERM_WRITE);
    assert_false(xs_strings_to_perms(set, 1, "x3"));
}

static void test_transactions(void **state)
{
    struct xs_handle *other = xs_open(0);
    xs_transaction_t t = xs_transaction_start(h);

    (void)state;
    assert_int_not_equal(t, XBT_NULL);
    assert_null(xs_read(h, t, "/t", NULL));
    assert_true(xs_write(other, XBT_NULL, "/t", "1", 1));
    assert_false(xs_transaction_end(h, t, false));
    assert_int_equal(errno, EAGAIN);
    t = xs_transaction_start(h);
    assert_true(xs_write(h, t, "/u", "1", 1));
    assert_true(xs_transaction_end(h, t, true));
    assert_null(xs_read(h, XBT_NULL, "/u", NULL));
    xs_close(other);
}

static bool is_readable(void)
{
    struct pollfd p = {.fd = xs_fileno(h), .events = POLLIN};

    return poll(&p, 1, 100) == 1;
}

/* The descriptor says so while an event waits, wherever it waits. */
static void test_watches_and_their_descriptor(void **state)
{
    char **event;
    unsigned int num;

    (void)state;
    assert_true(xs_watch(h, "/w", "tok"));
    assert_true(is_readable()); /* it came in one piece with the reply */
    event = xs_read_watch(h, &num);
    assert_int_equal(num, 2);
    assert_string_equal(event[XS_WATCH_PATH], "/w");
    assert_string_equal(event[XS_WATCH_TOKEN], "tok");
    free(event);
    assert_null(xs_check_watch(h));
    assert_int_equal(errno, EAGAIN);
    assert_false(is_readable());

    assert_true(xs_write(h, XBT_NULL, "/w/1", "", 0));
    assert_true(xs_write(h, XBT_NULL, "/w/2", "", 0));
    free(xs_read(h, XBT_NULL, "/w/2", NULL)); /* both came in during this */
    assert_true(is_readable());
    event = xs_check_watch(h);
    assert_string_equal(event[XS_WATCH_PATH], "/w/1");
    free(event);
    assert_true(is_readable());
    free(xs_check_watch(h));
    assert_null(xs_check_watch(h));
    assert_false(is_readable());

    assert_true(xs_unwatch(h, "/w", "tok"));
    assert_false(xs_unwatch(h, "/w", "tok"));
    assert_int_equal(errno, ENOENT);
}

static void test_a_lost_daemon(void **state)
{
    (void)state;
    kill(server, SIGKILL);
    assert_false(xs_mkdir(h, XBT_NULL, "/x"));
    assert_int_equal(errno, EIO);
    assert_null(xs_check_watch(h));
    assert_int_equal(errno, EIO);
    assert_null(xs_open(XS_OPEN_SOCKETONLY));
}

static void test_helpers(void **state)
{
    char *text;

    (void)state;
    text = xs_get_domain_path(h, 7);
    assert_string_equal(text, "/local/domain/7");
    free(text);
    assert_true(xs_is_domain_introduced(h, 0));
    assert_false(xs_is_domain_introduced(h, 7));
    assert_true(xs_introduce_domain(h, 7, 1, 2));
    assert_true(xs_is_domain_introduced(h, 7));
    assert_true(xs_resume_domain(h, 7));
    assert_true(xs_release_domain(h, 7));
    text = xs_control_command(h, "check", NULL, 0);
    assert_string_equal(text, "OK");
    free(text);
    assert_true(xs_path_is_subpath("/a", "/a/b"));
    assert_true(xs_path_is_subpath("/", "/a"));
    assert_false(xs_path_is_subpath("/a", "/ab"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_values_and_errors),
        T(test_directories_of_any_size),
        T(test_permissions),
        T(test_transactions),
        T(test_watches_and_their_descriptor),
        T(test_a_lost_daemon),
        T(test_helpers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
