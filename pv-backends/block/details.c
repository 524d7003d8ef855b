/* What a frontend reads of its disk. */
#include "pv-backends/block/internal.h"

#include "pv-backends/runtime/loop.h"

#include <stdlib.h>
#include <string.h>

bool blkdev_node_is(struct backend *be, const char *key, const char *value)
{
    char *text = store_read(be->loop->store, 0, be->path, key);
    bool is = text && !strcmp(text, value);

    free(text);
    return is;
}

bool blkdev_is_read_only(struct backend *be)
{
    return !blkdev_node_is(be, "mode", "w");
}

int blk_features(struct backend *be, store_txn_t t)
{
    struct store *s = be->loop->store;
    int rc = store_write(s, t, be->path, "max-ring-page-order", "%d",
                         RINGMAP_MAX_ORDER);

    if (!rc)
        rc = store_write(s, t, be->path, "multi-queue-max-queues", "%u",
                         blk_settings.max_queues);
    if (!rc)
        rc = store_write(s, t, be->path, "feature-max-indirect-segments", "%u",
                         BLK_MAX_INDIRECT);
    if (!rc)
        rc = store_write(s, t, be->path, "feature-persistent", "%d",
                         blk_settings.persistent);
    return rc;
}

static unsigned int vdisk_info(struct backend *be, const struct image *img)
{
    unsigned int info = img->read_only ? VDISK_READONLY : 0;

    if (blkdev_node_is(be, "device-type", "cdrom"))
        info |= VDISK_CDROM;
    if (blkdev_node_is(be, "removable", "1"))
        info |= VDISK_REMOVABLE;
    return info;
}

struct blk_limits blkdev_limits(const struct blkdev *bd)
{
    const struct image *img = &bd->image;

    return (struct blk_limits){
        .nr_sectors = img->size_bytes / img->sector_size *
                      (img->sector_size >> BLK_SECTOR_SHIFT),
        .sector_size = img->sector_size,
        .read_only = img->read_only,
        .can_discard = img->can_discard && bd->discard_wanted,
    };
}

int blk_details(struct backend *be, store_txn_t t)
{
    struct blkdev *bd = blkdev_of(be);
    const struct image *img = &bd->image;
    const struct blk_limits limits = blkdev_limits(bd);
    struct store *s = be->loop->store;
    const struct {
        const char *key;
        uint64_t value;
    } keys[] = {
        {"sectors", limits.nr_sectors},
        {"sector-size", img->sector_size},
        {"physical-sector-size", img->physical_sector_size},
        {"info", vdisk_info(be, img)},
        {"feature-flush-cache", 1},
        {"feature-barrier", 1},
        {"feature-discard", limits.can_discard},
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
