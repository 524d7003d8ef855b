/* A network backend of the tests: what is sent comes back, as it was. */
#ifndef TEST_NET_FAKE_H
#define TEST_NET_FAKE_H

#include "tests/unit/pv-frontends/shim-fake.h"

#include "pv-frontends/core/netfront.h"

/* A whole frame, as the frontend sent it or is to get it. */
struct net_packet {
    uint8_t data[65536];
    unsigned int size, nr; /* bytes; slots that they came in */
    uint16_t flags;        /* NETTXF_..., of the first slot */
    uint16_t segment;      /* bytes per segment, 0: not to be cut */
    uint8_t segmentation;
};

struct net_fake {
    unsigned int max_queues;
    bool sg, no_tso;
    /* Where frames go, instead of back. */
    void (*forward)(struct net_fake *n, unsigned int queue,
                    const struct net_packet *packet);
    bool mute; /* take frames, give none back */
    unsigned int nr_frames, nr_slots, nr_dropped;
    uint16_t last_size, last_segment;
    uint8_t last_segmentation;
    uint16_t last_flags;
    /* private */
    bool connected, just_begun;
    unsigned int nr_queues;
    struct {
        netif_tx_back_ring_t tx;
        netif_rx_back_ring_t rx;
        unsigned int port;
    } q[4];
};

void net_begin(struct net_fake *n);
void net_turn(struct net_fake *n);
void net_restart(struct net_fake *n);
/* Into the frontend's buffers of a queue; false when there are too few. */
bool net_give(struct net_fake *n, unsigned int queue,
              const struct net_packet *packet);

#define NET_FRONT "/local/domain/1/device/vif/0"
#define NET_BACK  "/local/domain/0/backend/vif/1/0"

#endif
