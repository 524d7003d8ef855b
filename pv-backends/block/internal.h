/* A disk, for the files that make the device class. */
#ifndef PARAVANE_BLOCK_INTERNAL_H
#define PARAVANE_BLOCK_INTERNAL_H

#include "pv-backends/block/device.h"
#include "pv-backends/block/image.h"
#include "pv-backends/block/nbdstore.h"
#include "pv-backends/block/queue.h"

struct blkdev {
    struct backend be; /* first */
    struct image image;
    bool image_is_open, discard_wanted;
    bool removable;       /* its medium may be changed, or not be there */
    bool daemon_away;     /* and that was said */
    struct nbdstore *nbd; /* behind a storage daemon; else NULL */
    struct backend_why daemon_why; /* what there was last with that */
    char *params;
    struct event *retry;
    unsigned int tries;
    struct blk_rate rate;
    uint64_t looked_ns; /* when its size was last looked at */
    struct blkqueue *queues[BLK_MAX_QUEUES];
    unsigned int nr_queues;
};

static inline struct blkdev *blkdev_of(struct backend *be)
{
    return (struct blkdev *)be;
}

extern struct blk_settings blk_settings;

/* Is there such a node of ours, with this value? */
bool blkdev_node_is(struct backend *be, const char *key, const char *value);

/* By its mode. */
bool blkdev_is_read_only(struct backend *be);

/* The disk as requests have to respect it. */
struct blk_limits blkdev_limits(const struct blkdev *bd);

/* --- details.c: the class's hooks of these names ---------------------------*/

int blk_features(struct backend *be, store_txn_t t);
int blk_details(struct backend *be, store_txn_t t);

/* --- medium.c
 * ---------------------------------------------------------------*/

/* Open bd->params as the disk's image. 0, -EBUSY or another -errno with `why`.
 */
int medium_open(struct blkdev *bd, const char *params, struct backend_why *why);
void medium_close(struct blkdev *bd);

/*
 * The toolstack has written other `params`: a drive's medium is changed for
 * what they name, with requests under way finished on the old one and those
 * that wait carried out on the new one. What cannot be opened changes nothing.
 */
void medium_changed(struct blkdev *bd);

/* --- nbdmedium.c ------------------------------------------------------------
 */

/*
 * Connect with the storage daemon whose sockets are in `dir`. -EINPROGRESS, or
 * -errno with `why`.
 */
int nbdmedium_start(struct blkdev *bd, const char *dir,
                    struct backend_why *why);
/* That has taken long: bd->retry has fired. */
void nbdmedium_impatient(struct blkdev *bd);
void nbdmedium_stop(struct blkdev *bd);

/* --- device.c, for the others
 * -----------------------------------------------*/

/* The image has another size: tell the guest. */
void blkdev_resized(struct blkdev *bd);

/* Take the rings up, or let go of them; `why` as always. */
int blkdev_open_queues(struct blkdev *bd, struct backend_why *why);
void blkdev_close_queues(struct blkdev *bd);

#endif
