/* A block backend of the tests: a disk in memory behind the real ring. */
#ifndef TEST_DISK_FAKE_H
#define TEST_DISK_FAKE_H

#include "tests/unit/pv-frontends/shim-fake.h"

#include "pv-frontends/core/blkfront.h"

enum { DISK_SECTORS = 4096 };

struct disk_fake {
    uint8_t data[DISK_SECTORS * 512];
    /* What it offers. */
    unsigned int ring_order, indirect;
    bool persistent, can_discard;
    /* How it behaves. */
    unsigned int answer_max; /* requests to answer in a turn; 0: all */
    int16_t status;          /* of every answer */
    /* What it saw. */
    unsigned int nr_requests, nr_indirect, nr_flushes, nr_discards, nr_refused;
    uint64_t last_sector[512];
    /* private */
    bool connected;
    blkif_back_ring_t ring;
    void *pages[8];
    unsigned int nr_pages;
    blkif_sring_t *flat;
};

/* Make device 768's nodes, backend in InitWait. */
void disk_begin(struct disk_fake *d);
/* Look at the frontend's state and act; serve the ring when connected. */
void disk_turn(struct disk_fake *d);
/* Die and come back: InitWait again, nothing of the old ring is known. */
void disk_restart(struct disk_fake *d);

#define DISK_FRONT "/local/domain/1/device/vbd/768"
#define DISK_BACK  "/local/domain/0/backend/vbd/1/768"

#endif
