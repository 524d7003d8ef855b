#include "pv-frontends/core/xenbus.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/shim/shim.h"

enum { TRANSACTION_TRIES = 100 };

/*
 * What `dir` says; Unknown when it says nothing sensible or is not there. An
 * error means that we could not look.
 */
static int read_state(const char *dir, enum xenbus_state *state)
{
    char text[24];
    uint64_t n = XenbusStateUnknown;
    int rc = store_read_key(0, dir, "state", text, sizeof(text));

    if (rc && rc != -XEN_ENOENT)
        return rc;
    if (!rc && (text_to_uint(text, &n) || n > XenbusStateReconfigured))
        n = XenbusStateUnknown;
    *state = (enum xenbus_state)n;
    return 0;
}

static void say(struct xbdev *dev, enum xenbus_state state)
{
    int rc = store_write_uint(0, dev->path, "state", state);

    if (rc)
        log_number(dev->path, "cannot write its state, error", rc);
    else
        dev->own = state;
}

/* ---- acting -------------------------------------------------------------- */

static int publish_once(struct xbdev *dev)
{
    store_tx_t tx;
    int rc = store_begin(&tx);

    if (rc)
        return rc;
    rc = dev->class->publish(dev, tx);
    if (!rc)
        rc = store_write_uint(tx, dev->path, "state", dev->class->shared);
    if (!rc)
        return store_end(tx, true);
    (void)store_end(tx, false);
    return rc;
}

static int publish(struct xbdev *dev)
{
    int rc = -XEN_EAGAIN;

    for (unsigned int i = 0; rc == -XEN_EAGAIN && i < TRANSACTION_TRIES; i++)
        rc = publish_once(dev);
    return rc;
}

static void act_share(struct xbdev *dev)
{
    int rc = dev->class->share(dev);

    if (!rc) {
        rc = publish(dev);
        if (rc)
            dev->class->lose(dev);
    }
    if (rc) {
        log_number(dev->path, "cannot share its rings, error", rc);
        dev->failed = true;
        return;
    }
    dev->holding = true;
    dev->own = dev->class->shared;
}

static void act_work(struct xbdev *dev)
{
    int rc = dev->class->work(dev);

    if (rc) {
        log_number(dev->path, "what the backend says is no use, error", rc);
        dev->failed = true;
    }
    dev->nr_connects++;
    dev->working = true;
    if (dev->own != XenbusStateConnected)
        say(dev, XenbusStateConnected);
}

static void let_go(struct xbdev *dev)
{
    if (dev->holding)
        dev->class->lose(dev);
    dev->holding = dev->working = false;
}

static void act(struct xbdev *dev, enum xbf_action action)
{
    switch (action) {
    case XBF_BEGIN:
        dev->failed = dev->again = false;
        say(dev, XenbusStateInitialising);
        break;
    case XBF_SHARE:
        act_share(dev);
        break;
    case XBF_WORK:
        act_work(dev);
        break;
    case XBF_LOSE:
        log_words(dev->path, "the backend begins anew");
        let_go(dev);
        dev->own = XenbusStateUnknown; /* say Initialising again */
        break;
    case XBF_CLOSING:
        dev->again = dev->wanted;
        say(dev, XenbusStateClosing);
        break;
    case XBF_CLOSE:
        let_go(dev);
        say(dev, XenbusStateClosed);
        break;
    case XBF_NONE:
        break;
    }
}

/* Act until there is nothing to do: a handful of steps at most. */
static void settle(struct xbdev *dev)
{
    for (unsigned int i = 0; i < 16; i++) {
        struct xbf_view view = {
            .wanted = dev->wanted,
            .own = dev->own,
            .holding = dev->holding,
            .working = dev->working,
            .failed = dev->failed,
            .again = dev->again,
        };
        enum xbf_action action;

        if (read_state(dev->backend, &view.peer))
            return;
        action = xbfront_next(&view);
        if (action == XBF_NONE)
            return;
        act(dev, action);
    }
}

static void on_change(void *arg)
{
    struct xbdev *dev = arg;

    settle(dev);
    if (dev->working && dev->class->changed)
        dev->class->changed(dev);
}

/* ---- opening and closing ------------------------------------------------- */

static int read_whereabouts(struct xbdev *dev)
{
    uint64_t id;
    int rc = store_read_key(0, dev->path, "backend", dev->backend,
                            sizeof(dev->backend));

    if (rc)
        return rc;
    id = store_read_uint(0, dev->path, "backend-id", 0);
    if (id >= DOMID_FIRST_RESERVED)
        return -XEN_EINVAL;
    dev->backend_id = (domid_t)id;
    return 0;
}

static int watch_backend(struct xbdev *dev)
{
    struct store_watch *w = &dev->backend_watch;

    if (!text_join(w->path, sizeof(w->path), dev->backend, NULL))
        return -XEN_EINVAL;
    w->fn = on_change;
    w->arg = dev;
    return store_watch(w);
}

int xbdev_open(struct xbdev *dev, const struct xbdev_class *class,
               unsigned int devid)
{
    struct text t = text_in(dev->path, sizeof(dev->path));
    int rc;

    dev->class = class;
    dev->devid = devid;
    text_str(&t, "device/");
    text_str(&t, class->type);
    text_str(&t, "/");
    text_uint(&t, devid);
    rc = read_whereabouts(dev);
    if (rc)
        return rc;
    rc = read_state(dev->path, &dev->own);
    if (rc)
        return rc;
    dev->wanted = true;
    dev->holding = dev->working = dev->failed = dev->again = false;
    return watch_backend(dev);
}

void xbdev_close(struct xbdev *dev)
{
    dev->wanted = false;
    settle(dev);
}

bool xbdev_is_closed(const struct xbdev *dev)
{
    return !dev->holding && dev->own == XenbusStateClosed;
}

void xbdev_forget(struct xbdev *dev)
{
    let_go(dev);
    store_unwatch(&dev->backend_watch);
}

void xbdev_suspend(struct xbdev *dev)
{
    let_go(dev);
    /* Whatever is said of us then is not of this life: say Initialising. */
    dev->own = XenbusStateUnknown;
}

void xbdev_resume(struct xbdev *dev)
{
    store_unwatch(&dev->backend_watch);
    if (!read_whereabouts(dev))
        (void)watch_backend(dev);
}

int xbdev_wait(struct xbdev *dev, uint64_t timeout_ns)
{
    uint64_t until = shim_now_ns() + timeout_ns;

    for (;;) {
        store_poll();
        if (dev->working)
            return 0;
        if (store_is_broken())
            return -XEN_EIO;
        if (shim_now_ns() >= until)
            return -XEN_ETIME;
        shim_wait(until);
    }
}

int xenbus_devices(const char *type, unsigned int *devids, unsigned int max)
{
    char path[STORE_PATH_MAX], names[1024];
    unsigned int nr = 0;
    uint64_t n;
    int rc;

    if (!text_join(path, sizeof(path), "device/", type, NULL))
        return -XEN_EINVAL;
    rc = store_list(0, path, names, sizeof(names));
    if (rc)
        return rc == -XEN_ENOENT ? 0 : rc;
    for (const char *s = names; *s; s += strlen(s) + 1) {
        if (text_to_uint(s, &n) || n > UINT32_MAX)
            continue;
        if (nr < max)
            devids[nr] = (unsigned int)n;
        nr++;
    }
    return (int)nr;
}
