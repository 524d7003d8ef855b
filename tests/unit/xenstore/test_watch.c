/*
 * When watches fire, in which order, for whom and with which path.
 * sources: $(xs-core-src) xenstore/transport/conn.c
 */
#include "tests/unit/xenstore/world.h"

static struct world w;
static struct client *c, *other;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    c = client_open(w.s);
    other = client_open(w.s);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static void watch(struct client *who, const char *path, const char *token)
{
    EQ(ask_s(who, XS_WATCH, 0, path, token, NULL), "OK");
    assert_true(strlen(next_event(who)) > 0);
}

static void test_first_event_follows_the_reply(void **state)
{
    struct answer a;

    (void)state;
    send_raw(c, XS_WATCH, 0, "/a\0t", 5);
    assert_true(next_message(c, &a));
    assert_int_equal(a.type, XS_WATCH);
    EQ(next_event(c), "/a t");
    EQ(next_event(c), "");
    EQ(ask_s(c, XS_WATCH, 0, "/a", "t", NULL), "E:EEXIST");
    EQ(ask_s(c, XS_UNWATCH, 0, "/a", "u", NULL), "E:ENOENT");
    EQ(ask_s(c, XS_UNWATCH, 0, "/a", "t", NULL), "OK");
    EQ(do_write(c, 0, "/a", "1"), "OK");
    EQ(next_event(c), "");
}

static void test_what_fires(void **state)
{
    (void)state;
    watch(other, "/a", "t");
    EQ(do_write(c, 0, "/a/b/c", "1"), "OK");
    EQ(next_event(other), "/a/b/c t"); /* not for the parents it made */
    EQ(next_event(other), "");
    EQ(do_write(c, 0, "/a/b/c", "1"), "OK");
    EQ(next_event(other), "/a/b/c t"); /* the same value counts */
    EQ(do_mkdir(c, 0, "/a/b"), "OK");
    EQ(next_event(other), "");
    EQ(do_mkdir(c, 0, "/a/d"), "OK");
    EQ(next_event(other), "/a/d t");
    EQ(do_perms(c, 0, "/a/d", "b0", NULL), "OK");
    EQ(next_event(other), "/a/d t");
    EQ(do_read(c, 0, "/a/d"), "");
    EQ(do_write(c, 0, "/ab", "1"), "OK");
    EQ(do_rm(c, 0, "/a/none"), "OK");
    EQ(next_event(other), "");
}

static void test_removal_tells_watchers_on_each_node(void **state)
{
    int round, i;
    char path[32];

    (void)state;
    /* Few watches on a large tree, then many on a small one. */
    for (round = 0; round < 2; round++) {
        EQ(do_write(c, 0, "/a/b/c", "1"), "OK");
        for (i = 0; i < 50; i++) {
            sprintf(path, "/a/x/%d", i);
            if (!round)
                EQ(do_write(c, 0, path, "1"), "OK");
            else
                watch(other, path, "n");
        }
        watch(other, "/a/b/c", round ? "deep2" : "deep");
        watch(other, "/", round ? "top2" : "top");
        EQ(do_rm(c, 0, "/a"), "OK");
        if (round) {
            const char *e1 = next_event(other);

            assert_true(!strcmp(e1, "/a top2") || !strcmp(e1, "/a top"));
            next_event(other);
            e1 = next_event(other);
            assert_true(!strncmp(e1, "/a/b/c deep", 11));
            next_event(other);
        } else {
            EQ(next_event(other), "/a top");
            EQ(next_event(other), "/a/b/c deep");
        }
        EQ(next_event(other), "");
    }
}

static void test_relative_watches_hear_relative_paths(void **state)
{
    struct client *g = world_guest(&w, 5);

    (void)state;
    EQ(do_mkdir(c, 0, "/local/domain/5"), "OK");
    EQ(do_perms(c, 0, "/local/domain/5", "n5", NULL), "OK");
    EQ(ask_s(g, XS_WATCH, 0, "device", "r", NULL), "OK");
    EQ(next_event(g), "device r");
    EQ(ask_s(g, XS_WATCH, 0, "/local/domain/5/device", "a", NULL), "OK");
    EQ(next_event(g), "/local/domain/5/device a");
    EQ(do_write(c, 0, "/local/domain/5/device/vbd", "1"), "OK");
    EQ(next_event(g), "/local/domain/5/device/vbd a");
    EQ(next_event(g), "device/vbd r");
}

static void test_unreadable_nodes_are_not_heard_of(void **state)
{
    struct client *g = world_guest(&w, 5);

    (void)state;
    watch(g, "/secret", "t");
    EQ(do_write(c, 0, "/secret/x", "1"), "OK");
    EQ(next_event(g), "");
    EQ(do_perms(c, 0, "/secret/x", "n0", "r5"), "OK");
    EQ(next_event(g), "/secret/x t");
    EQ(do_perms(c, 0, "/secret/x", "n0", NULL), "OK");
    EQ(next_event(g), "/secret/x t"); /* it could read it before */
    EQ(do_write(c, 0, "/secret/x", "2"), "OK");
    EQ(next_event(g), "");
    EQ(do_perms(c, 0, "/secret", "r0", NULL), "OK");
    EQ(next_event(g), "/secret t");
    EQ(do_write(c, 0, "/secret/x", "2"), "OK");
    EQ(next_event(g), "/secret/x t"); /* it can list the parent */
}

static void test_commit_tells_once_per_node(void **state)
{
    uint32_t t;

    (void)state;
    watch(other, "/a", "t");
    t = do_start(c);
    EQ(do_write(c, t, "/a/1", "x"), "OK");
    EQ(do_write(c, t, "/a/2", "x"), "OK");
    EQ(do_write(c, t, "/a/1", "y"), "OK");
    EQ(do_perms(c, t, "/a/1", "b0", NULL), "OK");
    EQ(next_event(other), "");
    EQ(do_end(c, t, "T"), "OK");
    EQ(next_event(other), "/a/1 t");
    EQ(next_event(other), "/a/2 t");
    EQ(next_event(other), "");
    t = do_start(c);
    EQ(do_write(c, t, "/a/1", "x"), "OK");
    EQ(do_end(c, t, "F"), "OK");
    EQ(next_event(other), "");
}

static void test_repeats_that_wait_are_told_once(void **state)
{
    (void)state;
    watch(other, "/a", "t");
    EQ(do_write(c, 0, "/a", "1"), "OK");
    EQ(do_write(c, 0, "/a", "2"), "OK");
    EQ(next_event(other), "/a t");
    EQ(next_event(other), "");
    EQ(do_write(c, 0, "/a", "3"), "OK");
    EQ(next_event(other), "/a t");
    watch(other, "@releaseDomain", "r");
    world_guest(&w, 3);
    store_domain_gone(w.s, store_domain(w.s, 3));
    world_guest(&w, 4);
    store_domain_gone(w.s, store_domain(w.s, 4));
    EQ(next_event(other), "@releaseDomain r");
    EQ(next_event(other), "@releaseDomain r");
}

static void test_reply_comes_before_the_event(void **state)
{
    struct answer a;

    (void)state;
    watch(c, "/a", "t");
    send_raw(c, XS_WRITE, 0, "/a\0v", 4);
    assert_true(next_message(c, &a));
    assert_int_equal(a.type, XS_WRITE);
    EQ(next_event(c), "/a t");
}

static void test_an_event_too_long_is_not_sent(void **state)
{
    char path[2049], token[2100];

    (void)state;
    memset(path, 'p', sizeof(path));
    memset(token, 't', sizeof(token));
    path[0] = '/';
    path[2048] = token[2046] = '\0';
    EQ(ask_s(c, XS_WATCH, 0, "/", token, NULL), "OK");
    assert_true(strlen(next_event(c)) > 0);
    EQ(do_write(c, 0, path, ""), "OK");
    assert_true(strlen(next_event(c)) > 0); /* 2049 + 2047 fit exactly */
    token[2046] = 't';
    token[2047] = '\0';
    EQ(ask_s(c, XS_RESET_WATCHES, 0, "", NULL, NULL), "OK");
    EQ(ask_s(c, XS_WATCH, 0, "/", token, NULL), "OK");
    assert_true(strlen(next_event(c)) > 0);
    EQ(do_write(c, 0, path, ""), "OK");
    EQ(next_event(c), "");
}

static void test_close_takes_its_watches_along(void **state)
{
    struct client *third = client_open(w.s);

    (void)state;
    watch(third, "/a", "t");
    watch(third, "/b", "t");
    client_close(third);
    EQ(do_write(c, 0, "/a", "1"), "OK");
    assert_int_equal(w.s->watched.nr, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_first_event_follows_the_reply),
        T(test_what_fires),
        T(test_removal_tells_watchers_on_each_node),
        T(test_relative_watches_hear_relative_paths),
        T(test_unreadable_nodes_are_not_heard_of),
        T(test_commit_tells_once_per_node),
        T(test_repeats_that_wait_are_told_once),
        T(test_reply_comes_before_the_event),
        T(test_an_event_too_long_is_not_sent),
        T(test_close_takes_its_watches_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
