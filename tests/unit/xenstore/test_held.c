/*
 * A client's socket that outlives the daemon: killed between any two of
 * reading, storing and sending, the next one answers each request once.
 * sources: $(xs-core-src) xenstore/transport/conn.c
 */
#include "tests/unit/xenstore/world.h"
#include "xenstore/daemon/held.c" /* for a look into its table */

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

static void send_message(uint32_t type, uint32_t id, const char *payload,
                         size_t len)
{
    struct xsd_sockmsg msg = {type, id, 0, (uint32_t)len};
    char buf[4200];

    memcpy(buf, &msg, sizeof(msg));
    memcpy(buf + sizeof(msg), payload, len);
    assert_int_equal(write(theirs, buf, sizeof(msg) + len), sizeof(msg) + len);
}

static void say(uint32_t id, const char *payload, size_t len)
{
    send_message(XS_WRITE, id, payload, len);
}

/* Ask what is at /a. */
static void ask_a(uint32_t id)
{
    send_message(XS_READ, id, "/a", 3);
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

/* What the answer to ask_a() says, of one letter: 0 when there is none. */
static char heard_a(uint32_t id)
{
    struct {
        struct xsd_sockmsg msg;
        char value;
    } __attribute__((packed)) reply;
    ssize_t n = read(theirs, &reply, sizeof(reply));

    if (n < 0)
        return 0;
    assert_int_equal(n, sizeof(reply));
    assert_int_equal(reply.msg.req_id, id);
    return reply.value;
}

static size_t nr_records(void)
{
    size_t len;

    store_records(w.s, &len);
    return len;
}

/* /a is "x", and the journal knows it. */
static void make_a(void)
{
    do_write(client_open(w.s), 0, "/a", "x");
    keep();
}

static void turn(void)
{
    assert_int_equal(held_readable(held, c, ours), 0);
    keep();
    assert_int_equal(held_flush(held, c, ours), 0);
    keep();
}

static void resume(void)
{
    kill_and_restart();
    assert_int_equal(held_resume(held, c), 0);
    keep();
    assert_int_equal(held_flush(held, c, ours), 0);
}

static void test_questions_leave_no_record(void **state)
{
    uint32_t i;

    (void)state;
    make_a();
    for (i = 1; i < 5; i++) {
        ask_a(i);
        assert_int_equal(held_readable(held, c, ours), 0);
        assert_int_equal(nr_records(), 0);
        assert_int_equal(held_flush(held, c, ours), 0);
        assert_int_equal(heard_a(i), 'x');
        if (i % 2)
            resume();
        assert_int_equal(heard_a(i), 0);
    }
    /* The journal catches up with the next change, killed before and after. */
    say(5, "/a\0y", 4);
    assert_int_equal(held_readable(held, c, ours), 0);
    resume();
    assert_int_equal(heard(), 5);
    resume();
    assert_int_equal(heard(), 0);
    ask_a(6);
    turn();
    assert_int_equal(heard_a(6), 'y');
}

static void test_a_question_not_answered(void **state)
{
    (void)state;
    make_a();
    ask_a(1);
    turn();
    assert_int_equal(heard_a(1), 'x');
    ask_a(2);
    assert_int_equal(held_readable(held, c, ours), 0);
    resume();
    assert_int_equal(heard_a(2), 'x');
    assert_int_equal(heard_a(2), 0);
    resume();
    assert_int_equal(heard_a(2), 0);
}

/* Killed as the system call ended that read: the table did not hear of it. */
static void test_killed_as_the_read_ended(void **state)
{
    struct client *other;
    uint32_t before;
    int fd[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd),
                     0);
    other = client_open_held(w.s, KEY + 1);
    held_begin(held, other);
    keep();
    before = held->table->slot[KEY].taken;
    say(1, "/a\0x", 4);
    assert_int_equal(held_readable(held, c, ours), 0);
    held->table->slot[KEY].taken = before;
    resume();
    assert_int_equal(heard(), 1);
    /* Another reads, and the table has no more of what was read then. */
    for (other = store_next_client(w.s, NULL); client_key(other) != KEY + 1;)
        other = store_next_client(w.s, other);
    assert_int_equal(write(fd[1], "\2\0\0", 3), 3);
    assert_int_equal(held_readable(held, other, fd[0]), 0);
    keep();
    resume();
    assert_int_equal(heard(), 0);
    say(2, "/a\0x", 4);
    turn();
    assert_int_equal(heard(), 2);
    close(fd[0]);
    close(fd[1]);
}

/* What has begun to come in is in the journal, and so is what came before. */
static void test_a_question_and_half_another(void **state)
{
    struct xsd_sockmsg msg = {XS_READ, 2, 0, 3};

    (void)state;
    make_a();
    ask_a(1);
    assert_int_equal(write(theirs, &msg, 10), 10);
    assert_int_equal(held_readable(held, c, ours), 0);
    assert_true(nr_records() > 0);
    keep();
    resume();
    assert_int_equal(heard_a(1), 'x');
    assert_int_equal(write(theirs, (char *)&msg + 10, sizeof(msg) - 10),
                     sizeof(msg) - 10);
    turn();
    assert_int_equal(write(theirs, "/a", 3), 3);
    turn();
    assert_int_equal(heard_a(2), 'x');
    resume();
    assert_int_equal(heard_a(2), 0);
}

/* Others' turns are in the table meanwhile. */
static void test_another_asks(void **state)
{
    struct client *other = client_open_held(w.s, KEY + 1);
    int fd[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd),
                     0);
    held_begin(held, other);
    make_a();
    ask_a(1);
    turn();
    assert_int_equal(write(fd[1], "\2\0\0", 3), 3);
    assert_int_equal(held_readable(held, other, fd[0]), 0);
    keep();
    assert_int_equal(heard_a(1), 'x');
    resume();
    assert_int_equal(heard_a(1), 0);
    ask_a(2);
    turn();
    assert_int_equal(heard_a(2), 'x');
    resume();
    assert_int_equal(heard_a(2), 0);
    close(fd[0]);
    close(fd[1]);
}

/* An event for one whose answers left no record. */
static void test_an_event_after_questions(void **state)
{
    struct xsd_sockmsg event;
    char rest[64];

    (void)state;
    make_a();
    EQ(ask(c, XS_WATCH, 0, "/a\0t", 5)->data, "OK");
    keep();
    assert_int_equal(held_flush(held, c, ours), 0);
    while (read(theirs, rest, sizeof(rest)) > 0)
        ;
    ask_a(1);
    turn();
    assert_int_equal(heard_a(1), 'x');
    do_write(client_open(w.s), 0, "/a", "z");
    keep();
    resume();
    assert_int_equal(read(theirs, &event, sizeof(event)), sizeof(event));
    assert_int_equal(event.type, XS_WATCH_EVENT);
    assert_int_equal(read(theirs, rest, sizeof(rest)), event.len);
    resume();
    assert_int_equal(heard_a(1), 0);
}

/* A new journal's first records have everybody as he is. */
static void test_a_snapshot_after_questions(void **state)
{
    (void)state;
    make_a();
    ask_a(1);
    turn();
    assert_int_equal(heard_a(1), 'x');
    journal_catch_up_all(w.s);
    keep();
    buf_clear(&kept);
    journal_snapshot(w.s, &kept);
    ask_a(2);
    turn();
    assert_int_equal(heard_a(2), 'x');
    resume();
    assert_int_equal(heard_a(2), 0);
}

/* Questions whose answers do not fit are in the journal after all. */
static void test_questions_to_a_full_socket(void **state)
{
    unsigned int i, heard_of = 0;
    int rc = 0;

    (void)state;
    make_a();
    for (i = 1; !rc && i <= 20000; i++) {
        ask_a(i);
        assert_int_equal(held_readable(held, c, ours), 0);
        assert_int_equal(nr_records(), 0);
        rc = held_flush(held, c, ours);
        if (rc)
            assert_true(nr_records() > 0);
        keep();
    }
    assert_int_equal(rc, -EAGAIN);
    while (heard_of < i - 1) {
        kill_and_restart();
        assert_int_equal(held_resume(held, c), 0);
        held_flush(held, c, ours);
        keep();
        while (heard_a(heard_of + 1))
            heard_of++;
    }
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

/*
 * After --recover the journal may know less than the client was told. The last
 * request is still in the table; one before it is not, and the client is given
 * up.
 */
static void test_out_of_step(void **state)
{
    size_t before = buf_len(&kept);

    (void)state;
    say(1, "/a\0x", 4);
    turn();
    kept.end = kept.start + before;
    resume();
    EQ(do_read(client_open(w.s), 0, "/a"), "x");
    assert_int_equal(heard(), 1);
    assert_int_equal(heard(), 0);
    say(2, "/b\0x", 4);
    turn();
    kept.end = kept.start + before;
    kill_and_restart();
    assert_int_equal(held_resume(held, c), -EPIPE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_read_and_not_stored),
        T(test_stored_and_not_sent),
        T(test_half_a_message),
        T(test_a_socket_that_is_full),
        T(test_a_key_used_again),
        T(test_out_of_step),
        T(test_questions_leave_no_record),
        T(test_a_question_not_answered),
        T(test_a_question_and_half_another),
        T(test_killed_as_the_read_ended),
        T(test_another_asks),
        T(test_an_event_after_questions),
        T(test_a_snapshot_after_questions),
        T(test_questions_to_a_full_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
