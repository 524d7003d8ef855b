/*
 * Transactions: what they see, when they fail, and, against a simple model fed
 * with random histories of several clients, that committed ones are as if each
 * had happened at once at its end.
 * sources: $(xs-core-src) xenstore/transport/conn.c
 */
#include "tests/unit/xenstore/world.h"

static struct world w;
static struct client *c, *d;

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    c = client_open(w.s);
    d = client_open(w.s);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_done(&w);
    return 0;
}

static void test_a_transaction_sees_a_snapshot_and_itself(void **state)
{
    uint32_t t;

    (void)state;
    EQ(do_write(c, 0, "/a", "1"), "OK");
    t = do_start(c);
    assert_int_equal(t, 1);
    EQ(do_write(d, 0, "/a", "2"), "OK");
    EQ(do_write(d, 0, "/new", "2"), "OK");
    EQ(do_read(c, t, "/a"), "1");
    EQ(do_read(c, t, "/new"), "E:ENOENT");
    EQ(do_write(c, t, "/mine", "3"), "OK");
    EQ(do_read(c, t, "/mine"), "3");
    EQ(do_read(c, 0, "/mine"), "E:ENOENT");
    EQ(do_list(c, t, "/"), "a,mine,tool");
    EQ(do_end(c, t, "T"), "E:EAGAIN");
    EQ(do_end(c, t, "T"), "E:ENOENT");
    EQ(do_read(c, 0, "/mine"), "E:ENOENT");
}

static void test_forms(void **state)
{
    uint32_t t = do_start(c);

    (void)state;
    EQ(ask_s(c, XS_TRANSACTION_START, t, "", NULL, NULL), "E:EBUSY");
    EQ(do_end(c, t, "X"), "E:EINVAL");
    EQ(do_end(d, t, "T"), "E:ENOENT"); /* ids are per connection */
    EQ(do_end(c, t, "F"), "OK");
    EQ(do_end(c, 0, "T"), "E:ENOENT");
}

static void test_unrelated_changes_do_not_matter(void **state)
{
    uint32_t t = do_start(c);

    (void)state;
    EQ(do_write(c, t, "/dir/mine", "1"), "OK");
    EQ(do_write(d, 0, "/other", "1"), "OK");
    EQ(do_end(c, t, "T"), "OK");
}

static void test_siblings_under_one_parent_do_not_conflict(void **state)
{
    uint32_t t, u;

    (void)state;
    EQ(do_mkdir(c, 0, "/p"), "OK");
    t = do_start(c);
    u = do_start(d);
    EQ(do_write(c, t, "/p/c", "1"), "OK");
    EQ(do_write(d, u, "/p/d", "1"), "OK");
    EQ(do_end(c, t, "T"), "OK");
    EQ(do_end(d, u, "T"), "OK");
    EQ(do_list(c, 0, "/p"), "c,d");
}

static void test_a_listing_conflicts_with_a_new_name(void **state)
{
    uint32_t t;

    (void)state;
    EQ(do_write(c, 0, "/p/a", "1"), "OK");
    t = do_start(c);
    EQ(do_list(c, t, "/p"), "a");
    EQ(do_write(d, 0, "/p/a", "2"), "OK"); /* not of the list */
    EQ(do_end(c, t, "T"), "OK");
    t = do_start(c);
    EQ(do_list(c, t, "/p"), "a");
    EQ(do_write(d, 0, "/p/b", "2"), "OK");
    EQ(do_end(c, t, "T"), "E:EAGAIN");
}

static void test_absence_is_something_read(void **state)
{
    uint32_t t = do_start(c);

    (void)state;
    EQ(do_read(c, t, "/n"), "E:ENOENT");
    EQ(do_write(d, 0, "/n", "1"), "OK");
    EQ(do_end(c, t, "T"), "E:EAGAIN");
}

static void test_the_state_change_of_a_frontend(void **state)
{
    uint32_t t;

    (void)state;
    EQ(do_write(c, 0, "/state", "3"), "OK");
    t = do_start(c);
    EQ(do_read(c, t, "/state"), "3");
    EQ(do_write(c, t, "/state", "4"), "OK");
    EQ(do_write(d, 0, "/state", "5"), "OK");
    EQ(do_end(c, t, "T"), "E:EAGAIN");
    EQ(do_read(c, 0, "/state"), "5");
}

static void test_removed_and_written_again(void **state)
{
    uint32_t t;

    (void)state;
    EQ(do_write(c, 0, "/a/b", "1"), "OK");
    t = do_start(c);
    EQ(do_rm(c, t, "/a"), "OK");
    EQ(do_write(c, t, "/a/c", "2"), "OK");
    EQ(do_write(c, t, "/a/c", "3"), "OK");
    EQ(do_end(c, t, "T"), "OK");
    EQ(do_list(c, 0, "/a"), "c");
    EQ(do_read(c, 0, "/a/c"), "3");
}

static void test_start_does_not_depend_on_size(void **state)
{
    char path[32];
    size_t before;
    int i;

    (void)state;
    for (i = 0; i < 3000; i++) {
        sprintf(path, "/d%d/n%d", i / 50, i);
        EQ(do_write(c, 0, path, "v"), "OK");
    }
    before = w.s->root->refs;
    do_start(c);
    assert_int_equal(w.s->root->refs, before + 2);
}

/* --- the model --------------------------------------------------------------
 */

/* Every path of up to three components "a".."c": small, so that they meet. */
#define NAMES    3
#define UNIVERSE (NAMES + NAMES * NAMES + NAMES * NAMES * NAMES)

struct model {
    bool exists[UNIVERSE];
    int value[UNIVERSE];
};

static char paths[UNIVERSE][8];

static void name_paths(void)
{
    int i, j, k, n = 0;

    for (i = 0; i < NAMES; i++) {
        sprintf(paths[n++], "/%c", 'a' + i);
        for (j = 0; j < NAMES; j++) {
            sprintf(paths[n++], "/%c/%c", 'a' + i, 'a' + j);
            for (k = 0; k < NAMES; k++)
                sprintf(paths[n++], "/%c/%c/%c", 'a' + i, 'a' + j, 'a' + k);
        }
    }
    assert_int_equal(n, UNIVERSE);
}

static int parent_of(int p)
{
    int i;

    if (strlen(paths[p]) == 2)
        return -1;
    for (i = p - 1; strncmp(paths[i], paths[p], strlen(paths[p]) - 2) ||
                    strlen(paths[i]) + 2 != strlen(paths[p]);
         i--)
        ;
    return i;
}

static bool is_below(int p, int top)
{
    return !strncmp(paths[p], paths[top], strlen(paths[top]));
}

static void model_make(struct model *m, int p)
{
    for (; p >= 0 && !m->exists[p]; p = parent_of(p)) {
        m->exists[p] = true;
        m->value[p] = -1;
    }
}

enum verb { READ, LIST, WRITE, MKDIR, RM, VERBS };

struct step {
    enum verb verb;
    int path, value;
    char answer[64];
};

/* What the step does to the model, and its answer. */
static void model_do(struct model *m, const struct step *s, char *out)
{
    int i, up = parent_of(s->path);
    size_t len = 0;

    strcpy(out, "OK");
    switch (s->verb) {
    case READ:
        if (!m->exists[s->path])
            strcpy(out, "E:ENOENT");
        else if (m->value[s->path] < 0)
            strcpy(out, "");
        else
            sprintf(out, "%d", m->value[s->path]);
        break;
    case LIST:
        if (!m->exists[s->path]) {
            strcpy(out, "E:ENOENT");
            break;
        }
        out[0] = '\0';
        for (i = 0; i < UNIVERSE; i++)
            if (m->exists[i] && parent_of(i) == s->path)
                len += (size_t)sprintf(out + len, "%s%s", len ? "," : "",
                                       strrchr(paths[i], '/') + 1);
        break;
    case WRITE:
        model_make(m, s->path);
        m->value[s->path] = s->value;
        break;
    case MKDIR:
        model_make(m, s->path);
        break;
    case RM:
        if (!m->exists[s->path] && up >= 0 && !m->exists[up])
            strcpy(out, "E:ENOENT");
        for (i = 0; i < UNIVERSE; i++)
            if (is_below(i, s->path))
                m->exists[i] = false;
        break;
    default:
        break;
    }
}

static void store_do(struct client *who, uint32_t tx, const struct step *s,
                     char *out)
{
    const char *path = paths[s->path], *got = "";
    char value[16];

    sprintf(value, "%d", s->value);
    switch (s->verb) {
    case READ:
        got = do_read(who, tx, path);
        break;
    case LIST:
        got = do_list(who, tx, path);
        break;
    case WRITE:
        got = do_write(who, tx, path, value);
        break;
    case MKDIR:
        got = do_mkdir(who, tx, path);
        break;
    case RM:
        got = do_rm(who, tx, path);
        break;
    default:
        break;
    }
    assert_true(strlen(got) < sizeof(s->answer));
    strcpy(out, got);
}

static uint64_t random_state;

static unsigned int pick(unsigned int below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned int)(random_state >> 33) % below;
}

static void random_step(struct step *s)
{
    s->verb = (enum verb)pick(VERBS + 2);
    if (s->verb >= VERBS)
        s->verb = s->verb == VERBS ? WRITE : READ;
    s->path = (int)pick(UNIVERSE);
    s->value = (int)pick(1000);
}

static void same_as_model(struct client *who, struct model *m)
{
    struct step s = {READ, 0, 0, ""};
    char want[64], got[64];

    for (s.path = 0; s.path < UNIVERSE; s.path++) {
        model_do(m, &s, want);
        store_do(who, 0, &s, got);
        EQ(got, want);
    }
}

static void test_random_requests_match_the_model(void **state)
{
    struct model m = {0};
    struct step s;
    char want[64];
    int i;

    (void)state;
    random_state = 1;
    for (i = 0; i < 20000; i++) {
        random_step(&s);
        store_do(c, 0, &s, s.answer);
        model_do(&m, &s, want);
        EQ(s.answer, want);
    }
    same_as_model(c, &m);
}

#define CLIENTS 4
#define STEPS   8

struct history {
    struct client *c;
    uint32_t tx;
    struct step step[STEPS];
    int nr;
};

/* Do the history again on the model: whether every answer is the same. */
static bool replay(struct history *h, struct model *m)
{
    char want[64];
    bool same = true;
    int i;

    for (i = 0; i < h->nr; i++) {
        model_do(m, &h->step[i], want);
        same = same && !strcmp(want, h->step[i].answer);
    }
    return same;
}

static void end_history(struct history *h, struct model *m,
                        unsigned int *commits, unsigned int *needless)
{
    struct model tried = *m;
    bool serial = replay(h, &tried);

    if (pick(8) == 0) {
        EQ(do_end(h->c, h->tx, "F"), "OK");
    } else if (!strcmp(do_end(h->c, h->tx, "T"), "OK")) {
        assert_true(serial);
        *m = tried;
        ++*commits;
    } else {
        *needless += serial;
    }
    h->tx = 0;
    h->nr = 0;
}

static void test_random_transactions_are_serialisable(void **state)
{
    struct history h[CLIENTS] = {0};
    struct model m = {0};
    unsigned int commits = 0, needless = 0;
    struct step s;
    char want[64];
    int i, k;

    (void)state;
    random_state = 42;
    for (k = 0; k < CLIENTS; k++)
        h[k].c = client_open(w.s);
    for (i = 0; i < 60000; i++) {
        struct history *now = &h[pick(CLIENTS)];

        if (now->c != h[0].c && !now->tx) {
            now->tx = do_start(now->c);
        } else if (now->tx && (now->nr == STEPS || pick(6) == 0)) {
            end_history(now, &m, &commits, &needless);
        } else if (now->tx) {
            random_step(&now->step[now->nr]);
            store_do(now->c, now->tx, &now->step[now->nr],
                     now->step[now->nr].answer);
            now->nr++;
        } else if (pick(4) == 0) {
            random_step(&s);
            store_do(now->c, 0, &s, s.answer);
            model_do(&m, &s, want);
            EQ(s.answer, want);
        }
    }
    same_as_model(h[0].c, &m);
    assert_true(commits > 2000);
    /*
     * By its answers alone one that was refused might have done: what a new
     * node inherits from its parent, for one, no answer shows.
     */
    print_message("%u commits, %u refused with the same answers\n", commits,
                  needless);
    assert_true(needless < commits);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_transaction_sees_a_snapshot_and_itself),
        T(test_forms),
        T(test_unrelated_changes_do_not_matter),
        T(test_siblings_under_one_parent_do_not_conflict),
        T(test_a_listing_conflicts_with_a_new_name),
        T(test_absence_is_something_read),
        T(test_the_state_change_of_a_frontend),
        T(test_removed_and_written_again),
        T(test_start_does_not_depend_on_size),
        T(test_random_requests_match_the_model),
        T(test_random_transactions_are_serialisable),
    };

    name_paths();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
