/*
 * A client's socket that outlives the daemon: killed between any two of
 * reading, storing and sending, the next one answers each request once.
 * sources: $(xs-core-src) xenstore/transport/conn.c xenstore/daemon/held.c
 */
#include "tests/unit/xenstore/world.h"
#include "xenstore/daemon/held.h"

#include <sys/socket.h>
#include <unistd.h>

#define KEY 5

static char file[64];
static struct world w;
static struct held *held;
static struct client *c;
static struct buf kept; /* the journal */
static int ours, theirs;

static void keep(void)
{
    size_t len;
    const char *records = store_records(w.s, &len);

    buf_append(&kept, records, len);
    store_records_taken(w.s);
}

static int setup(void **state)
{
    int fd[2];

    (void)state;
    strcpy(file, "/tmp/test-held-XXXXXX");
    close(mkstemp(file));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd),
                     0);
    ours = fd[0];
    theirs = fd[1];
    world_init(&w);
    journal_snapshot(w.s, &kept);
    store_journal(w.s, true);
    assert_int_equal(held_open(&held, file), 0);
    c = client_open_held(w.s, KEY);
    held_begin(held, c);
    keep();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_journal(w.s, false);
    world_done(&w);
    held_close(held);
    buf_free(&kept);
    close(ours);
    close(theirs);
    return unlink(file);
}

/* What was not kept is lost; the socket and the table are not. */
static void kill_and_restart(void)
{
    const char *why;
    size_t at;

    store_journal(w.s, false);
    store_destroy(w.s);
    held_close(held);
    world_init(&w);
    assert_int_equal(
        journal_replay(w.s, buf_head(&kept), buf_len(&kept), &why, &at), 0);
    store_journal(w.s, true);
    assert_int_equal(held_open(&held, file), 0);
    for (c = store_next_client(w.s, NULL); c && client_key(c) != KEY;
         c = store_next_client(w.s, c))
        ;
    assert_non_null(c);
}

static void say(uint32_t id, const char *payload, size_t len)
{
    struct xsd_sockmsg msg = {XS_WRITE, id, 0, (uint32_t)len};
    char buf[4200];

    memcpy(buf, &msg, sizeof(msg));
    memcpy(buf + sizeof(msg), payload, len);
    assert_int_equal(write(theirs, buf, sizeof(msg) + len), sizeof(msg) + len);
}

/* The number of the reply that comes next, or 0. */
static uint32_t heard(void)
{
    struct {
        struct xsd_sockmsg msg;
        char ok[3];
    } __attribute__((packed)) reply;
    ssize_t n = read(theirs, &reply, sizeof(reply));

    if (n < 0)
        return 0;
    assert_int_equal(n, sizeof(reply));
    assert_string_equal(reply.ok, "OK");
    return reply.msg.req_id;
}

static void test_read_and_not_stored(void **state)
{
    (void)state;
    say(1, "/a\0x", 4);
    assert_int_equal(held_readable(held, c, ours), 0);
    kill_and_restart();
    EQ(do_read(client_open(w.s), 0, "/a"), "E:ENOENT");
    assert_int_equal(held_resume(held, c), 0);
    EQ(do_read(client_open(w.s), 0, "/a"), "x");
    /* And killed before that was stored, once more. */
    kill_and_restart();
    assert_int_equal(held_resume(held, c), 0);
    keep();
    assert_int_equal(held_flush(held, c, ours), 0);
    assert_int_equal(heard(), 1);
    kill_and_restart();
    assert_int_equal(held_resume(held, c), 0);
    assert_int_equal(held_flush(held, c, ours), 0);
    assert_int_equal(heard(), 0);
}

static void test_stored_and_not_sent(void **state)
{
    (void)state;
    say(1, "/a\0x", 4);
    assert_int_equal(held_readable(held, c, ours), 0);
    keep();
    kill_and_restart();
    assert_int_equal(held_resume(held, c), 0);
    assert_int_equal(held_flush(held, c, ours), 0);
    assert_int_equal(heard(), 1);
    assert_int_equal(heard(), 0);
}

static void test_half_a_message(void **state)
{
    (void)state;
    say(1, "/a\0x", 4);
    assert_int_equal(write(theirs, "\13\0\0", 3), 3);
    assert_int_equal(held_readable(held, c, ours), 0);
    kill_and_restart();
    assert_int_equal(held_resume(held, c), 0);
    keep();
    assert_int_equal(write(theirs, "\0\2\0\0\0\0\0\0\0\4\0\0\0/b\0y", 17), 17);
    assert_int_equal(held_readable(held, c, ours), 0);
    keep();
    assert_int_equal(held_flush(held, c, ours), 0);
    assert_int_equal(heard(), 1);
    assert_int_equal(heard(), 2);
}

static void test_a_socket_that_is_full(void **state)
{
    unsigned int sent = 0, i;

    (void)state;
    for (i = 1; i <= 20000; i++) {
        say(i, "/a\0x", 4);
        assert_int_equal(held_readable(held, c, ours), 0);
        keep();
        if (held_flush(held, c, ours) == -EAGAIN)
            break;
    }
    assert_true(i < 20000);
    while (sent < i) {
        kill_and_restart();
        assert_int_equal(held_resume(held, c), 0);
        held_flush(held, c, ours);
        while (heard())
            sent++;
    }
    assert_int_equal(sent, i);
}

/* The last bytes read were those of the key's former owner. */
static void test_a_key_used_again(void **state)
{
    (void)state;
    say(1, "/a\0x", 4);
    assert_int_equal(held_readable(held, c, ours), 0);
    client_close(c);
    keep();
    c = client_open_held(w.s, KEY);
    held_begin(held, c);
    keep();
    kill_and_restart();
    assert_int_equal(held_resume(held, c), 0);
    assert_int_equal(held_flush(held, c, ours), 0);
    assert_int_equal(heard(), 0);
}

/* After --recover the journal may know less than the client was told. */
static void test_out_of_step(void **state)
{
    size_t before = buf_len(&kept);

    (void)state;
    say(1, "/a\0x", 4);
    assert_int_equal(held_readable(held, c, ours), 0);
    keep();
    assert_int_equal(held_flush(held, c, ours), 0);
    kept.end = kept.start + before;
    kill_and_restart();
    assert_int_equal(held_resume(held, c), -EPIPE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_read_and_not_stored), T(test_stored_and_not_sent),
        T(test_half_a_message),      T(test_a_socket_that_is_full),
        T(test_a_key_used_again),    T(test_out_of_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
