/* A network backend of the tests: what is sent comes back, as it was. */
#ifndef TEST_NET_FAKE_H
#define TEST_NET_FAKE_H

#include "tests/unit/pv-frontends/shim-fake.h"

#include "pv-frontends/core/netfront.h"

struct net_fake {
    unsigned int max_queues;
    bool sg;
    bool mute; /* take frames, give none back */
    unsigned int nr_frames, nr_slots, nr_dropped;
    uint16_t last_size, last_segment;
    uint8_t last_segmentation;
    uint16_t last_flags;
    /* private */
    bool connected;
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

#define NET_FRONT "/local/domain/1/device/vif/0"
#define NET_BACK  "/local/domain/0/backend/vif/1/0"

#endif
