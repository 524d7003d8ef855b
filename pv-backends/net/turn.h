/*
 * What sending (nettx.c) and receiving (netrx.c) share: the scratch space of
 * one turn. One process serves its guests one after the other, so there is one.
 */
#ifndef PARAVANE_NET_TURN_H
#define PARAVANE_NET_TURN_H

#include "pv-backends/net/netback.h"
#include "dom0/libs/gnttab/gnttab.h"

#include <linux/virtio_net.h>

enum {
    TURN_HEADER = sizeof(struct virtio_net_hdr),
    TURN_HEAD = 128, /* of a frame, looked at before the rest is moved */
    TURN_FRAME_ROOM = 65536 + NET_PAGE,
    TURN_HEADS_PAGES = NET_RING_ENTRIES * TURN_HEAD / NET_PAGE,
    /* A ring of the largest slots, and what aligning them takes. */
    TURN_ARENA_PAGES = NET_RING_ENTRIES * 3 / 2,
    TURN_ARENA = TURN_ARENA_PAGES * NET_PAGE,
    /* Of a received frame: data and one extra. */
    TURN_RX_SLOTS = NET_MAX_FRAGS + 1,
};

/* A frame on its way, and its slots. */
struct frame {
    uint8_t *data; /* whole, with room for a header before it; or NULL */
    uint8_t *head; /* its first bytes */
    unsigned int head_size;
    RING_IDX from; /* where it began in the ring */
    unsigned int first_op, nr_ops;
    unsigned int first_slot; /* of the ring it comes from */
    unsigned int first_rx_slot, nr_rx_slots;
    struct netback *to; /* another guest; NULL: the tap */
    int error;
    bool validated; /* received: its checksum holds */
    bool dropped;   /* well, but for nobody */
    struct net_packet packet;
};

/* A buffer the receiving guest has posted, to be answered. */
struct rx_slot {
    uint32_t ref;
    uint16_t id, size;
    bool extra;
    unsigned int first_op, nr_ops;
};

struct turn {
    uint64_t since; /* it began: latency_clock() */
    uint8_t *arena; /* TURN_ARENA bytes, at a page's beginning */
    size_t used;
    uint8_t (*heads)[TURN_HEAD];           /* NET_RING_ENTRIES */
    gnttab_op_t ops[NET_RING_ENTRIES * 3]; /* heads twice, and the rest */
    unsigned int nr_ops;
    struct frame frames[NET_RING_ENTRIES];
    unsigned int nr_frames;
    struct net_slot slots[NET_RING_ENTRIES];
    unsigned int nr_slots;
    struct rx_slot rx_slots[NET_RING_ENTRIES * 2]; /* with extras */
    unsigned int nr_rx_slots;
    struct netback *receivers; /* who got frames, through next_receiver */
};
extern struct turn turn;

void turn_reset(void);

/*
 * Room for a header and then `size` bytes of a frame. So that copies need not
 * cross pages, it begins at `offset` within a page if there is room for that;
 * TURN_ANYWHERE: a frame of at most a page lies in one.
 */
#define TURN_ANYWHERE NET_PAGE
uint8_t *turn_room(size_t size, unsigned int offset);

/* Did all `nr` copies from `first` on succeed? */
bool turn_copied(unsigned int first, unsigned int nr);

/* Impossible indices: not served any more, with a line. */
void ring_broken(struct netback *nb, const char *why);

/* --- netrx.c, for sending to a guest ---------------------------------------*/

/* Could this guest take the frame as it is, uncut and unsummed? */
bool rx_takes(const struct netback *nb, const struct net_packet *p, bool ipv6);

/* Buffers for the largest frame, else an event when they are there. */
bool rx_has_room(struct netback *nb);

/* Frame `f` goes to `nb`: its buffers are taken from now on. */
void rx_begin(struct netback *nb, struct frame *f);

/* A buffer for the next part of `f`, at most NET_PAGE bytes. */
struct rx_slot *rx_buffer(struct netback *nb, struct frame *f);

/* `size` bytes more go into `slot`; the op that brings them. */
gnttab_op_t *rx_fill(struct rx_slot *slot, unsigned int size);

/* Note, write and show the answers for all frames of this turn to guests;
 * `copy_rc` is what the copying said. */
void rx_answer_all(int copy_rc);

#endif
