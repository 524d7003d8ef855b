#include "tests/unit/dom0/xs-fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NODES_MAX 600

struct entry {
    char path[160], value[200];
};
struct tree {
    struct entry nodes[NODES_MAX];
    unsigned nr;
};

struct xs_handle {
    int fd;
    unsigned watches;
    bool event;
};

void (*xs_fake_step)(void);
enum xs_fake_backends xs_fake_backends;
unsigned xs_fake_introduced;

static struct tree store, txn;
static bool in_txn;

static void step(void)
{
    if (xs_fake_step)
        xs_fake_step();
}

static struct tree *tree_of(xs_transaction_t t)
{
    return t ? &txn : &store;
}

static struct entry *find(struct tree *t, const char *path)
{
    unsigned i;

    for (i = 0; i < t->nr; i++)
        if (!strcmp(t->nodes[i].path, path))
            return &t->nodes[i];
    return NULL;
}

static bool is_under(const char *path, const char *top)
{
    size_t n = strlen(top);

    return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

static void set(struct tree *t, const char *path, const char *value, size_t len)
{
    struct entry *e = find(t, path);

    if (!e) {
        if (t->nr == NODES_MAX)
            abort();
        e = &t->nodes[t->nr++];
        snprintf(e->path, sizeof(e->path), "%s", path);
    }
    if (len >= sizeof(e->value))
        abort();
    memcpy(e->value, value, len);
    e->value[len] = 0;
}

static void drop(struct tree *t, const char *path)
{
    unsigned i;

    for (i = 0; i < t->nr;)
        if (is_under(t->nodes[i].path, path))
            t->nodes[i] = t->nodes[--t->nr];
        else
            i++;
}

/* --- the other side --------------------------------------------------------*/

static void backend_answers(const char *dir)
{
    char path[200];
    struct entry *e;

    snprintf(path, sizeof(path), "%s/hotplug-status", dir);
    if (!find(&store, path))
        set(&store, path,
            xs_fake_backends == BACKENDS_FAIL ? "error" : "connected",
            xs_fake_backends == BACKENDS_FAIL ? 5 : 9);
    if (xs_fake_backends == BACKENDS_FAIL) {
        snprintf(path, sizeof(path), "%s/hotplug-error", dir);
        set(&store, path, "it is broken", 12);
    }
    snprintf(path, sizeof(path), "%s/state", dir);
    e = find(&store, path);
    if (e && !strcmp(e->value, "5"))
        strcpy(e->value, "6");
}

/* Look at every device directory, as a backend that just saw a change. */
static void backends_run(void)
{
    unsigned i, domid, devid, nr = store.nr;
    char class[16], dir[120];
    int end;

    if (xs_fake_backends == BACKENDS_SILENT)
        return;
    for (i = 0; i < nr; i++) {
        end = 0;
        if (sscanf(store.nodes[i].path,
                   "/local/domain/0/backend/%15[a-z]/%u/%u/frontend%n", class,
                   &domid, &devid, &end) == 3 &&
            end && !store.nodes[i].path[end] && strcmp(class, "console")) {
            snprintf(dir, sizeof(dir), "/local/domain/0/backend/%s/%u/%u",
                     class, domid, devid);
            backend_answers(dir);
        }
    }
}

/* --- for tests -------------------------------------------------------------*/

void xs_fake_reset(void)
{
    store.nr = txn.nr = 0;
    in_txn = false;
    xs_fake_step = NULL;
    xs_fake_backends = BACKENDS_WORK;
    xs_fake_introduced = 0;
}

void xs_fake_disconnect(void)
{
    in_txn = false;
}

unsigned xs_fake_count(const char *path)
{
    unsigned i, n = 0;

    for (i = 0; i < store.nr; i++)
        n += is_under(store.nodes[i].path, path);
    return n;
}

const char *xs_fake_value(const char *path)
{
    struct entry *e = find(&store, path);

    return e ? e->value : NULL;
}

void xs_fake_set(const char *path, const char *value)
{
    set(&store, path, value, strlen(value));
}

/* --- the library's calls ---------------------------------------------------*/

struct xs_handle *xs_open(unsigned long flags)
{
    struct xs_handle *h = calloc(1, sizeof(*h));

    (void)flags;
    step();
    h->fd = eventfd(0, EFD_NONBLOCK);
    return h;
}

void xs_close(struct xs_handle *h)
{
    if (h)
        close(h->fd);
    free(h);
}

const char *xs_daemon_socket(void)
{
    return "fake";
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
    char text[40];

    (void)h;
    snprintf(text, sizeof(text), "/local/domain/%u", domid);
    return strdup(text);
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
              unsigned int *len)
{
    struct entry *e;

    (void)h;
    step();
    e = find(tree_of(t), path);
    if (!e) {
        errno = ENOENT;
        return NULL;
    }
    *len = (unsigned)strlen(e->value);
    return strdup(e->value);
}

static void changed(struct xs_handle *h, xs_transaction_t t)
{
    if (!t)
        backends_run();
    h->event = h->watches > 0;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
              const void *data, unsigned int len)
{
    step();
    set(tree_of(t), path, data, len);
    changed(h, t);
    return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    step();
    drop(tree_of(t), path);
    changed(h, t);
    return true;
}

bool xs_change_many(struct xs_handle *h, xs_transaction_t t,
                    const struct xs_change *changes, unsigned int num)
{
    unsigned i;

    for (i = 0; i < num; i++) {
        step();
        if (changes[i].value)
            set(tree_of(t), changes[i].path, changes[i].value, changes[i].len);
        else
            drop(tree_of(t), changes[i].path);
    }
    changed(h, t);
    return true;
}

/* The names right below, each once. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
                    unsigned int *num)
{
    struct tree *tree = tree_of(t);
    char **names = calloc(NODES_MAX, sizeof(char *) + 64);
    char *text = (char *)(names + NODES_MAX);
    size_t n = strlen(path), len;
    unsigned i, j;

    (void)h;
    step();
    *num = 0;
    for (i = 0; i < tree->nr; i++) {
        const char *p = tree->nodes[i].path;

        if (!is_under(p, path) || !p[n])
            continue;
        len = strcspn(p + n + 1, "/");
        snprintf(text, 64, "%.*s", (int)len, p + n + 1);
        for (j = 0; j < *num && strcmp(names[j], text); j++)
            ;
        if (j == *num) {
            names[(*num)++] = text;
            text += 64;
        }
    }
    if (!*num) {
        free(names);
        errno = ENOENT;
        return NULL;
    }
    return names;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    (void)h;
    step();
    if (in_txn)
        abort(); /* one at a time is all that is wanted here */
    in_txn = true;
    txn = store;
    return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool drop_it)
{
    step();
    in_txn = false;
    if (!drop_it) {
        store = txn;
        changed(h, 0);
    }
    return t == 1;
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
                         unsigned long mfn, unsigned int port)
{
    (void)h, (void)domid, (void)mfn, (void)port;
    step();
    xs_fake_introduced++;
    return true;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    (void)path, (void)token;
    step();
    h->watches++;
    h->event = true;
    return true;
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    (void)path, (void)token;
    step();
    h->watches--;
    return true;
}

int xs_fileno(struct xs_handle *h)
{
    return h->fd;
}

char **xs_check_watch(struct xs_handle *h)
{
    if (h->event) {
        h->event = false;
        return calloc(2, sizeof(char *));
    }
    errno = EAGAIN;
    return NULL;
}
