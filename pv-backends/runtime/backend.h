/*
 * What all device classes share: finding devices in the store, the handshake
 * (xbstate.h decides, backend.c acts), and taking over devices that a killed
 * predecessor left in use. A class says what its devices are in a table.
 */
#ifndef PARAVANE_RUNTIME_BACKEND_H
#define PARAVANE_RUNTIME_BACKEND_H

#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct backend_host;
struct loop;

/* Room for the one sentence that the toolstack shows to a person. */
struct backend_why {
    char text[256];
};

/* One device. A class's own struct begins with it. */
struct backend {
    LIST_ENTRY(backend) link;
    struct backend_host *host;
    struct loop *loop;
    uint32_t domid, devid;
    char *path;     /* our directory */
    char *frontend; /* the guest's */
    struct store_watch *watch;
    struct log_limit log_limit; /* for what the guest makes it do */
    bool started, connected, failed, starting;
    bool adopting; /* taking over what is in use: say nothing, ask the rings */
    bool leaving;  /* the process ends, the device stays for a successor */
    const struct backend_why *why; /* while a failure is being written */
};

/*
 * A device class. All hooks run from the event loop, `stop` also when `start`
 * failed halfway.
 */
struct backend_class {
    const char *type; /* as in backend/<type>/<domid>/<devid> */
    size_t size;      /* of its device struct */

    /*
     * Take what the host gives: open the image, make the tap. `be->adopting`
     * tells that the device is in use by the guest. 0; -EINPROGRESS when
     * backend_started() will be called later; another -errno with `why` said.
     */
    int (*start)(struct backend *be, struct backend_why *why);

    /* Write the keys a frontend reads in InitWait; 0 or -errno. */
    int (*features)(struct backend *be, store_txn_t t);

    /*
     * Read the frontend's keys, map its rings, bind its channels; when
     * be->adopting, pick up where the predecessor was. 0 or -errno with `why`
     * said and nothing held.
     */
    int (*connect)(struct backend *be, struct backend_why *why);

    /* Write the keys a frontend reads in Connected; may be NULL. */
    int (*details)(struct backend *be, store_txn_t t);

    /*
     * The toolstack has changed (or made, or removed) `key` of a started
     * device's directory, or we have; may be NULL.
     */
    void (*changed)(struct backend *be, const char *key);

    /* Let go of the rings; requests in flight are finished first. */
    void (*disconnect)(struct backend *be);

    void (*stop)(struct backend *be);

    /* All devices of the first look have been seen; may be NULL. */
    void (*settled)(struct backend_host *host);
};

/*
 * Serve every device of the class, or with domid >= 0 only that domain's.
 * 0 or -errno.
 */
int backend_host_open(struct backend_host **out, struct loop *loop,
                      const struct backend_class *cls, int domid);

/* Lets go of everything and leaves the devices' nodes for a successor. */
void backend_host_close(struct backend_host *host);

/* The device, or NULL. */
struct backend *backend_find(struct backend_host *host, uint32_t domid,
                             uint32_t devid);

/* A `start` that was in progress has ended, with 0 or -errno and `why`. */
void backend_started(struct backend *be, int rc, const struct backend_why *why);

/*
 * Write a connected device's details anew, and its state with them, so that the
 * frontend looks at them. 0 or -errno.
 */
int backend_announce(struct backend *be);

/* Say it in `why` and return `rc`. */
int backend_fail(struct backend_why *why, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
