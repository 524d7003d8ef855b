#include "dom0/daemon/store.h"
#include "dom0/daemon/daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A daemon that refuses every commit would keep us here for good. */
#define TRIES_MAX 1000

int store_transaction(struct xs_handle *xs,
                      int (*step)(struct xs_handle *xs, xs_transaction_t t,
                                  void *arg),
                      void *arg)
{
    xs_transaction_t t;
    int tries, rc;

    for (tries = 0; tries < TRIES_MAX; tries++) {
        t = xs_transaction_start(xs);
        if (t == XBT_NULL)
            return -errno;
        rc = step(xs, t, arg);
        if (rc) {
            xs_transaction_end(xs, t, true);
            return rc;
        }
        if (xs_transaction_end(xs, t, false))
            return 0;
        if (errno != EAGAIN)
            return -errno;
    }
    return -EAGAIN;
}

#define PATH_BUFFER 512

static int print_path(char *path, const char *format, va_list ap)
{
    int n = vsnprintf(path, PATH_BUFFER, format, ap);

    return n < 0 || n >= PATH_BUFFER ? -ENAMETOOLONG : 0;
}

int store_write(struct xs_handle *xs, xs_transaction_t t, const char *value,
                const char *format, ...)
{
    char path[PATH_BUFFER];
    va_list ap;
    int rc;

    va_start(ap, format);
    rc = print_path(path, format, ap);
    va_end(ap);
    if (rc)
        return rc;
    return xs_write(xs, t, path, value, (unsigned)strlen(value)) ? 0 : -errno;
}

char *store_read(struct xs_handle *xs, xs_transaction_t t, const char *format,
                 ...)
{
    char path[PATH_BUFFER];
    unsigned len;
    va_list ap;
    int rc;

    va_start(ap, format);
    rc = print_path(path, format, ap);
    va_end(ap);
    return rc ? NULL : xs_read(xs, t, path, &len);
}

long store_read_number(struct xs_handle *xs, xs_transaction_t t, long absent,
                       const char *format, ...)
{
    char path[PATH_BUFFER], *text, *end;
    unsigned len;
    va_list ap;
    long n;
    int rc;

    va_start(ap, format);
    rc = print_path(path, format, ap);
    va_end(ap);
    text = rc ? NULL : xs_read(xs, t, path, &len);
    if (!text)
        return absent;
    errno = 0;
    n = strtol(text, &end, 10);
    if (end == text || *end || errno)
        n = absent;
    free(text);
    return n;
}

int store_remove(struct xs_handle *xs, xs_transaction_t t, const char *format,
                 ...)
{
    char path[PATH_BUFFER];
    va_list ap;
    int rc;

    va_start(ap, format);
    rc = print_path(path, format, ap);
    va_end(ap);
    if (!rc && !xs_rm(xs, t, path) && errno != ENOENT)
        rc = -errno;
    return rc;
}

/* The node of the list that `path` lies in, directly, among the first `nr`. */
static const struct node *parent_of(const struct node_list *l, size_t nr,
                                    const char *path)
{
    size_t len = (size_t)(strrchr(path, '/') - path);

    while (nr--)
        if (strlen(l->nodes[nr].path) == len &&
            !memcmp(l->nodes[nr].path, path, len))
            return &l->nodes[nr];
    return NULL;
}

static bool same_perms(const struct node_perms *a, const struct node_perms *b)
{
    return a->owner == b->owner && a->reader == b->reader;
}

/* What a node of the list has, by itself or from those above it. */
static const struct node_perms *perms_of(const struct node_list *l,
                                         const struct node *n)
{
    while (n && !n->has_perms)
        n = parent_of(l, (size_t)(n - l->nodes), n->path);
    return n ? &n->perms : NULL;
}

static bool needs_perms(const struct node_list *l, size_t i)
{
    const struct node *n = &l->nodes[i];
    const struct node_perms *above;

    if (!n->has_perms)
        return false;
    above = perms_of(l, parent_of(l, i, n->path));
    return !above || !same_perms(above, &n->perms);
}

static bool has_child_next(const struct node_list *l, size_t i)
{
    size_t len = strlen(l->nodes[i].path);

    return i + 1 < l->nr &&
           !strncmp(l->nodes[i].path, l->nodes[i + 1].path, len) &&
           l->nodes[i + 1].path[len] == '/';
}

static void change_node(struct xs_change *c, struct xs_permissions perms[2],
                        const struct node *n, bool with_perms)
{
    *c = (struct xs_change){
        .path = n->path, .value = n->value, .len = (unsigned)strlen(n->value)};
    if (!with_perms)
        return;
    perms[0] = (struct xs_permissions){n->perms.owner, XS_PERM_NONE};
    perms[1] = (struct xs_permissions){(unsigned)n->perms.reader, XS_PERM_READ};
    c->perms = perms;
    c->num_perms = n->perms.reader < 0 ? 1 : 2;
}

int store_replace(struct xs_handle *xs, xs_transaction_t t,
                  const char *const *remove, size_t nr,
                  const struct node_list *l)
{
    size_t nodes = l ? l->nr : 0, i, n = 0;
    struct xs_change *changes = calloc(nr + nodes + 1, sizeof(*changes));
    struct xs_permissions(*perms)[2] = calloc(nodes + 1, sizeof(*perms));
    int rc = changes && perms ? 0 : -ENOMEM;

    for (i = 0; i < nr && !rc; i++)
        changes[n++].path = remove[i];
    for (i = 0; i < nodes && !rc; i++) {
        bool with_perms = needs_perms(l, i);

        if (with_perms || l->nodes[i].value[0] || !has_child_next(l, i))
            change_node(&changes[n++], perms[i], &l->nodes[i], with_perms);
    }
    if (!rc && !xs_change_many(xs, t, changes, (unsigned)n))
        rc = -errno;
    free(changes);
    free(perms);
    return rc;
}

int store_wait(struct xs_handle *xs, int64_t deadline_ms)
{
    struct pollfd p = {.fd = xs_fileno(xs), .events = POLLIN};
    int64_t left = deadline_ms - now_ms();
    bool any = false;
    char **event;

    if (left < 0)
        left = 0;
    if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
        return -errno;
    while ((event = xs_check_watch(xs))) {
        free(event);
        any = true;
    }
    if (errno != EAGAIN)
        return -EIO;
    return any || now_ms() < deadline_ms ? 0 : -ETIMEDOUT;
}
