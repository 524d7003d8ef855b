/*
 * TCP/IP for programs: Debian's lwIP on one network card. Programs use lwIP's
 * own calls (<lwip/tcp.h>, <lwip/udp.h>) from the loop that calls ip_step(), or
 * from the callbacks that it makes. What is sent is not copied: memory given to
 * tcp_write() has to be of the shim's pages, and stay as it is until it is
 * acknowledged.
 */
#ifndef PARAVANE_GUEST_IP_H
#define PARAVANE_GUEST_IP_H

#include "pv-frontends/core/netfront.h"

struct tcp_pcb;

struct ip_settings {
    unsigned int devid, nr_buffers;
    uint8_t address[4], mask[4], gateway[4];
    /* Leave checksums, and cutting into packets, to the card. */
    bool offload_checksums, offload_segments;
};

struct ip_counts {
    uint64_t nr_in, nr_out, nr_large; /* frames; of those sent, to be cut */
    uint64_t nr_no_memory;            /* came in and found no room */
    uint64_t nr_full;                 /* the ring had no room to send */
};

/*
 * Connect the card and put lwIP on it. 0 or a negative error. Only once: lwIP
 * cannot be taken down.
 */
int ip_open(const struct ip_settings *settings);

/* All that is due, the store's watches too; if nothing is, wait for it. */
void ip_step(uint64_t deadline_ns);

/*
 * A connection is established: from now on let the card cut its segments, if
 * that is wanted and the card can.
 */
void ip_tcp_large(struct tcp_pcb *pcb);

struct netfront *ip_card(void);
const struct ip_counts *ip_counts(void);

#endif
