/*
 * A store that is restarted from its journal at any moment, also in the middle
 * of transactions, gives the same answers as one that never was: two stores get
 * the same random requests, one of them lives many lives.
 * sources: $(xs-core-src) xenstore/transport/conn.c
 */
#include "tests/unit/xenstore/world.h"

#define CLIENTS 4
#define OPEN    3 /* transactions of a client at a time */

static struct world still, mortal;
static struct client *one[CLIENTS], *other[CLIENTS]; /* of the same ids */
static uint32_t tx[CLIENTS][OPEN];
static struct buf kept; /* the mortal one's journal */

static int setup(void **state)
{
    uint32_t k;

    (void)state;
    memset(tx, 0, sizeof(tx));
    world_init(&still);
    world_init(&mortal);
    journal_snapshot(mortal.s, &kept);
    store_journal(mortal.s, true);
    for (k = 0; k < CLIENTS; k++) {
        one[k] = client_open_held(still.s, k);
        other[k] = client_open_held(mortal.s, k);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_journal(mortal.s, false);
    world_done(&still);
    world_done(&mortal);
    buf_free(&kept);
    return 0;
}

/* --- the same to both -------------------------------------------------------
 */

static char answer[XENSTORE_PAYLOAD_MAX + 1];

static void both(unsigned int k, uint32_t type, uint32_t t, const char *payload,
                 size_t len)
{
    strcpy(answer, ask(one[k], type, t, payload, len)->data);
    EQ(ask(other[k], type, t, payload, len)->data, answer);
}

static uint64_t random_state;

static unsigned int pick(unsigned int below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned int)(random_state >> 33) % below;
}

static size_t random_path(char *out)
{
    unsigned int depth = 1 + pick(3);
    size_t len = 0;

    while (depth--)
        len += (size_t)sprintf(out + len, "/%c", 'a' + (char)pick(4));
    return len + 1;
}

static void random_request(unsigned int k, uint32_t t)
{
    static const uint32_t types[] = {
        XS_READ,      XS_READ,  XS_WRITE,     XS_WRITE,     XS_WRITE,
        XS_DIRECTORY, XS_MKDIR, XS_GET_PERMS, XS_SET_PERMS, XS_RM};
    uint32_t type = types[pick(10)];
    char payload[64];
    size_t len = random_path(payload);

    if (type == XS_WRITE)
        len += (size_t)sprintf(payload + len, "%u", pick(5));
    if (type == XS_SET_PERMS)
        len += (size_t)sprintf(payload + len, "n%u", pick(3)) + 1;
    both(k, type, t, payload, len);
}

/* How a transaction ended. */
static struct {
    unsigned int committed, conflicts;
} ends;

static void end_one(unsigned int k, uint32_t *t)
{
    bool commit = pick(5) != 0;

    both(k, XS_TRANSACTION_END, *t, commit ? "T" : "F", 2);
    ends.committed += commit && !strcmp(answer, "OK");
    ends.conflicts += !strcmp(answer, "E:EAGAIN");
    *t = 0;
}

static void step(void)
{
    unsigned int k = pick(CLIENTS), n = pick(OPEN);

    if (pick(4) == 0) {
        random_request(k, 0);
    } else if (!tx[k][n]) {
        both(k, XS_TRANSACTION_START, 0, "", 1);
        tx[k][n] = (uint32_t)atoi(answer);
    } else if (pick(6) == 0) {
        end_one(k, &tx[k][n]);
    } else {
        random_request(k, tx[k][n]);
    }
}

static void test_transactions_outlive_restarts(void **state)
{
    int i;

    (void)state;
    random_state = 3;
    memset(&ends, 0, sizeof(ends));
    for (i = 0; i < 40000; i++) {
        step();
        if (pick(40) == 0)
            world_restart(&mortal, &kept, pick(2), other, CLIENTS);
    }
    print_message("%u committed, %u conflicts\n", ends.committed,
                  ends.conflicts);
    assert_true(ends.committed > 500);
    assert_true(ends.conflicts > 500);
}

/* What it has not looked at yet is in its snapshot, too. */
static void test_a_snapshot_is_as_it_was(void **state)
{
    uint32_t t, u;

    (void)state;
    EQ(do_write(other[0], 0, "/a/x", "1"), "OK");
    t = do_start(other[1]);
    EQ(do_write(other[0], 0, "/a/x", "2"), "OK");
    EQ(do_write(other[0], 0, "/a/y", "2"), "OK");
    u = do_start(other[2]);
    EQ(do_rm(other[0], 0, "/a"), "OK");
    world_restart(&mortal, &kept, true, other, CLIENTS);
    world_restart(&mortal, &kept, false, other, CLIENTS);
    EQ(do_read(other[1], t, "/a/x"), "1");
    EQ(do_list(other[1], t, "/a"), "x");
    EQ(do_list(other[2], u, "/a"), "x,y");
    EQ(do_read(other[0], 0, "/a"), "E:ENOENT");
    EQ(do_end(other[1], t, "T"), "E:EAGAIN");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_transactions_outlive_restarts),
        T(test_a_snapshot_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
