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

static bool set_perms(struct xs_handle *xs, xs_transaction_t t,
                      const struct node *n)
{
    struct xs_permissions p[2] = {{n->perms.owner, XS_PERM_NONE}, {0}};

    if (n->perms.reader < 0)
        return xs_set_permissions(xs, t, n->path, p, 1);
    p[1] = (struct xs_permissions){(unsigned)n->perms.reader, XS_PERM_READ};
    return xs_set_permissions(xs, t, n->path, p, 2);
}

int store_write_nodes(struct xs_handle *xs, xs_transaction_t t,
                      const struct node_list *l)
{
    size_t i;

    for (i = 0; i < l->nr; i++) {
        const struct node *n = &l->nodes[i];

        if (!xs_write(xs, t, n->path, n->value, (unsigned)strlen(n->value)))
            return -errno;
        if (n->has_perms && !set_perms(xs, t, n))
            return -errno;
    }
    return 0;
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
