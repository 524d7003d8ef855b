#include "pv-backends/block/device.h"

#include "pv-backends/block/internal.h"
#include "pv-backends/runtime/loop.h"

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

/* How often, at most, a disk in use is looked at for a new size. */
#define LOOK_NS 1000000000ull

struct blk_settings blk_settings;

void blk_device_setup(const struct blk_settings *s)
{
    blk_settings = *s;
}

/* --- the image --------------------------------------------------------------
 */

/* "PER_SECOND" or "PER_SECOND,BURST"; anything else is no limit. */
static void read_limit(struct blkdev *bd, const char *key, struct bucket *b)
{
    char *text = store_read(bd->be.loop->store, 0, bd->be.path, key);
    unsigned long long rate = 0, burst = 0;

    if (text)
        sscanf(text, "%llu,%llu", &rate, &burst);
    bucket_set(b, rate, burst);
    free(text);
}

static void read_limits(struct blkdev *bd)
{
    read_limit(bd, "limit-bytes", &bd->rate.bytes);
    read_limit(bd, "limit-requests", &bd->rate.requests);
}

/* Nodes of ours that may change while the disk is in use. */
static void blk_changed(struct backend *be, const char *key)
{
    if (!strncmp(key, "limit-", 6))
        read_limits(blkdev_of(be));
    else if (!strcmp(key, "params"))
        medium_changed(blkdev_of(be));
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
    int rc;

    (void)fd, (void)what;
    if (bd->nbd) {
        nbdmedium_impatient(bd);
        return;
    }
    rc = medium_open(bd, bd->params, &why);
    if (rc == -EBUSY && (bd->be.adopting || ++bd->tries < LOCK_TRIES)) {
        if (bd->be.adopting && bd->tries++ == LOCK_TRIES)
            log_warning("%s: still waiting: %s", bd->be.path, why.text);
        wait_a_little(bd);
        return;
    }
    backend_started(&bd->be, rc, &why);
}

/*
 * Files and devices are ours, "nbd:FOLDER" names what serves any other image.
 * In one node, for whoever could not read a second one would take the image for
 * a raw file.
 */
static int open_image(struct blkdev *bd, struct backend_why *why)
{
    static const char nbd[] = "nbd:";
    const size_t n = sizeof(nbd) - 1;
    int rc;

    if (!strncmp(bd->params, nbd, n))
        return nbdmedium_start(bd, bd->params + n, why);
    rc = medium_open(bd, bd->params, why);
    if (rc != -EBUSY)
        return rc;
    wait_a_little(bd);
    return -EINPROGRESS;
}

static int blk_start(struct backend *be, struct backend_why *why)
{
    struct blkdev *bd = blkdev_of(be);

    bd->image.fd = -1;
    bd->tries = 0;
    bd->discard_wanted = !blkdev_node_is(be, "discard-enable", "0");
    bd->removable = blkdev_node_is(be, "device-type", "cdrom");
    bd->params = store_read(be->loop->store, 0, be->path, "params");
    if (!bd->params || (!*bd->params && !bd->removable))
        return backend_fail(why, -EINVAL, "no image is named (params)");
    read_limits(bd);
    bd->retry = evtimer_new(be->loop->base, on_retry, bd);
    if (!bd->retry)
        return backend_fail(why, -ENOMEM, "out of memory");
    return open_image(bd, why);
}

static void blk_stop(struct backend *be)
{
    struct blkdev *bd = blkdev_of(be);

    if (bd->retry)
        event_free(bd->retry);
    bd->retry = NULL;
    nbdmedium_stop(bd);
    medium_close(bd);
    free(bd->params);
    bd->params = NULL;
}

/* --- the rings --------------------------------------------------------------
 */

void blkdev_resized(struct blkdev *bd)
{
    log_info("%s: %s has now %llu bytes", bd->be.path, bd->params,
             (unsigned long long)bd->image.size_bytes);
    for (unsigned int i = 0; i < bd->nr_queues; i++)
        bd->queues[i]->back.cfg.disk = blkdev_limits(bd);
    backend_announce(&bd->be);
}

/* The guest is at work: has its disk another size by now? */
static void on_active(struct backend *be)
{
    struct blkdev *bd = blkdev_of(be);
    uint64_t now_ns = bucket_now_ns();

    if (now_ns - bd->looked_ns < LOOK_NS)
        return;
    bd->looked_ns = now_ns;
    if (image_resized(&bd->image))
        blkdev_resized(bd);
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

/* Both sides have to want it; a successor must do as its predecessor did. */
static int want_grants(struct backend *be, bool *wanted)
{
    uint64_t ours, theirs = 0;
    int rc = store_read_uint_or(be->loop->store, be->path, "feature-persistent",
                                1, 0, &ours);

    if (!rc)
        rc = store_read_uint_or(be->loop->store, be->frontend,
                                "feature-persistent", 1, 0, &theirs);
    *wanted = ours && theirs;
    return rc;
}

/* How many rings the frontend has chosen, of those we had offered. */
static int read_queues(struct backend *be, unsigned int *nr)
{
    uint64_t offered, chosen = 0;
    int rc =
        store_read_uint_or(be->loop->store, be->path, "multi-queue-max-queues",
                           BLK_MAX_QUEUES, 1, &offered);

    if (!rc)
        rc = store_read_uint_or(be->loop->store, be->frontend,
                                "multi-queue-num-queues", offered, 1, &chosen);
    *nr = (unsigned int)chosen;
    return rc ? rc : chosen ? 0 : -EINVAL;
}

void blkdev_close_queues(struct blkdev *bd)
{
    while (bd->nr_queues)
        blkqueue_close(bd->queues[--bd->nr_queues]);
}

static int open_queues(struct blkdev *bd, unsigned int nr, bool persistent,
                       struct backend_why *why)
{
    for (unsigned int i = 0; i < nr; i++) {
        const struct blkqueue_setup setup = {
            .index = i,
            .alone = nr == 1,
            .persistent = persistent,
            .state_dir = blk_settings.state_dir,
            .io = bd->nbd ? nbdstore_io(bd->nbd) : blk_settings.io,
            .image_fd = bd->image.fd,
            .disk = blkdev_limits(bd),
            .rate = &bd->rate,
            .active = on_active,
        };
        int rc = blkqueue_open(&bd->queues[i], &bd->be, &setup, why);

        if (rc) {
            blkdev_close_queues(bd);
            return rc;
        }
        bd->nr_queues = i + 1;
    }
    return 0;
}

int blkdev_open_queues(struct blkdev *bd, struct backend_why *why)
{
    struct backend *be = &bd->be;
    bool persistent = false;
    unsigned int nr = 0;
    int rc = read_queues(be, &nr);

    if (!rc)
        rc = want_grants(be, &persistent);
    if (rc)
        return backend_fail(why, rc, "the frontend's features are wrong");
    return open_queues(bd, nr, persistent, why);
}

static int blk_connect(struct backend *be, struct backend_why *why)
{
    int rc = check_protocol(be, why);

    return rc ? rc : blkdev_open_queues(blkdev_of(be), why);
}

static void blk_disconnect(struct backend *be)
{
    blkdev_close_queues(blkdev_of(be));
}

const struct backend_class blk_class = {
    .type = "pvblk",
    .size = sizeof(struct blkdev),
    .start = blk_start,
    .features = blk_features,
    .connect = blk_connect,
    .details = blk_details,
    .changed = blk_changed,
    .disconnect = blk_disconnect,
    .stop = blk_stop,
};
