/*
 * A TCP of the tests' own, at the other end of the wire: it connects, sends,
 * checks every byte and every checksum that comes back, and sends again what
 * was lost. Simple: go back to what was not acknowledged, nothing out of order.
 */
#ifndef TEST_TCP_PEER_H
#define TEST_TCP_PEER_H

#include "tests/unit/pv-frontends/net-fake.h"

enum peer_state { PEER_CLOSED, PEER_SYN, PEER_OPEN, PEER_ENDED, PEER_RESET };

struct peer {
    uint16_t port, to;    /* ours, the guest's */
    uint32_t to_send;     /* bytes; then, and when as many */
    uint32_t to_get;      /* as these have come in, we end */
    unsigned int largest; /* bytes of a frame of ours; > 1460: to be cut */
    bool stalled;         /* takes nothing: its window is closed */
    /* What byte `at` of either direction is. */
    uint8_t (*sends)(const struct peer *p, uint32_t at);
    uint8_t (*gets)(const struct peer *p, uint32_t at);
    /* results */
    enum peer_state state;
    uint32_t got, acked; /* bytes that came in; of ours that they have */
    unsigned int nr_bad; /* bytes that are not what they should be */
    /* private */
    uint32_t iss, sent, rcv_nxt, window;
    bool fin_sent, fin_got;
    unsigned int quiet; /* turns without progress */
};

/* What all of them see. */
struct peer_net {
    struct net_fake *fake;
    struct peer *peers;
    unsigned int nr_peers;
    uint8_t guest_mac[6], mac[6], guest_ip[4], ip[4];
    unsigned int lose_every; /* n: every n-th frame, both ways; 0: none */
    /* results */
    unsigned int nr_in, nr_large, nr_blank, nr_bad_sums, nr_arps, nr_lost;
    unsigned int nr_pongs, nr_datagrams;
};

/* The one network there is, and its end of the wire. */
void peers_begin(struct peer_net *n);
void peers_forward(struct net_fake *fake, unsigned int queue,
                   const struct net_packet *packet);
/* One turn of everybody: what is due is sent. */
void peers_turn(void);
bool peers_are_done(const struct peer_net *n);

/* A datagram, a ping, and bytes as they are. */
void peers_datagram(uint16_t to, const void *data, unsigned int size);
void peers_ping(void);
void peers_raw(const void *data, unsigned int size);

#endif
