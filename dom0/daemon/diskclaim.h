/*
 * The right to use an image or a block device for a guest. A claim is a lock
 * held on the file (an OFD lock on all of it, which also keeps QEMU's own
 * locking out), taken after we made sure that dom0 has not mounted it. It
 * ends with disk_release() or with the process.
 */
#ifndef DAEMON_DISKCLAIM_H
#define DAEMON_DISKCLAIM_H

#include "dom0/daemon/fault.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct disk_claim {
    int fd;
    dev_t dev; /* identity: of the file, or the device's own number */
    ino_t ino; /* 0 for a block device */
    bool writable;
    uint64_t size_bytes;
    uid_t let_in; /* who was let in at the file for it; 0: nobody */
};

enum disk_use {
    DISK_NEW, /* nobody may have it */
    DISK_HELD /* the guest's own backend may have it open already */
};

/*
 * Who opens the file for the guest: a backend of ours, and the claim locks all
 * of it; or QEMU, which has locks of its own on bytes from 100 on, and the
 * claim leaves those alone.
 */
enum disk_opener { DISK_OURS, DISK_QEMUS };

/* Claim `path`. 0, or a reason in `f`. */
int disk_claim(struct disk_claim *c, const char *path, bool writable,
               enum disk_use use, enum disk_opener opener, struct fault *f);
void disk_release(struct disk_claim *c);

/*
 * Let user `uid` open the claimed file, until its release or another user.
 * Nothing is done without a claim. 0, or a reason in `f`.
 */
int disk_let_in(struct disk_claim *c, uid_t uid, const char *path,
                struct fault *f);

static inline bool disk_claim_same(const struct disk_claim *a,
                                   const struct disk_claim *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}

#endif
