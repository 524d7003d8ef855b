#include "tests/unit/pv-backends/fakes/xs-fake.h"

#include "xenstore/client/xs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MAX_NODES = 256, MAX_WATCHES = 32, MAX_EVENTS = 1024 };

struct xs_handle {
    int fd;
};

static struct {
    struct {
        char *path, *value;
    } nodes[MAX_NODES];
    struct {
        char *path, *token;
    } watches[MAX_WATCHES];
    char **events[MAX_EVENTS];
    unsigned int first, last;
    bool down;
    struct xs_handle handle;
} xs;

static void signal_fd(void)
{
    uint64_t one = 1;

    if (xs.handle.fd > 0 && write(xs.handle.fd, &one, sizeof(one)) < 0)
        abort();
}

static char **make_event(const char *path, const char *token)
{
    size_t a = strlen(path) + 1, b = strlen(token) + 1;
    char **event = malloc(2 * sizeof(char *) + a + b);

    event[0] = (char *)(event + 2);
    event[1] = event[0] + a;
    memcpy(event[0], path, a);
    memcpy(event[1], token, b);
    return event;
}

static void fire(const char *path, const char *watch, const char *token)
{
    (void)watch;
    xs.events[xs.last++ % MAX_EVENTS] = make_event(path, token);
    signal_fd();
}

static void changed(const char *path)
{
    for (int i = 0; i < MAX_WATCHES; i++)
        if (xs.watches[i].path &&
            (xs_path_is_subpath(xs.watches[i].path, path)))
            fire(path, xs.watches[i].path, xs.watches[i].token);
}

static int find(const char *path)
{
    for (int i = 0; i < MAX_NODES; i++)
        if (xs.nodes[i].path && !strcmp(xs.nodes[i].path, path))
            return i;
    return -1;
}

void xs_fake_put(const char *path, const char *value)
{
    int i = find(path);

    for (int j = 0; i < 0 && j < MAX_NODES; j++)
        if (!xs.nodes[j].path) {
            xs.nodes[j].path = strdup(path);
            i = j;
        }
    if (i < 0)
        abort();
    free(xs.nodes[i].value);
    xs.nodes[i].value = strdup(value);
    changed(path);
}

void xs_fake_rm(const char *path)
{
    for (int i = 0; i < MAX_NODES; i++)
        if (xs.nodes[i].path && xs_path_is_subpath(path, xs.nodes[i].path)) {
            free(xs.nodes[i].path);
            free(xs.nodes[i].value);
            xs.nodes[i].path = xs.nodes[i].value = NULL;
        }
    changed(path);
    /* Watches below a removed node fire too. */
    for (int i = 0; i < MAX_WATCHES; i++)
        if (xs.watches[i].path && strcmp(path, xs.watches[i].path) &&
            xs_path_is_subpath(path, xs.watches[i].path))
            fire(xs.watches[i].path, xs.watches[i].path, xs.watches[i].token);
}

const char *xs_fake_get(const char *path)
{
    int i = find(path);

    return i < 0 ? NULL : xs.nodes[i].value;
}

static void drop_connection(void)
{
    while (xs.first != xs.last)
        free(xs.events[xs.first++ % MAX_EVENTS]);
    for (int i = 0; i < MAX_WATCHES; i++) {
        free(xs.watches[i].path);
        free(xs.watches[i].token);
        xs.watches[i].path = xs.watches[i].token = NULL;
    }
}

void xs_fake_reset(void)
{
    drop_connection();
    for (int i = 0; i < MAX_NODES; i++) {
        free(xs.nodes[i].path);
        free(xs.nodes[i].value);
        xs.nodes[i].path = xs.nodes[i].value = NULL;
    }
    xs.down = false;
}

void xs_fake_down(void)
{
    xs.down = true;
    signal_fd();
}

void xs_fake_up(void)
{
    xs.down = false;
}

static bool alive(void)
{
    if (xs.down)
        errno = EIO;
    return !xs.down;
}

struct xs_handle *xs_open(unsigned long flags)
{
    (void)flags;
    if (xs.down) {
        errno = ECONNREFUSED;
        return NULL;
    }
    xs.handle.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return &xs.handle;
}

void xs_close(struct xs_handle *h)
{
    close(h->fd);
    h->fd = 0;
    drop_connection();
}

int xs_fileno(struct xs_handle *h)
{
    return h->fd;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
              unsigned int *len)
{
    int i = find(path);

    (void)h, (void)t;
    if (!alive())
        return NULL;
    if (i < 0) {
        errno = ENOENT;
        return NULL;
    }
    *len = strlen(xs.nodes[i].value);
    return strdup(xs.nodes[i].value);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
              const void *data, unsigned int len)
{
    char *value;

    (void)h, (void)t;
    if (!alive())
        return false;
    value = strndup(data, len);
    xs_fake_put(path, value);
    free(value);
    return true;
}

/* Names are the next path element of each node below; doubles are dropped. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
                    unsigned int *num)
{
    char **names = calloc(1, MAX_NODES * (sizeof(char *) + 64));
    char *text = (char *)(names + MAX_NODES);
    size_t skip = strlen(path) + 1;

    (void)h, (void)t;
    *num = 0;
    for (int i = 0; alive() && i < MAX_NODES; i++) {
        bool have = false;

        if (!xs.nodes[i].path || strlen(xs.nodes[i].path) < skip ||
            !xs_path_is_subpath(path, xs.nodes[i].path))
            continue;
        strncpy(text, xs.nodes[i].path + skip, 63);
        text[strcspn(text, "/")] = 0;
        for (unsigned int n = 0; n < *num; n++)
            have |= !strcmp(names[n], text);
        if (have)
            continue;
        names[(*num)++] = text;
        text += 64;
    }
    if (*num)
        return names;
    free(names);
    errno = xs.down ? EIO : ENOENT;
    return NULL;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    (void)h;
    if (!alive())
        return false;
    for (int i = 0; i < MAX_WATCHES; i++)
        if (!xs.watches[i].path) {
            xs.watches[i].path = strdup(path);
            xs.watches[i].token = strdup(token);
            fire(path, path, token);
            return true;
        }
    abort();
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    (void)h;
    for (int i = 0; i < MAX_WATCHES; i++)
        if (xs.watches[i].path && !strcmp(xs.watches[i].path, path) &&
            !strcmp(xs.watches[i].token, token)) {
            free(xs.watches[i].path);
            free(xs.watches[i].token);
            xs.watches[i].path = xs.watches[i].token = NULL;
            return true;
        }
    return false;
}

char **xs_check_watch(struct xs_handle *h)
{
    uint64_t count;

    if (!alive())
        return NULL;
    if (xs.first != xs.last)
        return xs.events[xs.first++ % MAX_EVENTS];
    if (read(h->fd, &count, sizeof(count)) < 0)
        count = 0;
    errno = EAGAIN;
    return NULL;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    (void)h;
    return alive() ? 1 : 0;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abandon)
{
    (void)h, (void)t, (void)abandon;
    return alive();
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
    (void)h, (void)domid;
    return alive();
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
    size_t n = strlen(parent);

    return !strncmp(parent, child, n) && (!child[n] || child[n] == '/');
}
