/*
 * One ring of a disk and what drives it: an event channel, a journal, the pages
 * that stay granted. Disks have one, or one per processor of the guest.
 */
#ifndef PARAVANE_BLOCK_QUEUE_H
#define PARAVANE_BLOCK_QUEUE_H

#include "pv-backends/block/blkback.h"
#include "pv-backends/runtime/backend.h"
#include "pv-backends/runtime/ringmap.h"
#include "pv-backends/runtime/spin.h"

struct event;

struct blkqueue {
    struct backend *be;
    char *directory; /* of the store, where the frontend describes it */
    char *journal;   /* path */
    char *latency_path;
    struct latency_file *latency;
    struct ringmap rings;
    struct grantcache *persistent; /* NULL: copies */
    struct loop_port *port;
    struct event *later; /* for what waits for the disk's rate */
    void (*active)(struct backend *be);
    struct spin_source source;
    bool opened;
    struct blkback back;
};

/* How a disk's rings are opened. */
struct blkqueue_setup {
    unsigned int index;
    bool alone;            /* its keys lie in the frontend's own directory */
    bool persistent;       /* both sides want it */
    const char *state_dir; /* where journals are */
    struct blkio *io;
    int image_fd;
    struct blk_limits disk;
    struct blk_rate *rate;
    void (*active)(struct backend *be); /* the guest wants something */
};

/* 0 or -errno with `why`; then nothing is held. */
int blkqueue_open(struct blkqueue **out, struct backend *be,
                  const struct blkqueue_setup *setup, struct backend_why *why);

/* Finishes what is under way; the journal stays when be->leaving. */
void blkqueue_close(struct blkqueue *q);

#endif
