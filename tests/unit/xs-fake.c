#include "tests/unit/xs-fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MAX_NODES = 600, MAX_HANDLES = 8, MAX_WATCHES = 32, MAX_EVENTS = 1024 };

struct node {
    char path[160], value[200];
};
struct tree {
    struct node nodes[MAX_NODES];
    unsigned nr;
};
struct watch {
    char path[160], token[64]; /* no token: a free slot */
};
struct xs_handle {
    bool open;
    int fd; /* readable while there may be an event */
    struct watch watches[MAX_WATCHES];
    struct watch events[MAX_EVENTS];
    unsigned first, last;
};

void (*xs_fake_step)(void);
void (*xs_fake_after)(void);
unsigned xs_fake_introduced;

static struct tree store, txn;
static bool in_txn, down;
int xs_fake_refusal = ECONNREFUSED;
static struct xs_handle handles[MAX_HANDLES];

/* --- the tree --------------------------------------------------------------*/

static struct tree *tree_of(xs_transaction_t t)
{
    return t ? &txn : &store;
}

static struct node *find(struct tree *t, const char *path)
{
    for (unsigned i = 0; i < t->nr; i++)
        if (!strcmp(t->nodes[i].path, path))
            return &t->nodes[i];
    return NULL;
}

static void copy(char *to, size_t size, const char *from, size_t len)
{
    if (len >= size)
        abort();
    memcpy(to, from, len);
    to[len] = 0;
}

static void set(struct tree *t, const char *path, const char *value, size_t len)
{
    struct node *n = find(t, path);

    if (!n) {
        if (t->nr == MAX_NODES)
            abort();
        n = &t->nodes[t->nr++];
        copy(n->path, sizeof(n->path), path, strlen(path));
    }
    copy(n->value, sizeof(n->value), value, len);
}

static void drop(struct tree *t, const char *path)
{
    for (unsigned i = 0; i < t->nr;)
        if (xs_path_is_subpath(path, t->nodes[i].path))
            t->nodes[i] = t->nodes[--t->nr];
        else
            i++;
}

/* --- watches ---------------------------------------------------------------*/

static void wake(struct xs_handle *h)
{
    uint64_t one = 1;

    if (write(h->fd, &one, sizeof(one)) < 0)
        abort();
}

static void fire(struct xs_handle *h, const char *path, const char *token)
{
    struct watch *e = &h->events[h->last++ % MAX_EVENTS];

    if (h->last - h->first > MAX_EVENTS)
        abort();
    copy(e->path, sizeof(e->path), path, strlen(path));
    copy(e->token, sizeof(e->token), token, strlen(token));
    wake(h);
}

/* With `removed`, watches below the node fire too. */
static void changed(const char *path, bool removed)
{
    for (struct xs_handle *h = handles; h < handles + MAX_HANDLES; h++)
        for (int i = 0; h->open && i < MAX_WATCHES; i++) {
            struct watch *w = &h->watches[i];

            if (!*w->token)
                continue;
            if (xs_path_is_subpath(w->path, path))
                fire(h, path, w->token);
            else if (removed && xs_path_is_subpath(path, w->path))
                fire(h, w->path, w->token);
        }
}

static void after(void)
{
    if (xs_fake_after)
        xs_fake_after();
}

/* The transaction's tree becomes the store's. */
static void commit(void)
{
    static struct tree old;

    old = store;
    store = txn;
    for (unsigned i = 0; i < store.nr; i++) {
        struct node *was = find(&old, store.nodes[i].path);

        if (!was || strcmp(was->value, store.nodes[i].value))
            changed(store.nodes[i].path, false);
    }
    for (unsigned i = 0; i < old.nr; i++)
        if (!find(&store, old.nodes[i].path))
            changed(old.nodes[i].path, true);
    after();
}

/* --- for tests -------------------------------------------------------------*/

void xs_fake_put(const char *path, const char *value)
{
    set(&store, path, value, strlen(value));
    changed(path, false);
}

void xs_fake_rm(const char *path)
{
    drop(&store, path);
    changed(path, true);
}

const char *xs_fake_get(const char *path)
{
    struct node *n = find(&store, path);

    return n ? n->value : NULL;
}

unsigned xs_fake_count(const char *path)
{
    unsigned n = 0;

    for (unsigned i = 0; i < store.nr; i++)
        n += xs_path_is_subpath(path, store.nodes[i].path);
    return n;
}

const char *xs_fake_node(unsigned n)
{
    return n < store.nr ? store.nodes[n].path : NULL;
}

void xs_fake_disconnect(void)
{
    for (struct xs_handle *h = handles; h < handles + MAX_HANDLES; h++)
        if (h->open)
            xs_close(h);
    in_txn = false;
}

void xs_fake_reset(void)
{
    xs_fake_disconnect();
    store.nr = xs_fake_introduced = 0;
    down = false;
    xs_fake_refusal = ECONNREFUSED;
    xs_fake_step = xs_fake_after = NULL;
}

void xs_fake_down(void)
{
    down = true;
    for (struct xs_handle *h = handles; h < handles + MAX_HANDLES; h++)
        if (h->open)
            wake(h);
}

void xs_fake_up(void)
{
    down = false;
}

/* --- the library's calls ---------------------------------------------------*/

static bool begin(void)
{
    if (xs_fake_step)
        xs_fake_step();
    if (down)
        errno = EIO;
    return !down;
}

struct xs_handle *xs_open(unsigned long flags)
{
    (void)flags;
    if (!begin()) {
        errno = xs_fake_refusal;
        return NULL;
    }
    for (struct xs_handle *h = handles; h < handles + MAX_HANDLES; h++)
        if (!h->open) {
            memset(h->watches, 0, sizeof(h->watches));
            h->first = h->last = 0;
            h->open = true;
            h->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
            return h;
        }
    abort();
}

void xs_close(struct xs_handle *h)
{
    if (!h)
        return;
    close(h->fd);
    h->open = false;
}

int xs_fileno(struct xs_handle *h)
{
    return h->fd;
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
    struct node *n;

    (void)h;
    if (!begin())
        return NULL;
    n = find(tree_of(t), path);
    if (!n) {
        errno = ENOENT;
        return NULL;
    }
    *len = (unsigned)strlen(n->value);
    return strdup(n->value);
}

static bool change(xs_transaction_t t, const struct xs_change *c)
{
    if (!begin())
        return false;
    if (c->value)
        set(tree_of(t), c->path, c->value, c->len);
    else
        drop(tree_of(t), c->path);
    if (!t)
        changed(c->path, !c->value);
    return true;
}

bool xs_change_many(struct xs_handle *h, xs_transaction_t t,
                    const struct xs_change *changes, unsigned int num)
{
    (void)h;
    for (unsigned i = 0; i < num; i++)
        if (!change(t, &changes[i]))
            return false;
    if (!t)
        after();
    return true;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
              const void *data, unsigned int len)
{
    return xs_change_many(
        h, t, &(struct xs_change){.path = path, .value = data, .len = len}, 1);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    return xs_change_many(h, t, &(struct xs_change){.path = path}, 1);
}

/* The names right below, each once. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
                    unsigned int *num)
{
    struct tree *tree = tree_of(t);
    char **names = calloc(MAX_NODES, sizeof(char *) + 64);
    char *text = (char *)(names + MAX_NODES);
    size_t skip = strlen(path);

    (void)h;
    *num = 0;
    for (unsigned i = 0, j; begin() && i < tree->nr; i++) {
        const char *p = tree->nodes[i].path;

        if (!xs_path_is_subpath(path, p) || !p[skip])
            continue;
        snprintf(text, 64, "%.*s", (int)strcspn(p + skip + 1, "/"),
                 p + skip + 1);
        for (j = 0; j < *num && strcmp(names[j], text); j++)
            ;
        if (j == *num) {
            names[(*num)++] = text;
            text += 64;
        }
    }
    if (*num)
        return names;
    free(names);
    errno = down ? EIO : ENOENT;
    return NULL;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    (void)h;
    if (!begin())
        return 0;
    if (in_txn)
        abort(); /* one at a time is all that is wanted here */
    in_txn = true;
    txn = store;
    return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abandon)
{
    (void)h;
    in_txn = false;
    if (!begin())
        return false;
    if (!abandon)
        commit();
    return t == 1;
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
                         unsigned long mfn, unsigned int port)
{
    (void)h, (void)domid, (void)mfn, (void)port;
    if (!begin())
        return false;
    xs_fake_introduced++;
    return true;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
    (void)h, (void)domid;
    return begin();
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    if (!begin())
        return false;
    for (int i = 0; i < MAX_WATCHES; i++) {
        struct watch *w = &h->watches[i];

        if (*w->token)
            continue;
        copy(w->path, sizeof(w->path), path, strlen(path));
        copy(w->token, sizeof(w->token), token, strlen(token));
        fire(h, path, token);
        return true;
    }
    abort();
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    if (!begin())
        return false;
    for (int i = 0; i < MAX_WATCHES; i++) {
        struct watch *w = &h->watches[i];

        if (!strcmp(w->path, path) && !strcmp(w->token, token)) {
            *w->token = 0;
            return true;
        }
    }
    errno = ENOENT;
    return false;
}

char **xs_check_watch(struct xs_handle *h)
{
    const struct watch *e;
    uint64_t count;
    char **event;
    size_t a;

    if (down) {
        errno = EIO;
        return NULL;
    }
    if (h->first == h->last) {
        if (read(h->fd, &count, sizeof(count)) < 0)
            count = 0; /* nothing to forget */
        errno = EAGAIN;
        return NULL;
    }
    e = &h->events[h->first++ % MAX_EVENTS];
    a = strlen(e->path) + 1;
    event = calloc(1, 2 * sizeof(char *) + sizeof(*e));
    event[0] = (char *)(event + 2);
    event[1] = event[0] + a;
    memcpy(event[0], e->path, a);
    memcpy(event[1], e->token, strlen(e->token));
    return event;
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
    size_t n = strlen(parent);

    return !strncmp(parent, child, n) && (!child[n] || child[n] == '/');
}
