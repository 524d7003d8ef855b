/*
 * A disk: requests out, answers in.
 *
 * Opening, closing and the handshake belong to the store's thread; submit and
 * poll to whoever owns the disk, one at a time. In a kernel where these are
 * two threads the owner keeps away from the disk while the other is in
 * store_poll().
 *
 * A backend that dies and comes back is a pause: what was in flight is sent
 * again, in its old order, when the new one is connected.
 */
#ifndef PARAVANE_CORE_BLKFRONT_H
#define PARAVANE_CORE_BLKFRONT_H

#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/core/gnt.h"
#include "pv-frontends/core/ring.h"
#include "pv-frontends/core/xenbus.h"

#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

#define BLK_SECTOR         512u
#define BLK_MAX_SEGMENTS   32u /* 128 KiB in a request */
#define BLK_MAX_RING_ORDER 3u

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD };

/* A piece of memory that does not leave its page. */
struct blk_segment {
    void *page; /* the page's address */
    uint16_t offset, length;
};

struct blk_io {
    enum blk_op op;
    uint64_t sector;     /* of 512 bytes */
    uint64_t nr_sectors; /* of a discard; others have segments */
    unsigned int nr_segments;
    const struct blk_segment *segments; /* the owner's, until done */
    /* From blkfront_poll(): 0 or a negative error; may submit again. */
    void (*done)(struct blk_io *io, int rc);
    void *arg;
    struct blk_io *next; /* private */
};

/* What the backend says about the disk. */
struct blk_info {
    uint64_t nr_sectors;       /* of 512 bytes */
    unsigned int sector_size;  /* requests are whole ones */
    unsigned int max_segments; /* in a request */
    bool read_only, can_flush, can_discard;
    bool persistent;       /* data goes through pages that stay granted */
    unsigned int nr_slots; /* requests that can be in flight */
};

struct blk_buffer {
    grant_ref_t ref; /* GNT_NONE: no grant */
    void *page;      /* ours, for persistent grants and lists of segments */
};

struct blk_slot {
    struct blk_io *io; /* NULL: free */
    uint64_t order;    /* in which it was sent */
    struct blk_buffer data[BLK_MAX_SEGMENTS], list;
    uint16_t next_free;
};

struct blkfront {
    struct xbdev dev; /* first */
    struct blk_info info;
    void (*wake)(void *arg); /* from the event: blkfront_poll() is due */
    void *arg;
    bool want_persistent;
    unsigned int want_order;
    uint64_t nr_bad; /* answers that made no sense */

    /* private */
    blkif_front_ring_t ring;
    unsigned int ring_order;
    grant_ref_t ring_refs[1u << BLK_MAX_RING_ORDER];
    int port;
    bool broken;
    struct blk_slot *slots;
    unsigned int slot_pages;
    uint16_t first_free;
    uint64_t last_order;
    struct blk_buffer *pool; /* persistent pages nobody uses now */
    unsigned int nr_pool, nr_persistent;
    struct blk_io *replay; /* to be sent again, in this order */
};

/* Settings of blkfront_open(); zeroes are sensible. */
struct blk_settings {
    void (*wake)(void *arg);
    void *arg;
    bool no_persistent;
    bool one_page_ring;
};

/* The structure is the caller's, zeroed. 0 or a negative error. */
int blkfront_open(struct blkfront *bf, unsigned int devid,
                  const struct blk_settings *settings);
/* Nothing may be in flight. Poll until xbdev_is_closed(), then xbdev_forget().
 */
void blkfront_close(struct blkfront *bf);

/*
 * Send a request. 0, and `done` will be called; -XEN_EAGAIN when there is no
 * room or no backend now, try again after a poll; -XEN_EINVAL for one that the
 * disk cannot take; -XEN_EOPNOTSUPP.
 */
int blkfront_submit(struct blkfront *bf, struct blk_io *io);
/* Tell the backend of what was submitted since: once per batch. */
void blkfront_kick(struct blkfront *bf);

/* The backend will not come back: what waits for it fails with -XEN_EIO. */
void blkfront_abandon(struct blkfront *bf);

/* Take answers and call `done`; how many. */
unsigned int blkfront_poll(struct blkfront *bf);

#endif
