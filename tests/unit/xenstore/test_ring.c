/*
 * A domain's ring, and the journal: bytes through a shared page, hostile
 * indices, and a store that is killed at any point between what it takes, what
 * it stores and what it shows, and goes on in a new life.
 * sources: $(xs-core-src) xenstore/transport/conn.c xenstore/transport/ring.c
 */
#include "tests/unit/xenstore/world.h"
#include "xenstore/transport/ring.h"

/* Batches as the daemon keeps them. */
struct kept {
    char *data;
    size_t len, cap;
};

struct life {
    struct world w;
    struct kept kept;
    struct xenstore_domain_interface page;
    struct client *ring;
};

static void keep(struct life *l)
{
    size_t len;
    const char *records = store_records(l->w.s, &len);

    if (!len)
        return;
    l->kept.data = realloc(l->kept.data, l->kept.len + len);
    memcpy(l->kept.data + l->kept.len, records, len);
    l->kept.len += len;
    store_records_taken(l->w.s);
}

static void begin(struct life *l)
{
    struct buf b = {0};

    memset(l, 0, sizeof(*l));
    world_init(&l->w);
    journal_snapshot(l->w.s, &b);
    l->kept.data = malloc(buf_len(&b));
    l->kept.len = buf_len(&b);
    memcpy(l->kept.data, buf_head(&b), buf_len(&b));
    buf_free(&b);
    store_journal(l->w.s, true);
    l->ring = world_guest(&l->w, 0);
    keep(l);
}

static void end(struct life *l)
{
    store_journal(l->w.s, false);
    world_done(&l->w);
    free(l->kept.data);
}

/* The process is gone; another one has the journal and the page. */
static void kill_and_restart(struct life *l)
{
    const char *why;
    size_t at;

    store_journal(l->w.s, false);
    store_destroy(l->w.s);
    world_init(&l->w);
    assert_int_equal(
        journal_replay(l->w.s, l->kept.data, l->kept.len, &why, &at), 0);
    assert_null(store_check(l->w.s));
    store_journal(l->w.s, true);
    l->ring = store_domain(l->w.s, 0)->client;
    assert_non_null(l->ring);
    assert_int_equal(ring_resume(l->ring, &l->page), 0);
}

/* --- the guest's side -------------------------------------------------------
 */

static uint32_t guest_put(struct xenstore_domain_interface *page,
                          const char *data, uint32_t len)
{
    uint32_t i;

    for (i = 0; i < len && page->req_prod - page->req_cons < 1024; i++)
        page->req[page->req_prod++ & 1023] = data[i];
    return i;
}

static uint32_t guest_get(struct xenstore_domain_interface *page, char *out,
                          uint32_t max)
{
    uint32_t n = 0;

    while (n < max && page->rsp_cons != page->rsp_prod)
        out[n++] = page->rsp[page->rsp_cons++ & 1023];
    return n;
}

static void guest_ask(struct life *l, uint32_t type, uint32_t id,
                      const char *payload, uint32_t len)
{
    struct xsd_sockmsg msg = {type, id, 0, len};

    assert_int_equal(guest_put(&l->page, (char *)&msg, sizeof(msg)),
                     sizeof(msg));
    assert_int_equal(guest_put(&l->page, payload, len), len);
}

static void turn(struct life *l)
{
    int rc;

    assert_true(ring_take(l->ring, &l->page) >= 0);
    keep(l);
    ring_publish(l->ring, &l->page, &rc);
    assert_int_equal(rc, 0);
}

static void test_request_and_reply(void **state)
{
    struct xsd_sockmsg msg;
    struct life l;
    char out[64];

    (void)state;
    begin(&l);
    guest_ask(&l, XS_DIRECTORY, 9, "/tool", 6);
    turn(&l);
    assert_int_equal(l.page.req_cons, l.page.req_prod);
    assert_int_equal(guest_get(&l.page, out, sizeof(out)), 16 + 10);
    memcpy(&msg, out, sizeof(msg));
    assert_int_equal(msg.req_id, 9);
    assert_string_equal(out + 16, "xenstored");
    end(&l);
}

static void test_messages_larger_than_the_ring(void **state)
{
    static char payload[3000], got[3100];
    struct xsd_sockmsg msg = {XS_WRITE, 1, 0, sizeof(payload)};
    uint32_t sent = 0, have = 0;
    struct life l;
    int i;

    (void)state;
    begin(&l);
    memset(payload, 'v', sizeof(payload));
    memcpy(payload, "/big", 5);
    assert_int_equal(guest_put(&l.page, (char *)&msg, sizeof(msg)), 16);
    for (i = 0; i < 20; i++) {
        sent += guest_put(&l.page, payload + sent,
                          (uint32_t)sizeof(payload) - sent);
        turn(&l);
        if (i == 1)
            kill_and_restart(&l); /* half a message is not lost */
    }
    assert_int_equal(sent, sizeof(payload));
    assert_int_equal(guest_get(&l.page, got, 100), 19);
    guest_ask(&l, XS_READ, 2, "/big", 5);
    for (i = 0; i < 20; i++) {
        turn(&l);
        if (i == 1)
            kill_and_restart(&l); /* nor half a reply */
        have += guest_get(&l.page, got + have, (uint32_t)sizeof(got) - have);
    }
    assert_int_equal(have, 16 + sizeof(payload) - 5);
    assert_memory_equal(got + 16, payload + 5, sizeof(payload) - 5);
    end(&l);
}

/* Linux's xb_write() sends no event for bytes behind bytes not yet taken. */
static void test_the_beginning_of_a_message_is_taken(void **state)
{
    struct xsd_sockmsg msg = {XS_READ, 4, 0, 6};
    struct life l;
    char out[64];

    (void)state;
    begin(&l);
    guest_put(&l.page, (char *)&msg, sizeof(msg));
    turn(&l);
    assert_int_equal(l.page.req_cons, l.page.req_prod);
    kill_and_restart(&l);
    guest_put(&l.page, "/tool", 6);
    turn(&l);
    assert_int_equal(guest_get(&l.page, out, sizeof(out)), 16);
    end(&l);
}

static void test_impossible_indices_are_refused(void **state)
{
    struct life l;
    int rc;

    (void)state;
    begin(&l);
    l.page.req_prod = 1025;
    assert_int_equal(ring_take(l.ring, &l.page), -ERANGE);
    l.page.req_prod = 0u - 1;
    assert_int_equal(ring_take(l.ring, &l.page), -ERANGE);
    l.page.req_prod = 0;
    guest_ask(&l, XS_READ, 1, "/", 2);
    assert_int_equal(ring_take(l.ring, &l.page), 18);
    l.page.rsp_cons = 5;
    ring_publish(l.ring, &l.page, &rc);
    assert_int_equal(rc, -ERANGE);
    end(&l);
}

static void test_indices_wrap(void **state)
{
    struct life l;
    char out[64];
    int i;

    (void)state;
    begin(&l);
    l.page.req_cons = l.page.req_prod = 0u - 10;
    l.page.rsp_cons = l.page.rsp_prod = 0u - 20;
    client_reset(l.ring, 0u - 10, 0u - 20);
    for (i = 0; i < 3; i++) {
        guest_ask(&l, XS_READ, 3, "/", 2);
        turn(&l);
        assert_int_equal(guest_get(&l.page, out, sizeof(out)), 16);
        kill_and_restart(&l);
    }
    end(&l);
}

static void test_reset_starts_over(void **state)
{
    struct life l;

    (void)state;
    begin(&l);
    l.page.req_prod = 5;
    l.page.connection = XENSTORE_RECONNECT;
    assert_true(ring_wants_reset(&l.page));
    ring_reset(&l.page);
    assert_false(ring_wants_reset(&l.page));
    assert_int_equal(l.page.req_prod, 0);
    end(&l);
}

/* --- killed anywhere --------------------------------------------------------
 */

static uint64_t random_state;

static unsigned int pick(unsigned int below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned int)(random_state >> 33) % below;
}

struct talk {
    uint32_t asked, answered; /* request ids */
    int value[16];            /* what the guest believes it wrote */
    uint32_t pending_read[64];
    char in[8192];
    uint32_t in_len;
    unsigned int events;
};

/* Check the replies that came: each id once, in order, with the right value. */
static void hear(struct talk *t, struct life *l)
{
    struct xsd_sockmsg msg;
    char text[16];

    t->in_len += guest_get(&l->page, t->in + t->in_len,
                           (uint32_t)sizeof(t->in) - t->in_len);
    while (t->in_len >= sizeof(msg)) {
        memcpy(&msg, t->in, sizeof(msg));
        if (t->in_len < sizeof(msg) + msg.len)
            return;
        if (msg.type == XS_WATCH_EVENT) {
            t->events++;
        } else {
            assert_int_not_equal(msg.type, XS_ERROR);
            assert_int_equal(msg.req_id, ++t->answered);
            if (msg.type == XS_READ) {
                sprintf(text, "%u", t->pending_read[msg.req_id & 63]);
                assert_int_equal(msg.len, strlen(text));
                assert_memory_equal(t->in + sizeof(msg), text, msg.len);
            }
        }
        t->in_len -= (uint32_t)sizeof(msg) + msg.len;
        memmove(t->in, t->in + sizeof(msg) + msg.len, t->in_len);
    }
}

static void say(struct talk *t, struct life *l)
{
    char payload[32];
    int k = (int)pick(16), len;

    if (t->asked - t->answered > 8 ||
        1024 - (l->page.req_prod - l->page.req_cons) < 64)
        return;
    t->asked++;
    if (t->value[k] < 0 || pick(2)) {
        t->value[k] = (int)t->asked;
        len = sprintf(payload, "/k%d%c%d", k, 0, t->value[k]);
        guest_ask(l, XS_WRITE, t->asked, payload, (uint32_t)len);
    } else {
        t->pending_read[t->asked & 63] = (uint32_t)t->value[k];
        len = sprintf(payload, "/k%d", k) + 1;
        guest_ask(l, XS_READ, t->asked, payload, (uint32_t)len);
    }
}

/* One turn of the daemon, cut off at a random point. */
static void turn_until_killed(struct life *l)
{
    unsigned int stop = pick(4);
    int rc;

    ring_take(l->ring, &l->page);
    if (stop == 0)
        return;
    keep(l);
    if (stop == 1)
        return;
    if (stop == 2) {
        l->page.req_cons = client_in_pos(l->ring);
        return;
    }
    ring_publish(l->ring, &l->page, &rc);
}

static void test_each_request_is_answered_once_across_kills(void **state)
{
    struct talk t = {0};
    struct life l;
    int i, k;

    (void)state;
    begin(&l);
    random_state = 7;
    for (k = 0; k < 16; k++)
        t.value[k] = -1;
    guest_ask(&l, XS_WATCH, ++t.asked, "/k1\0t", 6);
    for (i = 0; i < 30000; i++) {
        say(&t, &l);
        if (pick(10) == 0) {
            turn_until_killed(&l);
            kill_and_restart(&l);
            if (pick(5) == 0) { /* and the journal begins anew */
                struct buf b = {0};

                journal_snapshot(l.w.s, &b);
                l.kept.data = realloc(l.kept.data, buf_len(&b));
                memcpy(l.kept.data, buf_head(&b), buf_len(&b));
                l.kept.len = buf_len(&b);
                buf_free(&b);
            }
        } else {
            turn(&l);
        }
        if (pick(3))
            hear(&t, &l);
    }
    for (i = 0; i < 50; i++) {
        turn(&l);
        hear(&t, &l);
    }
    assert_int_equal(t.asked, t.answered);
    assert_true(t.asked > 10000);
    assert_true(t.events > 100);
    end(&l);
}

static void test_watches_transactions_and_domains_live_on(void **state)
{
    struct client *c;
    struct life l;
    uint32_t tx;

    (void)state;
    begin(&l);
    c = l.ring;
    assert_string_equal(ask_s(c, XS_INTRODUCE, 0, "5", "1", "3"), "OK");
    assert_string_equal(ask_s(c, XS_WATCH, 0, "/w", "tok", NULL), "OK");
    assert_string_equal(do_perms(c, 0, "/tool", "n5", "r6"), "OK");
    assert_string_equal(do_perms(c, 0, "@releaseDomain", "n0", "r5"), "OK");
    assert_string_equal(
        ask(c, XS_CONTROL, 0, "quota\0set\0nodes\00077", 19)->data, "OK");
    tx = do_start(c);
    assert_string_equal(do_write(c, tx, "/in/tx", "1"), "OK");
    store_domain(l.w.s, 0)->client->out_pos = 0; /* as the page has it */
    client_reset(store_domain(l.w.s, 5)->client, 1, 2);
    keep(&l);
    client_sent(c, buf_len(&c->out));
    l.page.rsp_prod = l.page.rsp_cons = (uint32_t)c->out_pos;
    store_journal(l.w.s, false);
    store_destroy(l.w.s);
    world_init(&l.w);
    {
        const char *why;
        size_t at;

        assert_int_equal(
            journal_replay(l.w.s, l.kept.data, l.kept.len, &why, &at), 0);
    }
    c = store_domain(l.w.s, 0)->client;
    client_sent(c, buf_len(&c->out));
    assert_string_equal(ask_s(c, XS_IS_DOMAIN_INTRODUCED, 0, "5", NULL, NULL),
                        "T");
    assert_int_equal(store_domain(l.w.s, 5)->port, 3);
    assert_int_equal(client_in_pos(store_domain(l.w.s, 5)->client), 1);
    assert_int_equal(client_out_start(store_domain(l.w.s, 5)->client), 2);
    assert_int_equal(l.w.s->limit[QUOTA_NODES], 77);
    assert_string_equal(ask_s(c, XS_WATCH, 0, "/w", "tok", NULL), "E:EEXIST");
    assert_string_equal(do_read(c, tx, "/in/tx"), "1");
    assert_string_equal(do_end(c, tx, "T"), "OK");
    assert_string_equal(do_read(c, 0, "/in/tx"), "1");
    end(&l);
}

static void test_nonsense_in_a_journal_is_refused(void **state)
{
    struct life l;
    const char *why;
    size_t at, i;

    (void)state;
    begin(&l);
    assert_string_equal(do_write(l.ring, 0, "/a/b", "c"), "OK");
    keep(&l);
    for (i = 0; i < l.kept.len * 8; i += 3) {
        struct world w;

        l.kept.data[i / 8] ^= (char)(1 << i % 8);
        world_init(&w);
        journal_replay(w.s, l.kept.data, l.kept.len, &why, &at);
        store_destroy(w.s);
        l.kept.data[i / 8] ^= (char)(1 << i % 8);
    }
    assert_int_equal(
        journal_replay(l.w.s, l.kept.data, l.kept.len - 1, &why, &at), -EINVAL);
    free(l.kept.data);
    store_journal(l.w.s, false);
    store_destroy(l.w.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_reply),
        cmocka_unit_test(test_messages_larger_than_the_ring),
        cmocka_unit_test(test_the_beginning_of_a_message_is_taken),
        cmocka_unit_test(test_impossible_indices_are_refused),
        cmocka_unit_test(test_indices_wrap),
        cmocka_unit_test(test_reset_starts_over),
        cmocka_unit_test(test_each_request_is_answered_once_across_kills),
        cmocka_unit_test(test_watches_transactions_and_domains_live_on),
        cmocka_unit_test(test_nonsense_in_a_journal_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
