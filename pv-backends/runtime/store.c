#include "pv-backends/runtime/store.h"

#include "pv-backends/runtime/log.h"
#include "xenstore/client/xs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

enum { RECONNECT_MS = 200, PATH_MAX_BYTES = 3072 };

struct store_watch {
    LIST_ENTRY(store_watch) link;
    uint64_t id;
    char *path;
    store_fired_fn *fired;
    void *arg;
};

struct store {
    struct event_base *base;
    struct xs_handle *xs; /* NULL while disconnected */
    struct event *readable, *retry;
    LIST_HEAD(, store_watch) watches;
    uint64_t last_id;
};

static void lost(struct store *s);

/* errno of a failed call, after a look whether it means a dead connection. */
static int failure(struct store *s)
{
    int err = errno;

    switch (err) {
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ENOTCONN:
    case EBADF:
    case EIO:
        lost(s);
        break;
    case 0:
        err = EIO;
        break;
    }
    errno = err;
    return -err;
}

static bool join(char *path, const char *dir, const char *key)
{
    int n = snprintf(path, PATH_MAX_BYTES, "%s%s%s", dir, key ? "/" : "",
                     key ? key : "");

    return n > 0 && n < PATH_MAX_BYTES;
}

static bool set_watch(struct store *s, const struct store_watch *w)
{
    char token[32];

    snprintf(token, sizeof(token), "%llu", (unsigned long long)w->id);
    return xs_watch(s->xs, w->path, token);
}

static void fire(struct store *s, const char *path, const char *token)
{
    uint64_t id = strtoull(token, NULL, 10);
    struct store_watch *w;

    LIST_FOREACH(w, &s->watches, link)
    {
        if (w->id == id) {
            w->fired(w->arg, path);
            return; /* and `w` may be gone */
        }
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct store *s = arg;
    char **event;

    (void)fd, (void)what;
    while (s->xs && (event = xs_check_watch(s->xs))) {
        fire(s, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
        free(event);
    }
    if (s->xs && errno != EAGAIN)
        lost(s);
}

static int connect_store(struct store *s)
{
    struct store_watch *w;

    s->xs = xs_open(0);
    if (!s->xs)
        return errno ? -errno : -ENOENT;

    s->readable = event_new(s->base, xs_fileno(s->xs), EV_READ | EV_PERSIST,
                            on_readable, s);
    if (!s->readable || event_add(s->readable, NULL)) {
        lost(s);
        return -ENOMEM;
    }
    LIST_FOREACH(w, &s->watches, link)
    {
        if (!set_watch(s, w))
            return failure(s);
    }
    /* The library may have taken events in while it waited for replies. */
    event_active(s->readable, EV_READ, 0);
    return 0;
}

static void retry_later(struct store *s)
{
    struct timeval tv = {0, RECONNECT_MS * 1000};

    evtimer_add(s->retry, &tv);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct store *s = arg;
    int rc;

    (void)fd, (void)what;
    if (s->xs)
        return;
    rc = connect_store(s);
    if (!rc) {
        log_info("the store is back");
    } else if (rc == -EACCES) {
        /* Its socket is root's, whom we no longer are: a successor begins as
         * root and takes the devices over. */
        log_warning("the store lets only root in: ending, to begin anew");
        event_base_loopbreak(s->base);
    } else {
        retry_later(s);
    }
}

static void lost(struct store *s)
{
    if (s->readable)
        event_free(s->readable);
    s->readable = NULL;
    if (s->xs) {
        log_warning("lost the store; trying to reach it again");
        xs_close(s->xs);
    }
    s->xs = NULL;
    retry_later(s);
}

int store_open(struct store **out, struct event_base *base)
{
    struct store *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return -ENOMEM;
    s->base = base;
    LIST_INIT(&s->watches);
    s->retry = evtimer_new(base, on_retry, s);
    if (!s->retry) {
        free(s);
        return -ENOMEM;
    }
    rc = connect_store(s);
    if (rc) {
        store_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    struct store_watch *w;

    if (!s)
        return;
    while ((w = LIST_FIRST(&s->watches)))
        store_unwatch(s, w);
    if (s->readable)
        event_free(s->readable);
    if (s->xs)
        xs_close(s->xs);
    event_free(s->retry);
    free(s);
}

bool store_is_up(const struct store *s)
{
    return s->xs;
}

static bool up(struct store *s)
{
    if (!s->xs)
        errno = ENOTCONN;
    return s->xs;
}

char *store_read(struct store *s, store_txn_t t, const char *dir,
                 const char *key)
{
    char path[PATH_MAX_BYTES];
    unsigned int len;
    char *value;

    if (!up(s))
        return NULL;
    if (!join(path, dir, key)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    value = xs_read(s->xs, t, path, &len);
    if (!value)
        failure(s);
    return value;
}

/* Decimal digits and nothing else, at most `max`. */
static int parse_uint(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t v = 0;

    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        unsigned int digit = (unsigned char)*text - '0';

        if (digit > 9 || v > (max - digit) / 10 || digit > max)
            return -EINVAL;
        v = v * 10 + digit;
    }
    *value = v;
    return 0;
}

int store_read_uint(struct store *s, const char *dir, const char *key,
                    uint64_t max, uint64_t *value)
{
    char *text = store_read(s, 0, dir, key);
    int rc;

    if (!text)
        return -errno;
    rc = parse_uint(text, max, value);
    free(text);
    return rc;
}

int store_read_uint_or(struct store *s, const char *dir, const char *key,
                       uint64_t max, uint64_t missing, uint64_t *value)
{
    int rc = store_read_uint(s, dir, key, max, value);

    if (rc == -ENOENT) {
        *value = missing;
        rc = 0;
    }
    return rc;
}

int store_write(struct store *s, store_txn_t t, const char *dir,
                const char *key, const char *fmt, ...)
{
    char path[PATH_MAX_BYTES], value[1024];
    va_list ap;
    int n;

    if (!up(s))
        return -ENOTCONN;
    va_start(ap, fmt);
    n = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (n < 0 || n >= (int)sizeof(value) || !join(path, dir, key))
        return -ENAMETOOLONG;
    if (!xs_write(s->xs, t, path, value, n))
        return failure(s);
    return 0;
}

char **store_list(struct store *s, const char *dir, unsigned int *nr)
{
    char **names;

    if (!up(s))
        return NULL;
    names = xs_directory(s->xs, 0, dir, nr);
    if (!names)
        failure(s);
    return names;
}

bool store_exists(struct store *s, const char *dir, const char *key)
{
    char *value = store_read(s, 0, dir, key);

    free(value);
    return value;
}

bool store_knows_domain(struct store *s, uint32_t domid)
{
    return up(s) && xs_is_domain_introduced(s->xs, domid);
}

int store_begin(struct store *s, store_txn_t *t)
{
    if (!up(s))
        return -ENOTCONN;
    *t = xs_transaction_start(s->xs);
    return *t ? 0 : failure(s);
}

int store_commit(struct store *s, store_txn_t t)
{
    if (!up(s))
        return -ENOTCONN;
    return xs_transaction_end(s->xs, t, false) ? 0 : failure(s);
}

void store_abort(struct store *s, store_txn_t t)
{
    if (s->xs)
        xs_transaction_end(s->xs, t, true);
}

struct store_watch *store_watch(struct store *s, const char *path,
                                store_fired_fn *fired, void *arg)
{
    struct store_watch *w = calloc(1, sizeof(*w));

    if (!w || !(w->path = strdup(path))) {
        free(w);
        return NULL;
    }
    w->id = ++s->last_id;
    w->fired = fired;
    w->arg = arg;
    LIST_INSERT_HEAD(&s->watches, w, link);
    if (s->xs && !set_watch(s, w))
        failure(s); /* it is set when the connection is back */
    if (s->readable)
        event_active(s->readable, EV_READ, 0);
    return w;
}

void store_unwatch(struct store *s, struct store_watch *w)
{
    char token[32];

    if (!w)
        return;
    snprintf(token, sizeof(token), "%llu", (unsigned long long)w->id);
    if (s->xs)
        xs_unwatch(s->xs, w->path, token);
    LIST_REMOVE(w, link);
    free(w->path);
    free(w);
}
