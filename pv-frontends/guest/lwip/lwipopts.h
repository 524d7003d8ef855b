/*
 * How lwIP is built for the tiny guest: no threads, one card, IPv4 with TCP and
 * UDP, everything from a heap that ip.c takes from the shim's pages.
 */
#ifndef PARAVANE_GUEST_LWIPOPTS_H
#define PARAVANE_GUEST_LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_SINGLE_NETIF    1
#define LWIP_STATS           0
#define LWIP_RAW             0
#define IP_REASSEMBLY        0
#define IP_FRAG              0

/*
 * The worst that 16 connections hold: what came out of order, and the headers
 * of what was not acknowledged, some 90 KiB each. (What is received is copied
 * away at once, what is sent lies in memory of ours.)
 */
#define MEM_SIZE              (1536 * 1024)
#define MEM_ALIGNMENT         8
#define MEMP_MEM_MALLOC       1
#define LWIP_RAM_HEAP_POINTER ip_heap
extern unsigned char *ip_heap;

#define TCP_MSS             1460
#define LWIP_WND_SCALE      1
#define TCP_RCV_SCALE       2
#define TCP_WND             (128 * 1024)
#define TCP_SND_BUF         (128 * 1024)
#define TCP_SND_QUEUELEN    256
#define TCP_SNDLOWAT        (32 * 1024)
#define TCP_OVERSIZE        0
#define TCP_OOSEQ_MAX_BYTES (64 * 1024)
#define LWIP_TCP_SACK_OUT   1
#define TCP_LISTEN_BACKLOG  1

/* Whether a frame's checksum is made or looked at is decided frame by frame. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

#endif
