/*
 * A disk as the store shows it: the device class "pvblk".
 */
#ifndef PARAVANE_BLOCK_DEVICE_H
#define PARAVANE_BLOCK_DEVICE_H

#include "pv-backends/runtime/backend.h"

struct blkio;

extern const struct backend_class blk_class;

enum { BLK_MAX_QUEUES = 8 };

/* What all disks share. */
struct blk_settings {
    struct blkio *io;
    const char *state_dir;   /* of the journals; must stay */
    const char *opener;      /* a socket: who opens images; NULL: we do */
    int persistent;          /* offer to keep grants mapped */
    unsigned int max_queues; /* that a guest is offered, 1 to BLK_MAX_QUEUES */
};

/* Before the first device. */
void blk_device_setup(const struct blk_settings *s);

#endif
