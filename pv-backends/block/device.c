#include "pv-backends/block/device.h"

#include "pv-backends/block/blkback.h"
#include "pv-backends/block/image.h"
#include "pv-backends/runtime/grantcache.h"
#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/ringmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

/*
 * A lock that is taken is tried again: a predecessor of ours needs a moment
 * until its last request has ended. For a device in use there is no giving up.
 */
enum { LOCK_RETRY_MS = 20, LOCK_TRIES = 100 };

/* Pages kept mapped per ring page: a ring full of Linux's usual requests. */
enum { PERSISTENT_PAGES = 1056 };

struct blkdev {
    struct backend be; /* first */
    struct image image;
    bool image_is_open, discard_wanted;
    char *params;
    struct event *retry;
    unsigned int tries;
    struct ringmap rings;
    struct grantcache *persistent; /* NULL: copies */
    struct loop_port *port;
    struct blkback back;
};

static struct blk_settings settings;

void blk_device_setup(const struct blk_settings *s)
{
    settings = *s;
}

static struct blkdev *blkdev_of(struct backend *be)
{
    return (struct blkdev *)be;
}

/* --- the image --------------------------------------------------------------
 */

static bool node_is(struct backend *be, const char *key, const char *value)
{
    char *text = store_read(be->loop->store, 0, be->path, key);
    bool is = text && !strcmp(text, value);

    free(text);
    return is;
}

static int try_open(struct blkdev *bd, struct backend_why *why)
{
    bool read_only = !node_is(&bd->be, "mode", "w");
    int rc = image_open(&bd->image, bd->params, read_only, why);

    bd->image_is_open = !rc;
    return rc;
}

static void wait_a_little(struct blkdev *bd)
{
    struct timeval tv = {0, LOCK_RETRY_MS * 1000};

    evtimer_add(bd->retry, &tv);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct blkdev *bd = arg;
    struct backend_why why;
    int rc = try_open(bd, &why);

    (void)fd, (void)what;
    if (rc == -EBUSY && (bd->be.adopting || ++bd->tries < LOCK_TRIES)) {
        if (bd->be.adopting && bd->tries++ == LOCK_TRIES)
            log_warning("%s: still waiting: %s", bd->be.path, why.text);
        wait_a_little(bd);
        return;
    }
    backend_started(&bd->be, rc, &why);
}

static int blk_start(struct backend *be, struct backend_why *why)
{
    struct blkdev *bd = blkdev_of(be);
    int rc;

    bd->image.fd = -1;
    bd->tries = 0;
    bd->discard_wanted = !node_is(be, "discard-enable", "0");
    bd->params = store_read(be->loop->store, 0, be->path, "params");
    if (!bd->params || !*bd->params)
        return backend_fail(why, -EINVAL, "no image is named (params)");
    bd->retry = evtimer_new(be->loop->base, on_retry, bd);
    if (!bd->retry)
        return backend_fail(why, -ENOMEM, "out of memory");
    rc = try_open(bd, why);
    if (rc != -EBUSY)
        return rc;
    wait_a_little(bd);
    return -EINPROGRESS;
}

static void blk_stop(struct backend *be)
{
    struct blkdev *bd = blkdev_of(be);

    if (bd->retry)
        event_free(bd->retry);
    bd->retry = NULL;
    if (bd->image_is_open)
        image_close(&bd->image);
    bd->image_is_open = false;
    free(bd->params);
    bd->params = NULL;
}

/* --- what the frontend reads ------------------------------------------------
 */

static int blk_features(struct backend *be, store_txn_t t)
{
    struct store *s = be->loop->store;
    int rc = store_write(s, t, be->path, "max-ring-page-order", "%d",
                         RINGMAP_MAX_ORDER);

    if (!rc)
        rc = store_write(s, t, be->path, "feature-max-indirect-segments", "%u",
                         BLK_MAX_INDIRECT);
    if (!rc)
        rc = store_write(s, t, be->path, "feature-persistent", "%d",
                         settings.persistent);
    return rc;
}

static unsigned int vdisk_info(struct backend *be, const struct image *img)
{
    unsigned int info = img->read_only ? VDISK_READONLY : 0;

    if (node_is(be, "device-type", "cdrom"))
        info |= VDISK_CDROM;
    if (node_is(be, "removable", "1"))
        info |= VDISK_REMOVABLE;
    return info;
}

static int blk_details(struct backend *be, store_txn_t t)
{
    struct blkdev *bd = blkdev_of(be);
    const struct image *img = &bd->image;
    struct store *s = be->loop->store;
    const struct {
        const char *key;
        uint64_t value;
    } keys[] = {
        {"sectors", bd->back.cfg.disk.nr_sectors},
        {"sector-size", img->sector_size},
        {"physical-sector-size", img->physical_sector_size},
        {"info", vdisk_info(be, img)},
        {"feature-flush-cache", 1},
        {"feature-barrier", 1},
        {"feature-discard", bd->back.cfg.disk.can_discard},
        {"discard-granularity", img->physical_sector_size},
        {"discard-alignment", 0},
        {"discard-secure", 0},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        int rc = store_write(s, t, be->path, keys[i].key, "%llu",
                             (unsigned long long)keys[i].value);

        if (rc)
            return rc;
    }
    return 0;
}

/* --- the rings --------------------------------------------------------------
 */

static enum loop_turn on_event(void *arg)
{
    struct blkdev *bd = arg;

    blkback_poll(&bd->back);
    return LOOP_DONE;
}

static void notify(void *arg)
{
    struct blkdev *bd = arg;

    loop_notify(bd->be.loop, bd->port);
}

static int check_protocol(struct backend *be, struct backend_why *why)
{
    char *text = store_read(be->loop->store, 0, be->frontend, "protocol");
    int rc = 0;

    if (text && strcmp(text, "x86_64-abi"))
        rc = backend_fail(why, -EPROTONOSUPPORT,
                          "the frontend's protocol is not x86_64-abi");
    free(text);
    return rc;
}

/* What tells this connection from an earlier one of the same device. */
static uint64_t connection_of(const struct blkdev *bd, uint32_t port)
{
    return (uint64_t)port << 32 | bd->rings.refs[0];
}

static int open_ring(struct blkdev *bd, uint32_t port)
{
    const struct image *img = &bd->image;
    char journal[256];
    struct blkback_config cfg = {
        .name = bd->be.path,
        .domid = bd->be.domid,
        .gnttab = bd->be.loop->gnttab,
        .persistent = bd->persistent,
        .io = settings.io,
        .image_fd = img->fd,
        .disk = {.nr_sectors = img->size_bytes / img->sector_size *
                               (img->sector_size >> BLK_SECTOR_SHIFT),
                 .sector_size = img->sector_size,
                 .read_only = img->read_only,
                 .can_discard = img->can_discard && bd->discard_wanted},
        .ring_pages = bd->rings.pages,
        .nr_ring_pages = bd->rings.nr_pages,
        .connection = connection_of(bd, port),
        .adopt = bd->be.adopting,
        .notify = notify,
        .arg = bd,
    };

    snprintf(journal, sizeof(journal), "%s/%u-%u.inflight", settings.state_dir,
             bd->be.domid, bd->be.devid);
    cfg.journal = strdup(journal);
    if (!cfg.journal)
        return -ENOMEM;
    return blkback_open(&bd->back, &cfg);
}

/* Both sides have to want it; a successor must do as its predecessor did. */
static int open_grants(struct blkdev *bd)
{
    struct backend *be = &bd->be;
    uint64_t ours, theirs = 0;
    int rc;

    bd->persistent = NULL;
    rc = store_read_uint_or(be->loop->store, be->path, "feature-persistent", 1,
                            0, &ours);
    if (!rc)
        rc = store_read_uint_or(be->loop->store, be->frontend,
                                "feature-persistent", 1, 0, &theirs);
    if (rc || !ours || !theirs)
        return rc;
    return grantcache_open(&bd->persistent, be->loop->gnttab, be->domid,
                           PERSISTENT_PAGES * bd->rings.nr_pages);
}

static int blk_connect(struct backend *be, struct backend_why *why)
{
    struct blkdev *bd = blkdev_of(be);
    uint32_t port;
    int rc;

    rc = check_protocol(be, why);
    if (rc)
        return rc;
    rc = ringmap_read_port(be, be->frontend, "event-channel", &port);
    if (rc)
        return backend_fail(why, rc, "the frontend's event-channel is missing");
    rc = ringmap_open(&bd->rings, be, be->frontend, "ring-ref",
                      "ring-page-order", why);
    if (rc)
        return rc;
    rc = loop_bind(be->loop, be->domid, port, on_event, bd, &bd->port);
    if (rc) {
        backend_fail(why, rc, "cannot bind event channel %u: %s", port,
                     strerror(-rc));
        goto unmap_rings;
    }
    rc = open_grants(bd);
    if (!rc)
        rc = open_ring(bd, port);
    if (rc) {
        backend_fail(why, rc, "cannot serve the ring: %s", strerror(-rc));
        goto unbind;
    }
    /* Events sent while nobody was bound are lost: so are ours. */
    if (be->adopting)
        loop_notify(be->loop, bd->port);
    return 0;

unbind:
    grantcache_close(bd->persistent);
    loop_unbind(be->loop, bd->port);
unmap_rings:
    ringmap_close(&bd->rings, be);
    free((char *)(uintptr_t)bd->back.cfg.journal);
    bd->back.cfg.journal = NULL;
    return rc;
}

static void blk_disconnect(struct backend *be)
{
    struct blkdev *bd = blkdev_of(be);

    blkback_close(&bd->back, !be->leaving);
    free((char *)(uintptr_t)bd->back.cfg.journal);
    bd->back.cfg.journal = NULL;
    loop_unbind(be->loop, bd->port);
    bd->port = NULL;
    grantcache_close(bd->persistent);
    bd->persistent = NULL;
    ringmap_close(&bd->rings, be);
}

const struct backend_class blk_class = {
    .type = "pvblk",
    .size = sizeof(struct blkdev),
    .start = blk_start,
    .features = blk_features,
    .connect = blk_connect,
    .details = blk_details,
    .disconnect = blk_disconnect,
    .stop = blk_stop,
};
