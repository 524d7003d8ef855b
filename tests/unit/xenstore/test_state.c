/*
 * The journal's file: what was stored is there again, a batch cut off by a kill
 * is not, damage is refused with where it is and can be recovered from, and a
 * new file takes the place of one that has grown.
 * sources: $(xs-core-src) xenstore/transport/conn.c xenstore/daemon/state.c
 * sources: xenstore/daemon/succession.c xenstore/daemon/log.c
 */
#include "tests/unit/xenstore/world.h"
#include "xenstore/daemon/state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], file[96];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test-state-XXXXXX");
    assert_non_null(mkdtemp(dir));
    sprintf(file, "%s/journal", dir);
    return 0;
}

static int teardown(void **state)
{
    char bad[128];

    (void)state;
    snprintf(bad, sizeof(bad), "%s.bad", file);
    unlink(bad);
    snprintf(bad, sizeof(bad), "%s.new", file);
    unlink(bad);
    unlink(file);
    return rmdir(dir);
}

/* A life of the daemon: the file and the store it makes. */
struct life {
    struct world w;
    struct state *st;
    struct client *c;
    char why[512];
    int rc;
};

static void live(struct life *l, bool recover)
{
    world_init(&l->w);
    assert_int_equal(state_open(&l->st, file), 0);
    l->why[0] = '\0';
    l->rc = state_load(l->st, l->w.s, recover, l->why, sizeof(l->why));
    if (l->rc)
        return;
    assert_null(store_check(l->w.s));
    state_start(l->st, l->w.s);
    l->c = client_open(l->w.s);
}

static void put(struct life *l, const char *path, const char *value)
{
    assert_string_equal(do_write(l->c, 0, path, value), "OK");
    state_commit(l->st, l->w.s);
}

static void die(struct life *l)
{
    store_journal(l->w.s, false);
    state_close(l->st);
    store_destroy(l->w.s);
}

static void flip(long at)
{
    int fd = open(file, O_RDWR);
    char c;

    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 1;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* Where a text is in the file. */
static long find_text(const char *text)
{
    static char data[1 << 20];
    int fd = open(file, O_RDONLY);
    ssize_t len = read(fd, data, sizeof(data));
    char *p = memmem(data, (size_t)len, text, strlen(text));

    close(fd);
    assert_non_null(p);
    return p - data;
}

static void test_what_was_stored_is_there_again(void **state)
{
    struct life l;

    (void)state;
    live(&l, false);
    assert_true(state_is_new(l.st));
    put(&l, "/a/b", "1");
    put(&l, "/a/b", "2");
    assert_string_equal(do_write(l.c, 0, "/not/stored", "1"), "OK");
    die(&l);
    live(&l, false);
    assert_int_equal(l.rc, 0);
    assert_false(state_is_new(l.st));
    assert_string_equal(do_read(l.c, 0, "/a/b"), "2");
    assert_string_equal(do_read(l.c, 0, "/not"), "E:ENOENT");
    die(&l);
}

static void test_damage_is_refused_and_recovered_from(void **state)
{
    struct life l;

    (void)state;
    live(&l, false);
    put(&l, "/a", "first");
    put(&l, "/b", "second");
    put(&l, "/c", "third");
    die(&l);
    flip(find_text("second"));

    live(&l, false);
    assert_int_equal(l.rc, -EINVAL);
    assert_non_null(strstr(l.why, "checksum"));
    assert_non_null(strstr(l.why, "batch 3"));
    die(&l);
    live(&l, true);
    assert_int_equal(l.rc, 0);
    assert_string_equal(do_list(l.c, 0, "/"), "a,tool");
    put(&l, "/d", "fourth");
    die(&l);
    live(&l, false); /* whole again */
    assert_int_equal(l.rc, 0);
    assert_string_equal(do_list(l.c, 0, "/"), "a,d,tool");
    die(&l);
}

static void test_a_file_that_is_no_journal(void **state)
{
    struct life l;

    (void)state;
    live(&l, false);
    die(&l);
    flip(0);
    live(&l, false);
    assert_int_equal(l.rc, -EINVAL);
    assert_non_null(strstr(l.why, "not a journal"));
    die(&l);
}

/* A batch's length is stored last; what a killed writer left is overwritten. */
static void test_a_batch_cut_off_does_not_count(void **state)
{
    static const char zero[8];
    struct life l;
    long at;
    int fd;

    (void)state;
    live(&l, false);
    put(&l, "/a", "1");
    put(&l, "/b", "a value long enough to reach beyond what comes next");
    die(&l);
    at = find_text("/b") & ~7l;
    fd = open(file, O_RDWR);
    /* The header is before: length, checksum, number, then the record's. */
    while (at > 0) {
        uint64_t word;

        assert_int_equal(pread(fd, &word, 8, at), 8);
        if (word == 3) /* the batch's number */
            break;
        at -= 8;
    }
    assert_int_equal(pwrite(fd, zero, 8, at - 16), 8);
    close(fd);
    live(&l, false);
    assert_int_equal(l.rc, 0);
    assert_string_equal(do_list(l.c, 0, "/"), "a,tool");
    put(&l, "/c", "x");
    die(&l);
    live(&l, false);
    assert_int_equal(l.rc, 0);
    assert_string_equal(do_list(l.c, 0, "/"), "a,c,tool");
    die(&l);
}

static void test_it_does_not_grow_without_end(void **state)
{
    char value[4000];
    struct life l;
    struct stat sb;
    int i;

    (void)state;
    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    live(&l, false);
    for (i = 0; i < 8000; i++) {
        sprintf(value, "%d", i);
        value[strlen(value)] = ' ';
        put(&l, "/a", value);
    }
    die(&l);
    assert_int_equal(stat(file, &sb), 0);
    assert_true(sb.st_size <= 16 << 20);
    live(&l, false);
    assert_int_equal(l.rc, 0);
    assert_memory_equal(do_read(l.c, 0, "/a"), "7999 ", 5);
    die(&l);
}

/* The new file is written a little at a time, while the store changes. */
static void test_changes_during_a_snapshot_are_kept(void **state)
{
    char value[3900], path[32];
    struct life l;
    int i, k;

    (void)state;
    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    live(&l, false);
    for (i = 0; i < 9000; i++) {
        k = i % 1500;
        sprintf(path, "/d%d/n%d", k / 100, k);
        sprintf(value, "%d", i);
        value[strlen(value)] = ' ';
        put(&l, path, value);
        if (i % 7 == 0) {
            assert_string_equal(do_rm(l.c, 0, "/gone"), "OK");
            put(&l, "/gone/x", "1");
        }
    }
    assert_string_equal(do_rm(l.c, 0, "/gone"), "OK");
    state_commit(l.st, l.w.s);
    die(&l);
    live(&l, false);
    assert_int_equal(l.rc, 0);
    assert_int_equal(store_nr_nodes(l.w.s), 3 + 15 + 1500);
    for (i = 7500; i < 9000; i++) {
        k = i % 1500;
        sprintf(path, "/d%d/n%d", k / 100, k);
        assert_int_equal(atoi(do_read(l.c, 0, path)), i);
    }
    die(&l);
}

static void test_one_daemon_at_a_time(void **state)
{
    struct state *other;
    struct life l;

    (void)state;
    live(&l, false);
    assert_int_equal(state_open(&other, file), -EBUSY);
    die(&l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_what_was_stored_is_there_again),
        T(test_damage_is_refused_and_recovered_from),
        T(test_a_file_that_is_no_journal),
        T(test_a_batch_cut_off_does_not_count),
        T(test_it_does_not_grow_without_end),
        T(test_changes_during_a_snapshot_are_kept),
        T(test_one_daemon_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
