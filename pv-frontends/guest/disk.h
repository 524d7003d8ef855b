/* Many requests in flight on one disk, for the programs that use disks. */
#ifndef PARAVANE_GUEST_DISK_H
#define PARAVANE_GUEST_DISK_H

#include "pv-frontends/core/blkfront.h"

enum { DISK_JOBS = 16 };

struct disk_job {
    struct blk_io io;
    struct blk_segment segments[BLK_MAX_SEGMENTS];
    uint64_t sent_ns;
    bool busy;
};

struct disk {
    struct blkfront front;
    struct disk_job jobs[DISK_JOBS];
    unsigned int nr_busy;
    int error;           /* the first of a request */
    uint64_t longest_ns; /* that a request took */
    /* Called when a job is done well, before it is free again. */
    void (*done)(struct disk *d, struct disk_job *job);
};

/* The first disk, connected, with pages for all jobs. 0 or program_fail(). */
int disk_open(struct disk *d);

/* A job that is free, after waiting for one; NULL after an error. */
struct disk_job *disk_job_get(struct disk *d);
/* Carry out `nr_sectors` from `sector` on, over the job's pages. */
int disk_job_send(struct disk *d, struct disk_job *job, enum blk_op op,
                  uint64_t sector, unsigned int nr_sectors);
/* Until all jobs are done. 0 or program_fail(). */
int disk_drain(struct disk *d);
/* The byte `at` of a job's data. */
uint8_t *disk_job_byte(struct disk_job *job, size_t at);

#endif
