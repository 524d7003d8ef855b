/* The image behind a disk, and the medium in a drive. */
#include "pv-backends/block/internal.h"

#include "pv-backends/runtime/loop.h"
#include "dom0/libs/opener/opener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By its name, or by asking whoever may open it. */
static int open_image(struct blkdev *bd, const char *params, bool read_only,
                      struct backend_why *why)
{
    struct opener_request rq = {.domid = bd->be.domid, .devid = bd->be.devid};
    char words[OPENER_WHY];
    int fd, rc;

    if (!blk_settings.opener)
        return image_open(&bd->image, params, read_only, why);
    bd->image.fd = -1;
    if ((size_t)snprintf(rq.path, sizeof(rq.path), "%s", params) >=
        sizeof(rq.path))
        return backend_fail(why, -ENAMETOOLONG, "%.100s...: too long a name",
                            params);
    rc = opener_ask(blk_settings.opener, &rq, &fd, words);
    if (rc)
        return backend_fail(why, rc, "%s", words);
    return image_take(&bd->image, fd, params, read_only, why);
}

int medium_open(struct blkdev *bd, const char *params, struct backend_why *why)
{
    bool read_only = blkdev_is_read_only(&bd->be);
    uint64_t sector;
    int rc;

    if (!*params) {
        image_empty(&bd->image);
        bd->image_is_open = true;
        return 0;
    }
    rc = open_image(bd, params, read_only, why);
    bd->image_is_open = !rc;
    if (!rc && !store_read_uint(bd->be.loop->store, bd->be.path, "sector-size",
                                UINT32_MAX, &sector))
        image_set_sector_size(&bd->image, (unsigned int)sector);
    return rc;
}

void medium_close(struct blkdev *bd)
{
    if (bd->image_is_open)
        image_close(&bd->image);
    bd->image_is_open = false;
}

/* The rings are let go of as by a process that ends, and adopted again. */
static void let_go(struct blkdev *bd)
{
    bd->be.leaving = true;
    blkdev_close_queues(bd);
    bd->be.leaving = false;
}

static void take_up(struct blkdev *bd)
{
    struct backend_why why;
    bool was = bd->be.adopting;

    bd->be.adopting = true;
    if (blkdev_open_queues(bd, &why))
        log_error("%s: %s", bd->be.path, why.text);
    bd->be.adopting = was;
    backend_announce(&bd->be);
}

/* `params` is kept when the medium goes in. */
static int change(struct blkdev *bd, char *params)
{
    struct image old = bd->image;
    struct backend_why why = {"no reason is known"};
    int rc = medium_open(bd, params, &why);

    if (rc) {
        bd->image = old;
        bd->image_is_open = true;
        log_error("%s: the medium stays: %s", bd->be.path, why.text);
        return rc;
    }
    if (bd->be.connected)
        let_go(bd);
    image_close(&old);
    free(bd->params);
    bd->params = params;
    if (bd->be.connected)
        take_up(bd);
    log_info("%s: the medium is now %s", bd->be.path,
             *params ? params : "none");
    return 0;
}

void medium_changed(struct blkdev *bd)
{
    char *params = store_read(bd->be.loop->store, 0, bd->be.path, "params");

    if (!params || !bd->image_is_open || !strcmp(params, bd->params)) {
        free(params);
        return;
    }
    if (!bd->removable || bd->nbd) {
        log_warning("%s: another image for a disk in use is not taken",
                    bd->be.path);
        free(params);
    } else if (change(bd, params)) {
        free(params);
    }
}
