/*
 * Every order in which the requests of two or three clients can come in, of
 * small scripts chosen to get into each other's way: a committed transaction is
 * as if it had happened at once at its end, and one is refused only when its
 * answers would differ by then, or when somebody else changed what it wrote. In
 * each 16th order the store is restarted from its journal, somewhere.
 * sources: $(xs-core-src) xenstore/transport/conn.c
 */
#include "tests/unit/xenstore/world.h"
#include "xenstore/core/tree.h"

#define CLIENTS 3
#define STEPS   5 /* of a script, START and END included */
#define ANSWER  128

/* "%" in a path or value is the client's letter. */
struct step {
    uint32_t type;
    const char *path, *value;
};

struct script {
    bool in_transaction;
    int nr;
    struct step step[STEPS - 2];
};

#define R(path)                                                                \
    {                                                                          \
        XS_READ, path, ""                                                      \
    }
#define W(path, value)                                                         \
    {                                                                          \
        XS_WRITE, path, value                                                  \
    }
#define L(path)                                                                \
    {                                                                          \
        XS_DIRECTORY, path, ""                                                 \
    }
#define M(path)                                                                \
    {                                                                          \
        XS_MKDIR, path, ""                                                     \
    }
#define D(path)                                                                \
    {                                                                          \
        XS_RM, path, ""                                                        \
    }
#define P(path, value)                                                         \
    {                                                                          \
        XS_SET_PERMS, path, value                                              \
    }
#define G(path)                                                                \
    {                                                                          \
        XS_GET_PERMS, path, ""                                                 \
    }

static const struct script scripts[] = {
    {true, 2, {R("/t/a"), W("/t/a", "%")}},
    {true, 2, {R("/t/a"), W("/t/b", "%")}},
    {true, 2, {R("/t/b"), W("/t/a", "%")}},
    {true, 2, {W("/t/a", "%"), R("/t/a")}},
    {true, 2, {W("/t/%", "1"), W("/t/sub/%", "1")}},
    {true, 2, {L("/t"), W("/t/%", "1")}},
    {true, 2, {R("/t/new"), W("/t/new", "%")}},
    {true, 2, {D("/t/a"), W("/t/a", "%")}},
    {true, 3, {D("/t"), M("/t"), W("/t/%", "1")}},
    {true, 2, {G("/t/b"), P("/t/a", "n0")}},
    {true, 2, {L("/t/sub"), D("/t/sub")}},
    {false, 2, {W("/t/a", "%"), R("/t/b")}},
    {false, 2, {D("/t/a"), W("/t/sub/%", "2")}},
    {false, 2, {P("/t/b", "r1"), M("/t/new")}},
};

#define SCRIPTS ((int)(sizeof(scripts) / sizeof(scripts[0])))

struct player {
    const struct script *script;
    struct client *c, *serial; /* in the store, and where nobody interferes */
    uint32_t tx;
    int at; /* the next of its steps */
    char answer[STEPS][ANSWER];
};

static struct player player[CLIENTS];
static int players;
static struct world mortal, serial;
static struct buf kept; /* the mortal one's journal */
static unsigned long nr_orders, nr_commits, nr_refused;

static int steps_of(const struct script *s)
{
    return s->nr + 2 * s->in_transaction;
}

/* --- the stores -------------------------------------------------------------
 */

static void plant(struct client *c)
{
    do_rm(c, 0, "/t");
    EQ(do_write(c, 0, "/t/a", "a"), "OK");
    EQ(do_write(c, 0, "/t/b", "b"), "OK");
    EQ(do_write(c, 0, "/t/sub/x", "x"), "OK");
}

static int setup(void **state)
{
    (void)state;
    world_init(&mortal);
    world_init(&serial);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_journal(mortal.s, false);
    world_done(&mortal);
    world_done(&serial);
    buf_free(&kept);
    return 0;
}

static void begin(bool keep)
{
    struct client *c = client_open(mortal.s), *d = client_open(serial.s);
    int k;

    plant(c);
    plant(d);
    client_close(c);
    client_close(d);
    buf_clear(&kept);
    if (keep)
        journal_snapshot(mortal.s, &kept);
    store_journal(mortal.s, keep);
    for (k = 0; k < players; k++) {
        player[k].c = client_open_held(mortal.s, (uint32_t)k);
        player[k].serial = client_open(serial.s);
        player[k].at = 0;
        player[k].tx = 0;
    }
}

static void restart(void)
{
    struct client *c[CLIENTS];
    int k;

    for (k = 0; k < players; k++)
        c[k] = player[k].c;
    world_restart(&mortal, &kept, false, c, (uint32_t)players);
    for (k = 0; k < players; k++)
        player[k].c = c[k];
}

struct dump {
    char text[1024];
    size_t len;
};

static void dump_node(const char *path, struct node *n, void *arg)
{
    struct dump *d = arg;
    size_t room = sizeof(d->text) - d->len;
    int len =
        snprintf(d->text + d->len, room, "%s=%.*s %c%u;", path,
                 (int)n->value_len, node_value(n),
                 "nrwb"[n->perms->list[0].bits], n -> perms -> list[0].domid);

    assert_true(len > 0 && (size_t)len < room);
    d->len += (size_t)len;
}

static const char *dump(struct store *s, struct dump *d)
{
    char path[PATH_BYTES] = "/";

    d->len = 0;
    tree_walk(s->root, path, 1, dump_node, d);
    return d->text;
}

static void end(void)
{
    struct dump is, want;
    int k;

    EQ(dump(mortal.s, &is), dump(serial.s, &want));
    for (k = 0; k < players; k++) {
        client_close(player[k].c);
        client_close(player[k].serial);
    }
    store_records_taken(mortal.s);
}

/* --- steps ------------------------------------------------------------------
 */

static void fill_in(char *out, const char *text, int k)
{
    for (; *text; text++)
        *out++ = *text == '%' ? (char)('p' + k) : *text;
    *out = '\0';
}

static void do_step(struct client *c, uint32_t tx, const struct step *s, int k,
                    char *answer)
{
    char payload[64], *end_of_path;
    struct answer *a;
    size_t len, i;

    fill_in(payload, s->path, k);
    len = strlen(payload) + 1;
    end_of_path = payload + len;
    fill_in(end_of_path, s->value, k);
    if (*s->value)
        len += strlen(end_of_path) + (s->type == XS_SET_PERMS);
    a = ask(c, s->type, tx, payload, len);
    for (i = 0; i + 1 < a->len; i++)
        if (!a->data[i])
            a->data[i] = ',';
    assert_true(a->len < ANSWER);
    strcpy(answer, a->data);
}

static bool is_change(const struct step *s)
{
    return s->type == XS_WRITE || s->type == XS_MKDIR || s->type == XS_RM ||
           s->type == XS_SET_PERMS;
}

/* Whether of two changes one makes, unmakes or changes what the other does. */
static bool meet(const struct step *a, const struct step *b)
{
    if (!is_change(a) || !is_change(b))
        return false;
    if (a->type == XS_RM && !strncmp(a->path, b->path, strlen(a->path)))
        return true;
    if (b->type == XS_RM && !strncmp(a->path, b->path, strlen(b->path)))
        return true;
    return !strcmp(a->path, b->path) && !strchr(a->path, '%');
}

/* Whether another's script changes what player `k` changes. */
static bool was_overwritten(int k)
{
    const struct script *s = player[k].script, *o;
    int i, j, n;

    for (n = 0; n < players; n++) {
        o = player[n].script;
        for (i = 0; n != k && i < s->nr; i++)
            for (j = 0; j < o->nr; j++)
                if (meet(&s->step[i], &o->step[j]))
                    return true;
    }
    return false;
}

/* All of it again where nobody interferes: whether the answers are the same. */
static bool again(struct player *p, int k, uint32_t tx)
{
    char want[ANSWER];
    bool same = true;
    int i;

    for (i = 0; i < p->script->nr; i++) {
        do_step(p->serial, tx, &p->script->step[i], k, want);
        same = same && !strcmp(want, p->answer[i]);
    }
    return same;
}

static void end_transaction(struct player *p, int k)
{
    uint32_t tx = do_start(p->serial);
    bool same = again(p, k, tx);
    bool committed = !strcmp(do_end(p->c, p->tx, "T"), "OK");

    if (committed)
        assert_true(same);
    else
        assert_true(!same || was_overwritten(k));
    EQ(do_end(p->serial, tx, committed ? "T" : "F"), "OK");
    nr_commits += committed;
    nr_refused += !committed;
}

static void play(int k)
{
    struct player *p = &player[k];
    int i = p->at++ - p->script->in_transaction;
    char want[ANSWER];

    if (i < 0) {
        p->tx = do_start(p->c);
    } else if (i == p->script->nr) {
        end_transaction(p, k);
    } else {
        do_step(p->c, p->tx, &p->script->step[i], k, p->answer[i]);
        if (p->tx)
            return;
        do_step(p->serial, 0, &p->script->step[i], k, want);
        EQ(p->answer[i], want);
    }
}

/* --- orders -----------------------------------------------------------------
 */

static void run(const int *order, int len)
{
    bool dies = nr_orders % 16 == 0;
    int dies_at = (int)(nr_orders / 16 % (unsigned long)len), i;

    begin(dies);
    for (i = 0; i < len; i++) {
        if (dies && i == dies_at)
            restart();
        play(order[i]);
    }
    end();
    nr_orders++;
}

/* The orders that begin with order[0..len), in which player k has used[k]. */
static void explore(int *order, int len, int *used)
{
    bool is_whole = true;
    int k;

    for (k = 0; k < players; k++) {
        if (used[k] == steps_of(player[k].script))
            continue;
        is_whole = false;
        used[k]++;
        order[len] = k;
        explore(order, len + 1, used);
        used[k]--;
    }
    if (is_whole)
        run(order, len);
}

static void explore_all(void)
{
    int order[CLIENTS * STEPS], used[CLIENTS] = {0};

    explore(order, 0, used);
}

static void say_what_was_seen(void)
{
    print_message("%lu orders, %lu transactions committed, %lu refused\n",
                  nr_orders, nr_commits, nr_refused);
    nr_orders = nr_commits = nr_refused = 0;
}

static void test_two_clients_in_every_order(void **state)
{
    int i, j;

    (void)state;
    players = 2;
    for (i = 0; i < SCRIPTS; i++)
        for (j = i; j < SCRIPTS; j++) {
            player[0].script = &scripts[i];
            player[1].script = &scripts[j];
            explore_all();
        }
    assert_true(nr_refused > 1000 && nr_commits > 4 * nr_refused / 3);
    say_what_was_seen();
}

static void test_three_clients_in_every_order(void **state)
{
    static const int three[][CLIENTS] = {{0, 5, 11}, {1, 2, 12}};
    size_t i;
    int k;

    (void)state;
    players = 3;
    for (i = 0; i < sizeof(three) / sizeof(three[0]); i++) {
        for (k = 0; k < CLIENTS; k++)
            player[k].script = &scripts[three[i][k]];
        explore_all();
    }
    assert_true(nr_refused > 500);
    say_what_was_seen();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_two_clients_in_every_order),
        T(test_three_clients_in_every_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
