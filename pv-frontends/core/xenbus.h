/*
 * Devices of the store: finding them, and taking each through the handshake.
 * Runs in the store's thread (store.h).
 */
#ifndef PARAVANE_CORE_XENBUS_H
#define PARAVANE_CORE_XENBUS_H

#include "pv-frontends/core/store.h"
#include "pv-frontends/core/xbstate.h"

#include <xen/xen.h>

struct xbdev;

/*
 * What a class of devices does. Hooks run in the store's thread, while the
 * kernel keeps the device's data path away (xenbus.c calls none of its calls).
 */
struct xbdev_class {
    const char *type;         /* the folder under device/ */
    enum xenbus_state shared; /* said when the rings are shared */
    /* Make rings. 0 or a negative error. */
    int (*share)(struct xbdev *dev);
    /* Write the keys; repeated when the transaction has to be. */
    int (*publish)(struct xbdev *dev, store_tx_t tx);
    /* The backend is connected: read what it says, begin or go on. */
    int (*work)(struct xbdev *dev);
    /* The rings are gone: forget them. What is in flight stays the class's. */
    void (*lose)(struct xbdev *dev);
    /* Connected, and something in the backend's directory changed. */
    void (*changed)(struct xbdev *dev);
};

struct xbdev {
    const struct xbdev_class *class;
    unsigned int devid;
    char path[48]; /* device/<type>/<devid> */
    char backend[STORE_PATH_MAX];
    domid_t backend_id;
    enum xenbus_state own;
    bool wanted, holding, working, failed, again;
    uint64_t nr_connects; /* one, unless a backend gave the rings up */
    struct store_watch backend_watch;
};

/*
 * Take over device/<type>/<devid>: watches are set, and from now on
 * store_poll() drives it. 0, or -XEN_ENOENT when there is no such device.
 */
int xbdev_open(struct xbdev *dev, const struct xbdev_class *class,
               unsigned int devid);

/* Give it up. xbdev_is_closed() says when the backend has let go of it. */
void xbdev_close(struct xbdev *dev);
bool xbdev_is_closed(const struct xbdev *dev);
/* Take the watches off; the structure may go. */
void xbdev_forget(struct xbdev *dev);

/*
 * Before a suspend: let go of the rings. After it, and after gnt_resume() and
 * (resumed, not cancelled) store_resume(): begin again, with whoever serves the
 * device now.
 */
void xbdev_suspend(struct xbdev *dev);
void xbdev_resume(struct xbdev *dev);

/* Poll the store until `dev` works, or a time is over: 0 or -XEN_ETIME. */
int xbdev_wait(struct xbdev *dev, uint64_t timeout_ns);

/*
 * The numbers of the devices of a class, at most `max`: how many there are, or
 * a negative error.
 */
int xenbus_devices(const char *type, unsigned int *devids, unsigned int max);

#endif
