/*
 * What a client may ask and what it is answered: types, NULs, names, errors,
 * permissions, quotas, domains; every reply is the one Xen 4.17 gives.
 * sources: $(xs-core-src) xenstore/transport/conn.c
 */
#include "tests/unit/xenstore/world.h"

static struct world w;
static struct client *c;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    c = client_open(w.s);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static void test_values_are_stored_byte_exact(void **state)
{
    struct answer *a;

    (void)state;
    EQ(ask(c, XS_WRITE, 0, "/v\0a\0b", 6)->data, "OK");
    a = ask(c, XS_READ, 0, "/v", 3);
    assert_int_equal(a->len, 3);
    assert_memory_equal(a->data, "a\0b", 3);
    EQ(do_write(c, 0, "/v", ""), "OK");
    assert_int_equal(ask(c, XS_READ, 0, "/v", 3)->len, 0);
}

static void test_missing_nodes(void **state)
{
    (void)state;
    EQ(do_read(c, 0, "/no"), "E:ENOENT");
    EQ(do_list(c, 0, "/no"), "E:ENOENT");
    EQ(ask_s(c, XS_GET_PERMS, 0, "/no", NULL, NULL), "E:ENOENT");
    EQ(do_rm(c, 0, "/no"), "OK");
    EQ(do_rm(c, 0, "/no/no"), "E:ENOENT");
    EQ(do_rm(c, 0, "/"), "E:EINVAL");
    EQ(do_read(c, 0, "/"), "");
    EQ(do_list(c, 0, "/tool/xenstored"), "");
}

static void test_names_are_checked(void **state)
{
    static const char *const bad[] = {
        "/a.b", "/a:b", "/a b", "/a/",   "//a", "/a//b", "", "@introduceDomain",
        "/a+",  "//",   "/a//", "/a/b+", "/+"};
    char longest[3000];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EQ(do_read(c, 0, bad[i]), "E:EINVAL");
    EQ(do_write(c, 0, "/A-z_9@x", "1"), "OK");

    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[2048] = '\0';
    EQ(do_read(c, 0, longest), "E:ENOENT");
    longest[2048] = 'x';
    longest[2049] = '\0';
    EQ(do_read(c, 0, longest), "E:EINVAL");
}

static void test_relative_names_start_at_home(void **state)
{
    struct client *g = world_guest(&w, 7);

    (void)state;
    EQ(do_write(c, 0, "backend/x", "1"), "OK");
    EQ(do_read(c, 0, "/local/domain/0/backend/x"), "1");
    EQ(do_write(c, 0, "/local/domain/7/k", "v"), "OK");
    EQ(do_perms(c, 0, "/local/domain/7/k", "n0", "r7"), "OK");
    EQ(do_read(g, 0, "k"), "v");
}

static void test_payload_forms(void **state)
{
    (void)state;
    EQ(ask(c, XS_READ, 0, "/tool", 5)->data, "E:EINVAL");
    EQ(ask(c, XS_READ, 0, "/a\0/b", 6)->data, "E:EINVAL");
    EQ(ask(c, XS_READ, 0, "", 0)->data, "E:EINVAL");
    EQ(ask(c, XS_WRITE, 0, "/a", 2)->data, "E:EINVAL");
    EQ(ask(c, XS_TRANSACTION_START, 0, "", 0)->data, "1");
    EQ(ask_s(c, XS_WATCH, 0, "/a", NULL, NULL), "E:EINVAL");
    EQ(ask_s(c, XS_WATCH, 0, "/a", "t", "1"), "E:EINVAL");
}

static void test_unknown_types(void **state)
{
    static const uint32_t types[] = {15, 16, 20, 23, 24, 25, 26, 1000, ~0u};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        EQ(ask(c, types[i], 0, "", 1)->data, "E:ENOSYS");
    EQ(do_read(c, 99, "/"), "E:ENOENT");
}

static void test_oversized_message_ends_the_stream(void **state)
{
    struct xsd_sockmsg msg = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};

    (void)state;
    assert_int_equal(conn_feed(c, (char *)&msg, sizeof(msg)), -EPROTO);
}

static void test_messages_arrive_in_any_pieces(void **state)
{
    char buf[64];
    struct xsd_sockmsg msg = {XS_READ, 5, 0, 6};
    struct answer a;
    size_t cut, i, len = sizeof(msg) + 6;

    (void)state;
    memcpy(buf, &msg, sizeof(msg));
    memcpy(buf + sizeof(msg), "/tool", 6);
    for (cut = 1; cut < len; cut++) {
        for (i = 0; i < len; i += cut)
            assert_int_equal(
                conn_feed(c, buf + i, i + cut > len ? len - i : cut), 0);
        assert_true(next_message(c, &a));
        assert_int_equal(a.type, XS_READ);
        assert_int_equal(a.req_id, 5);
        assert_false(next_message(c, &a));
    }
}

static void test_directories(void **state)
{
    char path[32];
    int i;

    (void)state;
    EQ(do_write(c, 0, "/d/b", ""), "OK");
    EQ(do_write(c, 0, "/d/a", ""), "OK");
    EQ(do_mkdir(c, 0, "/d/c/e"), "OK");
    EQ(do_list(c, 0, "/d"), "a,b,c");
    EQ(do_rm(c, 0, "/d/b"), "OK");
    EQ(do_list(c, 0, "/d"), "a,c");
    for (i = 0; i < 1000; i++) {
        sprintf(path, "/big/c%04d", i);
        EQ(do_write(c, 0, path, "x"), "OK");
    }
    EQ(do_list(c, 0, "/big"), "E:E2BIG");
}

/* Short ones, ones of eight bytes, and ones that differ behind those. */
static void test_names_of_any_length_keep_their_order(void **state)
{
    static const char *const names[] = {
        "abcdefgh", "ab", "abcdefghi", "z", "abcdefghz", "abcdefgha",
        "abcdefg",  "a",  "abcdefh",   "-", "abcdefghi2"};
    static const char *const sorted =
        "-,a,ab,abcdefg,abcdefgh,abcdefgha,abcdefghi,abcdefghi2,abcdefghz,"
        "abcdefh,z";
    char path[32];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sprintf(path, "/d/%s", names[i]);
        EQ(do_write(c, 0, path, names[i]), "OK");
    }
    EQ(do_list(c, 0, "/d"), sorted);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sprintf(path, "/d/%s", names[i]);
        EQ(do_read(c, 0, path), names[i]);
    }
    EQ(do_read(c, 0, "/d/abcdef"), "E:ENOENT");
    EQ(do_read(c, 0, "/d/abcdefghi1"), "E:ENOENT");
    EQ(do_rm(c, 0, "/d/abcdefgh"), "OK");
    EQ(do_list(c, 0, "/d"),
       "-,a,ab,abcdefg,abcdefgha,abcdefghi,abcdefghi2,abcdefghz,abcdefh,z");
}

static void test_directory_parts(void **state)
{
    char path[32], offset[16], gen[24] = "";
    size_t at = 0, head;
    struct answer *a;
    int i, parts = 0;
    bool end = false;

    (void)state;
    for (i = 0; i < 1500; i++) {
        sprintf(path, "/big/c%04d", i);
        EQ(do_write(c, 0, path, "x"), "OK");
    }
    while (!end) {
        char req[64];
        int len = sprintf(req, "/big%c", 0);

        len += sprintf(req + len, "%zu", at) + 1;
        a = ask(c, XS_DIRECTORY_PART, 0, req, (size_t)len);
        assert_int_equal(a->type, XS_DIRECTORY_PART);
        head = strlen(a->data) + 1;
        if (parts++)
            EQ(a->data, gen);
        strcpy(gen, a->data);
        end = a->len == head + 1 || !a->data[a->len - 2];
        assert_memory_equal(a->data + head + (end && a->len == head + 1), "",
                            0);
        at += a->len - head - end;
        assert_int_equal(at % 6, 0);
    }
    assert_int_equal(at, 1500 * 6);
    sprintf(offset, "%zu", at);
    a = ask(c, XS_DIRECTORY_PART, 0, "/big\0009000", 10);
    assert_int_equal(a->len, strlen(gen) + 2);
    EQ(do_write(c, 0, "/big/new", ""), "OK");
    a = ask(c, XS_DIRECTORY_PART, 0, "/big\0000", 7);
    assert_string_not_equal(a->data, gen);
    EQ(ask(c, XS_DIRECTORY_PART, 0, "/big\0x", 7)->data, "E:EINVAL");
}

static void test_permissions_of_guests(void **state)
{
    struct client *g = world_guest(&w, 5), *other = world_guest(&w, 6);

    (void)state;
    EQ(do_mkdir(c, 0, "/g"), "OK");
    EQ(do_write(g, 0, "/g/x", "1"), "E:EACCES");
    EQ(do_read(g, 0, "/g"), "E:EACCES");
    EQ(do_read(g, 0, "/g/missing"), "E:EACCES");
    EQ(do_perms(c, 0, "/g", "n5", "r6"), "OK");
    EQ(do_write(g, 0, "/g/x", "1"), "OK");
    EQ(ask_s(g, XS_GET_PERMS, 0, "/g/x", NULL, NULL), "n5");
    EQ(do_read(other, 0, "/g/x"), "1");
    EQ(do_write(other, 0, "/g/x", "2"), "E:EACCES");
    EQ(do_perms(other, 0, "/g/x", "b6", NULL), "E:EACCES");
    EQ(do_perms(g, 0, "/g/x", "b6", NULL), "E:EPERM");
    EQ(do_perms(g, 0, "/g/x", "b5", NULL), "OK");
    EQ(do_write(other, 0, "/g/x", "2"), "OK");
    EQ(do_perms(g, 0, "/g/x", "q5", NULL), "E:EINVAL");
    EQ(do_perms(g, 0, "/g/x", "n", NULL), "E:EINVAL");
    EQ(ask_s(g, XS_SET_PERMS, 0, "/g/x", NULL, NULL), "E:EINVAL");
    EQ(do_read(other, 0, "/g/none"), "E:ENOENT");
}

static void test_a_guests_node_is_its_own(void **state)
{
    struct client *g = world_guest(&w, 5);

    (void)state;
    EQ(do_mkdir(c, 0, "/shared"), "OK");
    EQ(do_perms(c, 0, "/shared", "b0", "r9"), "OK");
    EQ(do_mkdir(g, 0, "/shared/mine"), "OK");
    EQ(ask_s(c, XS_GET_PERMS, 0, "/shared/mine", NULL, NULL), "b5");
    assert_int_equal(store_domain(w.s, 5)->used[QUOTA_NODES], 1);
}

static void test_owner_must_exist(void **state)
{
    (void)state;
    w.nobody_exists = true;
    EQ(do_mkdir(c, 0, "/o"), "OK");
    EQ(do_perms(c, 0, "/o", "n44", NULL), "E:ENOENT");
    EQ(do_perms(c, 0, "/o", "n0", "r44"), "OK");
}

static void test_privileged_requests(void **state)
{
    struct client *g = world_guest(&w, 5);

    (void)state;
    EQ(ask_s(g, XS_INTRODUCE, 0, "6", "1", "1"), "E:EACCES");
    EQ(ask_s(g, XS_RELEASE, 0, "6", NULL, NULL), "E:EACCES");
    EQ(ask_s(g, XS_RESUME, 0, "6", NULL, NULL), "E:EACCES");
    EQ(ask_s(g, XS_SET_TARGET, 0, "6", "7", NULL), "E:EACCES");
    EQ(ask_s(g, XS_CONTROL, 0, "help", NULL, NULL), "E:EACCES");
    EQ(ask_s(g, XS_GET_DOMAIN_PATH, 0, "9", NULL, NULL), "/local/domain/9");
}

static void test_introduce_and_release(void **state)
{
    (void)state;
    EQ(ask_s(c, XS_WATCH, 0, "@introduceDomain", "i", NULL), "OK");
    EQ(next_event(c), "@introduceDomain i");
    EQ(ask_s(c, XS_WATCH, 0, "@releaseDomain", "r", NULL), "OK");
    EQ(next_event(c), "@releaseDomain r");

    w.introduce_rc = -ESRCH;
    EQ(ask_s(c, XS_INTRODUCE, 0, "9", "1", "2"), "E:EINVAL");
    w.introduce_rc = 0;
    EQ(ask_s(c, XS_IS_DOMAIN_INTRODUCED, 0, "9", NULL, NULL), "F");
    EQ(ask_s(c, XS_INTRODUCE, 0, "9", "1", "2"), "OK");
    EQ(next_event(c), "@introduceDomain i");
    EQ(ask_s(c, XS_INTRODUCE, 0, "9", "1", "3"), "OK");
    EQ(next_event(c), "");
    EQ(ask_s(c, XS_IS_DOMAIN_INTRODUCED, 0, "9", NULL, NULL), "T");
    EQ(ask_s(c, XS_RELEASE, 0, "9", NULL, NULL), "OK");
    EQ(next_event(c), "@releaseDomain r");
    EQ(ask_s(c, XS_RELEASE, 0, "9", NULL, NULL), "E:ENOENT");
    EQ(ask_s(c, XS_RELEASE, 0, "0", NULL, NULL), "E:EINVAL");
    EQ(ask_s(c, XS_RESUME, 0, "55", NULL, NULL), "E:ENOENT");
    EQ(ask_s(c, XS_SET_TARGET, 0, "9", "55", NULL), "E:ENOENT");
    assert_int_equal(w.released, 1);
}

static void test_shutdown_is_told_once_until_resume(void **state)
{
    struct domain *d;

    (void)state;
    world_guest(&w, 9);
    d = store_domain(w.s, 9);
    EQ(ask_s(c, XS_WATCH, 0, "@releaseDomain", "r", NULL), "OK");
    EQ(next_event(c), "@releaseDomain r");
    store_domain_shutdown(w.s, d);
    EQ(next_event(c), "@releaseDomain r");
    store_domain_shutdown(w.s, d);
    EQ(next_event(c), "");
    EQ(ask_s(c, XS_RESUME, 0, "9", NULL, NULL), "OK");
    store_domain_shutdown(w.s, d);
    EQ(next_event(c), "@releaseDomain r");
}

static void test_a_released_domain_leaves_nothing(void **state)
{
    struct client *g = world_guest(&w, 5);

    (void)state;
    EQ(do_mkdir(c, 0, "/home"), "OK");
    EQ(do_perms(c, 0, "/home", "n5", NULL), "OK");
    EQ(do_write(g, 0, "/home/a/b", "1"), "OK");
    EQ(do_mkdir(c, 0, "/open"), "OK");
    EQ(do_perms(c, 0, "/open", "n0", "b5"), "OK");
    EQ(ask_s(c, XS_RELEASE, 0, "5", NULL, NULL), "OK");
    EQ(do_list(c, 0, "/"), "open,tool");
    assert_int_equal(store_domain(w.s, 5)->used[QUOTA_NODES], 0);
    /* A new domain of the same id has no right the old one had. */
    g = world_guest(&w, 5);
    EQ(do_read(g, 0, "/open"), "E:EACCES");
    EQ(do_perms(c, 0, "/open", "n0", "b5"), "OK");
    EQ(do_read(g, 0, "/open"), "");
}

static void test_target_gives_the_targets_rights(void **state)
{
    struct client *stub = world_guest(&w, 8);

    (void)state;
    world_guest(&w, 5);
    EQ(do_mkdir(c, 0, "/t"), "OK");
    EQ(do_perms(c, 0, "/t", "n5", NULL), "OK");
    EQ(do_read(stub, 0, "/t"), "E:EACCES");
    EQ(ask_s(c, XS_SET_TARGET, 0, "8", "5", NULL), "OK");
    EQ(do_write(stub, 0, "/t", "1"), "OK");
    EQ(ask_s(c, XS_RELEASE, 0, "5", NULL, NULL), "OK");
    EQ(do_mkdir(c, 0, "/t"), "OK");
    EQ(do_perms(c, 0, "/t", "n5", NULL), "OK");
    EQ(do_read(stub, 0, "/t"), "E:EACCES");
}

static void test_permissions_of_specials(void **state)
{
    struct client *g = world_guest(&w, 5);

    (void)state;
    EQ(ask_s(g, XS_WATCH, 0, "@introduceDomain", "i", NULL), "OK");
    EQ(next_event(g), "@introduceDomain i");
    EQ(ask_s(c, XS_INTRODUCE, 0, "6", "1", "1"), "OK");
    EQ(next_event(g), "");
    EQ(do_perms(c, 0, "@introduceDomain", "n0", "r5"), "OK");
    EQ(ask_s(c, XS_GET_PERMS, 0, "@introduceDomain", NULL, NULL), "n0");
    EQ(do_perms(g, 0, "@releaseDomain", "b5", NULL), "E:EACCES");
    EQ(do_perms(c, 0, "@nothing", "n0", NULL), "E:EINVAL");
    EQ(ask_s(c, XS_INTRODUCE, 0, "7", "1", "1"), "OK");
    EQ(next_event(g), "@introduceDomain i");
}

/* The literal's own NUL ends the last argument. */
#define CONTROL(text) ask(c, XS_CONTROL, 0, text, sizeof(text))->data

/* --- quotas -----------------------------------------------------------------
 */

static struct client *guest_with_home(unsigned int domid)
{
    char path[32], owner[8];

    sprintf(path, "/local/domain/%u", domid);
    sprintf(owner, "n%u", domid);
    EQ(do_mkdir(c, 0, path), "OK");
    EQ(do_perms(c, 0, path, owner, NULL), "OK");
    return world_guest(&w, domid);
}

static void test_quota_of_nodes_explains_itself_once(void **state)
{
    struct client *g = guest_with_home(5);
    char path[32];
    int i;

    (void)state;
    for (i = 0; i < 9; i++) {
        sprintf(path, "dir/%d", i);
        EQ(do_write(g, 0, path, "x"), "OK");
    }
    EQ(CONTROL("quota\0set\0nodes\00012\0005"), "OK");
    EQ(do_write(g, 0, "one", "x"), "OK");
    EQ(do_write(g, 0, "two", "x"), "E:ENOSPC");
    EQ(do_write(g, 0, "three", "x"), "E:ENOSPC");
    assert_int_equal(w.logged, 1);
    assert_non_null(strstr(w.last_log, "domain 5"));
    assert_non_null(strstr(w.last_log, "nodes is 12"));
    assert_non_null(strstr(w.last_log, "/local/domain/5/two"));
    store_tick(w.s, 200000);
    EQ(do_write(g, 0, "two", "x"), "E:ENOSPC");
    assert_int_equal(w.logged, 2);
    EQ(do_rm(g, 0, "dir"), "OK");
    EQ(do_write(g, 0, "two", "x"), "OK");
}

static void test_quota_counts_implied_parents(void **state)
{
    struct client *g = guest_with_home(5);

    (void)state;
    EQ(CONTROL("quota\0set\0nodes\0004\0005"), "OK");
    EQ(do_write(g, 0, "a/b/c/d", "x"), "E:ENOSPC");
    EQ(do_write(g, 0, "a/b/c", "x"), "OK");
    EQ(do_list(g, 0, "a"), "b");
}

static void test_quota_in_transactions(void **state)
{
    struct client *g = guest_with_home(5);
    uint32_t t;

    (void)state;
    EQ(CONTROL("quota\0set\0nodes\0003\0005"), "OK");
    t = do_start(g);
    EQ(do_write(g, t, "a", "x"), "OK");
    EQ(do_write(g, t, "b", "x"), "OK");
    EQ(do_write(g, t, "c", "x"), "E:ENOSPC");
    EQ(do_write(g, 0, "z", "x"), "OK");
    EQ(do_end(g, t, "T"), "E:ENOSPC");
    EQ(do_list(c, 0, "/local/domain/5"), "z");
}

static void test_quota_of_size_watches_transactions(void **state)
{
    struct client *g = guest_with_home(5);
    char value[3000], token[16];
    int i;

    (void)state;
    memset(value, 'v', sizeof(value));
    value[2100] = '\0';
    EQ(do_write(g, 0, "big", value), "E:ENOSPC");
    value[1900] = '\0';
    EQ(do_write(g, 0, "big", value), "OK");
    for (i = 0; i < 128; i++) {
        sprintf(token, "%d", i);
        EQ(ask_s(g, XS_WATCH, 0, "big", token, NULL), "OK");
    }
    EQ(ask_s(g, XS_WATCH, 0, "big", "more", NULL), "E:E2BIG");
    for (i = 0; i < 10; i++)
        assert_true(do_start(g) > 0);
    EQ(ask_s(g, XS_TRANSACTION_START, 0, "", NULL, NULL), "E:ENOSPC");
    EQ(ask_s(g, XS_RESET_WATCHES, 0, "", NULL, NULL), "OK");
    assert_int_equal(do_start(g), 11);
    EQ(ask_s(g, XS_WATCH, 0, "big", "more", NULL), "OK");
}

static void test_a_child_list_counts_for_its_parents_size(void **state)
{
    struct client *g = guest_with_home(5);
    char path[64];
    int i, made = 0;

    (void)state;
    for (i = 0; i < 100; i++) {
        sprintf(path, "dir/%040d", i);
        made += !strcmp(do_write(g, 0, path, ""), "OK");
    }
    assert_in_range(made, 45, 50);
}

static void test_outstanding_events_hold_a_guest_back(void **state)
{
    struct client *g = guest_with_home(5), *slow = client_open(w.s);
    struct answer a;
    char value[16], path[16];
    int i;

    (void)state;
    EQ(ask_s(slow, XS_WATCH, 0, "/local/domain/5", "t", NULL), "OK");
    while (next_message(slow, &a))
        ;
    for (i = 0; i < 20; i++) {
        assert_true(client_may_request(g));
        sprintf(path, "k%d", i);
        sprintf(value, "%d", i);
        EQ(do_write(g, 0, path, value), "OK");
    }
    assert_false(client_may_request(g));
    assert_true(next_message(slow, &a));
    assert_true(client_may_request(g));
    EQ(do_write(g, 0, "more", ""), "OK");
    assert_false(client_may_request(g));
    store_tick(w.s, 130000);
    assert_true(client_may_request(g));
}

static void test_memory_of_a_guest_that_never_reads(void **state)
{
    struct client *g = guest_with_home(5);
    char path[64];
    size_t len;
    int i;

    (void)state;
    EQ(ask_s(g, XS_WATCH, 0, "/local/domain/5", "t", NULL), "OK");
    for (i = 0; i < 60000; i++) {
        sprintf(path, "/local/domain/5/%d", i % 700);
        EQ(do_write(c, 0, path, "x"), "OK");
    }
    client_out(g, &len);
    assert_in_range(len, 1000000, 5 << 19);
    client_sent(g, len);
}

static void test_control(void **state)
{
    (void)state;
    EQ(ask_s(c, XS_CONTROL, 0, "check", NULL, NULL), "OK");
    EQ(ask_s(c, XS_CONTROL, 0, "nonsense", NULL, NULL), "E:EINVAL");
    assert_non_null(
        strstr(ask_s(c, XS_CONTROL, 0, "help", NULL, NULL), "quota"));
    assert_non_null(
        strstr(ask_s(c, XS_CONTROL, 0, "quota", NULL, NULL), "nodes"));
    EQ(ask_s(c, XS_CONTROL, 0, "quota", "set", "nodes"), "E:EINVAL");
    EQ(ask_s(c, XS_CONTROL, 0, "log", "on", NULL), "OK");
    EQ(do_read(c, 0, "/tool"), "");
    assert_non_null(strstr(w.last_log, "READ"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_values_are_stored_byte_exact),
        T(test_missing_nodes),
        T(test_names_are_checked),
        T(test_relative_names_start_at_home),
        T(test_payload_forms),
        T(test_unknown_types),
        T(test_oversized_message_ends_the_stream),
        T(test_messages_arrive_in_any_pieces),
        T(test_directories),
        T(test_names_of_any_length_keep_their_order),
        T(test_directory_parts),
        T(test_permissions_of_guests),
        T(test_a_guests_node_is_its_own),
        T(test_owner_must_exist),
        T(test_privileged_requests),
        T(test_introduce_and_release),
        T(test_shutdown_is_told_once_until_resume),
        T(test_a_released_domain_leaves_nothing),
        T(test_target_gives_the_targets_rights),
        T(test_permissions_of_specials),
        T(test_quota_of_nodes_explains_itself_once),
        T(test_quota_counts_implied_parents),
        T(test_quota_in_transactions),
        T(test_quota_of_size_watches_transactions),
        T(test_a_child_list_counts_for_its_parents_size),
        T(test_outstanding_events_hold_a_guest_back),
        T(test_memory_of_a_guest_that_never_reads),
        T(test_control),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
