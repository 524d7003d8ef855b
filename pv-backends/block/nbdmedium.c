/* A disk whose image a storage daemon serves. */
#include "pv-backends/block/internal.h"

#include "pv-backends/runtime/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

/* For a daemon that has just been started; a disk in use waits for ever. */
enum { PATIENCE_S = 10 };

static void take_facts(struct blkdev *bd, const struct nbdstore_facts *facts)
{
    uint64_t sector;

    image_empty(&bd->image);
    bd->image.read_only = blkdev_is_read_only(&bd->be);
    bd->image.size_bytes = facts->size_bytes;
    bd->image.physical_sector_size = facts->good_bytes;
    bd->image.can_discard = facts->can_trim;
    if (!store_read_uint(bd->be.loop->store, bd->be.path, "sector-size",
                         UINT32_MAX, &sector))
        image_set_sector_size(&bd->image, (unsigned int)sector);
}

/* The wait for the daemon is over, one way or the other. */
static void started(struct blkdev *bd, int rc, const struct backend_why *why)
{
    evtimer_del(bd->retry);
    backend_started(&bd->be, rc, why);
}

static void on_connected(void *arg, const struct nbdstore_facts *facts)
{
    const struct backend_why none = {""};
    struct blkdev *bd = arg;
    uint64_t before = bd->image.size_bytes;

    take_facts(bd, facts);
    bd->daemon_away = false;
    if (bd->be.starting) {
        started(bd, 0, &none);
        return;
    }
    log_info("%s: the storage daemon is back", bd->be.path);
    if (bd->image.size_bytes != before)
        blkdev_resized(bd);
}

static void on_failed(void *arg, bool refused, const char *text)
{
    struct blkdev *bd = arg;

    backend_fail(&bd->daemon_why, -EIO, "its storage daemon: %s", text);
    if (bd->be.starting && !bd->be.adopting && refused) {
        started(bd, -EIO, &bd->daemon_why);
        return;
    }
    if ((!bd->be.starting && !bd->daemon_away) || refused)
        log_limited(&bd->be.log_limit, LOG_LEVEL_WARNING, "%s: %s", bd->be.path,
                    bd->daemon_why.text);
    bd->daemon_away = !bd->be.starting;
}

static void on_finished(void *arg)
{
    struct blkdev *bd = arg;

    blkback_reap(nbdstore_io(bd->nbd));
}

int nbdmedium_start(struct blkdev *bd, const char *dir, struct backend_why *why)
{
    const struct nbdstore_hooks hooks = {.connected = on_connected,
                                         .failed = on_failed,
                                         .finished = on_finished,
                                         .arg = bd};
    const struct timeval patience = {PATIENCE_S, 0};
    int rc = nbdstore_open(&bd->nbd, bd->be.loop->base, dir,
                           blkdev_is_read_only(&bd->be), &hooks, why);

    if (rc)
        return rc;
    backend_fail(&bd->daemon_why, 0, "its storage daemon says nothing");
    evtimer_add(bd->retry, &patience);
    return -EINPROGRESS;
}

void nbdmedium_impatient(struct blkdev *bd)
{
    if (bd->be.adopting)
        log_warning("%s: still waiting: %s", bd->be.path, bd->daemon_why.text);
    else
        backend_started(&bd->be, -ETIMEDOUT, &bd->daemon_why);
}

void nbdmedium_stop(struct blkdev *bd)
{
    nbdstore_close(bd->nbd);
    bd->nbd = NULL;
}
