/*
 * The ring side of a disk: takes requests off, has their bytes copied and
 * carried to the image, and answers. Knows nothing of the store.
 */
#ifndef PARAVANE_BLOCK_BLKBACK_H
#define PARAVANE_BLOCK_BLKBACK_H

#include "pv-backends/block/blkdecode.h"
#include "pv-backends/block/blkio.h"
#include "pv-backends/block/bufpool.h"
#include "pv-backends/block/inflight.h"
#include "pv-backends/runtime/bucket.h"
#include "pv-backends/runtime/log.h"
#include "dom0/libs/latency/latency.h"

#include <sys/queue.h>

struct gnttab;
struct grantcache;
struct blkreq;
STAILQ_HEAD(blkreq_list, blkreq);

/* What a disk may do in a second, all its rings together. */
struct blk_rate {
    struct bucket bytes, requests;
};

/* What blkback_open() is given. */
struct blkback_config {
    const char *name; /* for the log; the caller's */
    uint32_t domid;
    struct gnttab *gnttab;
    struct grantcache *persistent; /* NULL: the guest's grants come and go */
    struct blkio *io;
    int image_fd;
    struct blk_limits disk;
    struct blk_rate *rate;   /* the caller's; NULL: as fast as it goes */
    struct latency *latency; /* likewise; NULL: it is not counted */
    void *ring_pages;
    unsigned int nr_ring_pages;
    const char *journal; /* its path */
    uint64_t connection; /* what tells these rings from others */
    bool adopt;          /* carry on where a predecessor was */
    void (*notify)(void *arg);
    void (*wait)(void *arg,
                 uint64_t ns); /* blkback_poll() after that, please */
    void *arg;
};

struct blkback_stats {
    uint64_t requests, errors, bytes_read, bytes_written;
};

struct blkback {
    struct blkback_config cfg;
    blkif_back_ring_t ring;
    struct inflight journal;
    struct bufpool buffers;
    struct blkreq *requests;    /* one per journal entry */
    struct blkreq_list waiting; /* decoded, in order */
    unsigned int running;       /* handed to the image, not answered */
    unsigned int unpublished;   /* answers the guest does not see yet */
    bool barrier, broken;
    bool polled;     /* somebody looks: the guest needs to send no events */
    uint64_t looked; /* when requests were last taken: latency_clock() */
    struct copy_batch *copies;
    struct log_limit log_limit;
    struct blkback_stats stats;
};

/* Number of requests a ring of so many pages holds. */
unsigned int blkback_ring_entries(unsigned int nr_pages);

/* 0 or -errno. With `adopt`, unanswered requests are under way on return. */
int blkback_open(struct blkback *bb, const struct blkback_config *cfg);

/*
 * Finish what runs and let go. What has not begun stays in the journal for a
 * successor, unless the guest has let go too: then the journal is removed.
 */
void blkback_close(struct blkback *bb, bool remove_journal);

/* The ring may have new requests, or those that wait may begin. */
void blkback_poll(struct blkback *bb);

/* Has it? */
bool blkback_wanted(const struct blkback *bb);

/* This operation of ours has been reaped; then, after the last, finish. */
void blkback_io_done(struct blkio_op *op, struct blkback **owner);
void blkback_finish(struct blkback *bb);

/* Both for all that has finished, whose ever; false when nothing has. */
bool blkback_reap(struct blkio *io);

#endif
