#include "pv-backends/runtime/backend.h"

#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/xbstate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TXN_TRIES = 20, PATH_BYTES = 128 };

struct backend_host {
    struct loop *loop;
    const struct backend_class *cls;
    char root[PATH_BYTES];
    int domid; /* -1: all */
    bool settled;
    struct store_watch *watch;
    LIST_HEAD(, backend) devices;
};

static void update(struct backend *be);

int backend_fail(struct backend_why *why, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    return rc;
}

/* --- what the store says ----------------------------------------------------
 */

static enum xenbus_state read_state(struct backend *be, const char *dir)
{
    uint64_t state;

    if (store_read_uint(be->loop->store, dir, "state", XenbusStateReconfigured,
                        &state))
        return XenbusStateUnknown;
    return state;
}

static void look(struct backend *be, struct xb_view *v)
{
    uint64_t online = 0;

    store_read_uint_or(be->loop->store, be->path, "online", 1, 0, &online);
    *v = (struct xb_view){
        .exists = store_exists(be->loop->store, be->path, "frontend"),
        .online = online,
        .own = read_state(be, be->path),
        .peer = read_state(be, be->frontend),
        .started = be->started,
        .connected = be->connected,
        .failed = be->failed,
        .adopting = be->adopting,
    };
}

/* --- what we say ------------------------------------------------------------
 */

typedef int write_fn(struct backend *be, store_txn_t t);

static int set_state(struct backend *be, store_txn_t t, enum xenbus_state state)
{
    return store_write(be->loop->store, t, be->path, "state", "%d", state);
}

/* A write would make the directory again that the toolstack has removed. */
static bool is_there(struct backend *be, store_txn_t t)
{
    char *frontend = store_read(be->loop->store, t, be->path, "frontend");

    free(frontend);
    return frontend;
}

/* `extra` and the new state in one transaction; nothing, and success, when
   the device has been removed meanwhile. */
static int switch_state(struct backend *be, enum xenbus_state state,
                        write_fn *extra)
{
    struct store *s = be->loop->store;
    store_txn_t t;
    int rc = -EAGAIN;

    for (int i = 0; rc == -EAGAIN && i < TXN_TRIES; i++) {
        rc = store_begin(s, &t);
        if (rc)
            break;
        if (!is_there(be, t)) {
            store_abort(s, t);
            return 0;
        }
        if (extra)
            rc = extra(be, t);
        if (!rc)
            rc = set_state(be, t, state);
        if (rc)
            store_abort(s, t);
        else
            rc = store_commit(s, t);
    }
    if (rc && store_is_up(s))
        log_warning("%s: cannot write state %d: %s", be->path, state,
                    strerror(-rc));
    return rc;
}

static int write_initwait(struct backend *be, store_txn_t t)
{
    int rc = be->host->cls->features(be, t);

    if (!rc)
        rc = store_write(be->loop->store, t, be->path, "hotplug-status",
                         "connected");
    return rc;
}

static int write_not_started(struct backend *be, store_txn_t t)
{
    int rc = store_write(be->loop->store, t, be->path, "hotplug-error", "%s",
                         be->why->text);

    if (!rc)
        rc = store_write(be->loop->store, t, be->path, "hotplug-status",
                         "error");
    return rc;
}

static int write_not_connected(struct backend *be, store_txn_t t)
{
    return store_write(be->loop->store, t, be->path, "error", "%s",
                       be->why->text);
}

/* Say why, and go to `state`. */
static int fail(struct backend *be, const struct backend_why *why,
                enum xenbus_state state, write_fn *write)
{
    int rc;

    be->why = why;
    rc = switch_state(be, state, write);
    be->why = NULL;
    return rc;
}

/* --- the actions ------------------------------------------------------------
 */

/* 0 when the world changed and another look is due. */
static int act_started(struct backend *be, int rc,
                       const struct backend_why *why)
{
    if (rc) {
        be->host->cls->stop(be);
        be->failed = true;
        log_error("%s: %s", be->path, why->text);
        return fail(be, why, XenbusStateClosed, write_not_started);
    }
    be->started = true;
    return be->adopting ? 0
                        : switch_state(be, XenbusStateInitWait, write_initwait);
}

static int act_start(struct backend *be, bool adopt)
{
    struct backend_why why = {"it cannot be started"};
    int rc;

    be->adopting = adopt;
    be->starting = true;
    rc = be->host->cls->start(be, &why);
    if (rc == -EINPROGRESS)
        return rc;
    be->starting = false;
    return act_started(be, rc, &why);
}

static int act_connect(struct backend *be)
{
    struct backend_why why = {"it cannot be connected"};
    int rc = be->host->cls->connect(be, &why);

    if (rc) {
        log_limited(&be->log_limit, LOG_LEVEL_ERROR, "%s: %s", be->path,
                    why.text);
        if (!store_is_up(be->loop->store))
            return rc;
        be->adopting = false;
        return fail(be, &why, XenbusStateClosing, write_not_connected);
    }
    be->connected = true;
    log_limited(&be->log_limit, LOG_LEVEL_INFO, "%s: %s", be->path,
                be->adopting ? "taken over in use" : "connected");
    be->adopting = false;
    return 0;
}

static int act_close(struct backend *be)
{
    if (be->connected) {
        be->host->cls->disconnect(be);
        be->connected = false;
        log_limited(&be->log_limit, LOG_LEVEL_INFO, "%s: disconnected",
                    be->path);
    }
    be->adopting = false;
    return switch_state(be, XenbusStateClosed, NULL);
}

static int act_stop(struct backend *be)
{
    be->host->cls->stop(be);
    be->started = false;
    return 0;
}

/* Everything it holds, and itself. */
static void forget(struct backend *be)
{
    const struct backend_class *cls = be->host->cls;

    if (be->connected)
        cls->disconnect(be);
    if (be->started || be->starting)
        cls->stop(be);
    store_unwatch(be->loop->store, be->watch);
    LIST_REMOVE(be, link);
    free(be->path);
    free(be->frontend);
    free(be);
}

int backend_announce(struct backend *be)
{
    if (!be->connected || read_state(be, be->path) != XenbusStateConnected)
        return -EAGAIN;
    return switch_state(be, XenbusStateConnected, be->host->cls->details);
}

static int act(struct backend *be, enum xb_action action)
{
    switch (action) {
    case XB_START:
        return act_start(be, false);
    case XB_ADOPT:
        return act_start(be, true);
    case XB_CONNECT:
        return act_connect(be);
    case XB_PUBLISH:
        return switch_state(be, XenbusStateConnected, be->host->cls->details);
    case XB_CLOSING:
        return switch_state(be, XenbusStateClosing, NULL);
    case XB_CLOSE:
        return act_close(be);
    case XB_REOPEN:
        return switch_state(be, XenbusStateInitWait, write_initwait);
    case XB_STOP:
        return act_stop(be);
    default:
        return -EALREADY;
    }
}

/* Look and act until there is nothing to do; true when `be` is no more. */
static bool settle(struct backend *be)
{
    struct xb_view v;
    enum xb_action action;

    for (;;) {
        look(be, &v);
        if (!store_is_up(be->loop->store) || be->starting)
            return false;
        action = xbstate_next(&v);
        if (action == XB_FORGET) {
            log_info("%s: gone", be->path);
            forget(be);
            return true;
        }
        if (action == XB_NONE || act(be, action))
            return false;
    }
}

/* Directory gone while a start is in progress: that has to end first. */
static void update(struct backend *be)
{
    if (be->starting && store_is_up(be->loop->store) &&
        !store_exists(be->loop->store, be->path, "frontend") &&
        store_is_up(be->loop->store)) {
        forget(be);
        return;
    }
    settle(be);
}

void backend_started(struct backend *be, int rc, const struct backend_why *why)
{
    be->starting = false;
    if (act_started(be, rc, why) == 0)
        update(be);
}

/* --- finding devices --------------------------------------------------------
 */

struct backend *backend_find(struct backend_host *host, uint32_t domid,
                             uint32_t devid)
{
    struct backend *be;

    LIST_FOREACH(be, &host->devices, link)
    {
        if (be->domid == domid && be->devid == devid)
            return be;
    }
    return NULL;
}

static void frontend_changed(void *arg, const char *path)
{
    (void)path;
    update(arg);
}

static void backend_free(struct backend *be)
{
    free(be->path);
    free(be->frontend);
    free(be);
}

/*
 * The toolstack writes a device's nodes in one transaction, so one with a
 * `frontend` is whole. The path must lie in that guest's part of the store: we
 * are privileged, it is not.
 */
static void adopt_device(struct backend_host *host, uint32_t domid,
                         uint32_t devid)
{
    struct backend *be = calloc(1, host->cls->size);
    char node[PATH_BYTES + 256], home[64];

    if (!be)
        return;
    be->host = host;
    be->loop = host->loop;
    be->domid = domid;
    be->devid = devid;
    snprintf(node, sizeof(node), "/local/domain/0/backend/%s/%u/%u",
             host->cls->type, domid, devid);
    be->path = strdup(node);
    be->frontend = be->path
                       ? store_read(host->loop->store, 0, be->path, "frontend")
                       : NULL;
    snprintf(home, sizeof(home), "/local/domain/%u/", domid);
    if (!be->frontend || strncmp(be->frontend, home, strlen(home)) ||
        snprintf(node, sizeof(node), "%s/state", be->frontend) >=
            (int)sizeof(node)) {
        backend_free(be);
        return;
    }

    be->watch = store_watch(host->loop->store, node, frontend_changed, be);
    if (!be->watch) {
        backend_free(be);
        return;
    }
    LIST_INSERT_HEAD(&host->devices, be, link);
    update(be);
}

/* A name in the tree as a number; false when it is not one. */
static bool number(const char *name, uint32_t *value)
{
    char *end;
    unsigned long v = strtoul(name, &end, 10);

    if (*name < '0' || *name > '9' || *end || v > UINT32_MAX)
        return false;
    *value = v;
    return true;
}

static void refresh(struct backend_host *host, uint32_t domid, uint32_t devid)
{
    struct backend *be = backend_find(host, domid, devid);

    if (be)
        update(be);
    else
        adopt_device(host, domid, devid);
}

static void scan_domain(struct backend_host *host, uint32_t domid)
{
    char dir[PATH_BYTES];
    unsigned int nr;
    uint32_t devid;
    char **names;

    snprintf(dir, sizeof(dir), "/local/domain/0/backend/%s/%u", host->cls->type,
             domid);
    names = store_list(host->loop->store, dir, &nr);
    if (!names)
        return;
    for (unsigned int i = 0; i < nr; i++)
        if (number(names[i], &devid))
            refresh(host, domid, devid);
    free(names);
}

/* What is in the store, and what was and no longer is. */
static void scan(struct backend_host *host)
{
    struct backend *be, *next;
    unsigned int nr;
    uint32_t domid;
    char **names;

    for (be = LIST_FIRST(&host->devices); be; be = next) {
        next = LIST_NEXT(be, link);
        update(be);
    }
    if (host->domid >= 0) {
        scan_domain(host, host->domid);
        return;
    }
    names = store_list(host->loop->store, host->root, &nr);
    if (!names)
        return;
    for (unsigned int i = 0; i < nr; i++)
        if (number(names[i], &domid))
            scan_domain(host, domid);
    free(names);
}

/* Of what lies in a device's directory: most of it we have written ourselves.
 */
static bool key_matters(const char *rest)
{
    return !*rest || !strcmp(rest, "/state") || !strcmp(rest, "/online") ||
           !strcmp(rest, "/frontend");
}

/* The others are the class's business. */
static void key_changed(struct backend_host *host, uint32_t domid,
                        uint32_t devid, const char *key)
{
    struct backend *be = backend_find(host, domid, devid);

    if (be && be->started && host->cls->changed)
        host->cls->changed(be, key);
}

/* `<root>[/<domid>]/<devid>/...`: look at that device, or at everything. */
static void tree_changed(void *arg, const char *path)
{
    struct backend_host *host = arg;
    unsigned int domid = host->domid, devid;
    size_t len = strlen(host->root);
    int end = 0;

    if (strlen(path) > len && path[len] == '/') {
        if (host->domid >= 0)
            sscanf(path + len, "/%u%n", &devid, &end);
        else
            sscanf(path + len, "/%u/%u%n", &domid, &devid, &end);
    }
    if (!end)
        scan(host);
    else if (key_matters(path + len + end))
        refresh(host, domid, devid);
    else if (path[len + end] == '/')
        key_changed(host, domid, devid, path + len + end + 1);
    if (!host->settled && store_is_up(host->loop->store)) {
        host->settled = true;
        if (host->cls->settled)
            host->cls->settled(host);
    }
}

int backend_host_open(struct backend_host **out, struct loop *loop,
                      const struct backend_class *cls, int domid)
{
    struct backend_host *host = calloc(1, sizeof(*host));

    if (!host)
        return -ENOMEM;
    host->loop = loop;
    host->cls = cls;
    host->domid = domid;
    LIST_INIT(&host->devices);
    if (domid >= 0)
        snprintf(host->root, sizeof(host->root),
                 "/local/domain/0/backend/%s/%d", cls->type, domid);
    else
        snprintf(host->root, sizeof(host->root), "/local/domain/0/backend/%s",
                 cls->type);
    host->watch = store_watch(loop->store, host->root, tree_changed, host);
    if (!host->watch) {
        free(host);
        return -ENOMEM;
    }
    *out = host;
    return 0;
}

void backend_host_close(struct backend_host *host)
{
    struct backend *be;

    if (!host)
        return;
    while ((be = LIST_FIRST(&host->devices))) {
        be->leaving = true;
        forget(be);
    }
    store_unwatch(host->loop->store, host->watch);
    free(host);
}
