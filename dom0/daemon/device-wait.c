/* Until backends are ready, or have let go. */
#include "dom0/daemon/devices.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xenbus.h>

/* --- waiting for backends --------------------------------------------------*/

/* The backends a wait is about, and what to call them. */
struct waiting {
    struct {
        char status[112]; /* its hotplug-status */
        char what[64];
    } * devices;
    size_t nr;
};

static void wait_for(struct waiting *w, bool vbd, uint32_t domid,
                     uint32_t devid, const char *only, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void wait_for(struct waiting *w, bool vbd, uint32_t domid,
                     uint32_t devid, const char *only, const char *format, ...)
{
    char back[96];
    va_list ap;

    device_backend_path(back, sizeof(back), vbd, domid, devid);
    if (only && strcmp(only, back))
        return;
    snprintf(w->devices[w->nr].status, sizeof(w->devices->status),
             "%s/hotplug-status", back);
    va_start(ap, format);
    vsnprintf(w->devices[w->nr].what, sizeof(w->devices->what), format, ap);
    va_end(ap);
    w->nr++;
}

static int waiting_open(struct waiting *w, const struct guest *g,
                        uint32_t domid, const char *only)
{
    size_t i;

    w->nr = 0;
    w->devices = calloc(g->nr_disks + g->nr_nics + 1, sizeof(*w->devices));
    if (!w->devices)
        return -ENOMEM;
    for (i = 0; i < g->nr_disks; i++)
        wait_for(w, true, domid, g->disks[i].devid, only, "disk %s",
                 g->disks[i].vdev);
    for (i = 0; i < g->nr_nics; i++)
        wait_for(w, false, domid, g->nics[i].devid, only, "network card %u",
                 g->nics[i].devid);
    return 0;
}

/* The status that is no success has its reason beside it. */
static int not_ready(struct kit *k, const char *status, const char *what,
                     struct fault *f)
{
    char *why = store_read(k->xs, XBT_NULL, "%.*serror",
                           (int)(strlen(status) - strlen("status")), status);
    int rc = fault_set(f, -EIO, FAULT_DEVICE, "%s: %s", what,
                       why && *why ? why : "its backend says no reason");

    free(why);
    return rc;
}

/* How many are ready, one after the other; -EIO: one never will be. */
static long nr_ready(struct kit *k, const struct waiting *w, size_t from,
                     struct fault *f)
{
    while (from < w->nr) {
        const char *path = w->devices[from].status;
        char *status = store_read(k->xs, XBT_NULL, "%s", path);
        int rc = status && !strcmp(status, "connected");

        if (status && !strcmp(status, "error"))
            rc = not_ready(k, path, w->devices[from].what, f);
        free(status);
        if (rc <= 0)
            return rc ? rc : (long)from;
        from++;
    }
    return (long)from;
}

int devices_wait_ready(struct kit *k, const struct guest *g, uint32_t domid,
                       const char *only, int timeout_ms, struct fault *f)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct waiting w;
    long ready = 0;
    size_t i;
    int rc = waiting_open(&w, g, domid, only);

    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "out of memory");
    for (i = 0; i < w.nr; i++)
        xs_watch(k->xs, w.devices[i].status, "ready");
    while (!rc) {
        ready = nr_ready(k, &w, (size_t)ready, f);
        if (ready < 0 || (size_t)ready == w.nr)
            break;
        rc = store_wait(k->xs, deadline);
    }
    for (i = 0; i < w.nr; i++)
        xs_unwatch(k->xs, w.devices[i].status, "ready");
    free(w.devices);
    if (ready < 0)
        rc = (int)ready;
    if (!rc)
        return 0;
    return fault_set(f, rc, rc == -ETIMEDOUT ? FAULT_TIMEOUT : FAULT_DEVICE,
                     "the devices' backends did not get ready: %s",
                     strerror(-rc));
}

/* --- closing ---------------------------------------------------------------*/

/* The backend directories of a domain, one block per class to free(). */
struct backends {
    char (*paths)[96];
    size_t nr;
};

static int list_class(struct kit *k, const char *class, uint32_t domid,
                      struct backends *b)
{
    char dir[64], (*paths)[96];
    unsigned n, i;
    char **names;

    snprintf(dir, sizeof(dir), "/local/domain/0/backend/%s/%u", class, domid);
    names = xs_directory(k->xs, XBT_NULL, dir, &n);
    if (!names)
        return errno == ENOENT ? 0 : -errno;
    paths = reallocarray(b->paths, b->nr + n + 1, sizeof(*paths));
    if (!paths) {
        free(names);
        return -ENOMEM;
    }
    b->paths = paths;
    for (i = 0; i < n; i++)
        snprintf(paths[b->nr++], sizeof(*paths), "%.60s/%.30s", dir, names[i]);
    free(names);
    return 0;
}

static int list_backends(struct kit *k, uint32_t domid, const char *only,
                         struct backends *b)
{
    int rc;

    *b = (struct backends){0};
    if (only) {
        b->paths = calloc(1, sizeof(*b->paths));
        if (!b->paths)
            return -ENOMEM;
        snprintf(b->paths[b->nr++], sizeof(*b->paths), "%s", only);
        return 0;
    }
    rc = list_class(k, device_classes[0], domid, b);
    return rc ? rc : list_class(k, device_classes[1], domid, b);
}

static bool is_closed(struct xs_handle *xs, xs_transaction_t t,
                      const char *back)
{
    long state = store_read_number(xs, t, XenbusStateClosed, "%s/state", back);

    /* One that never got a backend has nothing to close. */
    return state == XenbusStateClosed;
}

static int ask_to_close(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct backends *b = arg;
    size_t i;
    int rc = 0;

    for (i = 0; i < b->nr && !rc; i++) {
        if (is_closed(xs, t, b->paths[i]))
            continue;
        rc = store_write(xs, t, "0", "%s/online", b->paths[i]);
        if (!rc)
            rc = store_write(xs, t, "5", "%s/state", b->paths[i]);
    }
    return rc;
}

static bool all_closed(struct kit *k, const struct backends *b)
{
    size_t i;

    for (i = 0; i < b->nr; i++)
        if (!is_closed(k->xs, XBT_NULL, b->paths[i]))
            return false;
    return true;
}

int devices_close(struct kit *k, uint32_t domid, const char *only,
                  int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct backends b;
    size_t i;
    int rc;

    rc = list_backends(k, domid, only, &b);
    if (!rc && b.nr)
        rc = store_transaction(k->xs, ask_to_close, &b);
    if (rc || !b.nr)
        goto out;
    for (i = 0; i < b.nr; i++)
        xs_watch(k->xs, b.paths[i], "close");
    while (!rc && !all_closed(k, &b))
        rc = store_wait(k->xs, deadline);
    for (i = 0; i < b.nr; i++)
        xs_unwatch(k->xs, b.paths[i], "close");
out:
    free(b.paths);
    return rc;
}
