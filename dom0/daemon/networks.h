/*
 * networks.conf(5): the networks guests may be plugged into. This is the text
 * alone; netsetup.h makes it so.
 */
#ifndef DAEMON_NETWORKS_H
#define DAEMON_NETWORKS_H

#include "dom0/daemon/fault.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum network_type {
    NETWORK_BRIDGED,  /* the bridge also has a port to the world */
    NETWORK_NAT,      /* dom0 routes and hides the guests behind itself */
    NETWORK_HOST_ONLY /* guests and dom0 see each other, that is all */
};

struct network {
    char name[32];
    enum network_type type;
    char bridge[IFNAMSIZ];
    char uplink[IFNAMSIZ];  /* bridged: port to the world; nat: way out or "" */
    struct in_addr address; /* dom0's own on the bridge; 0: none */
    unsigned prefix_len;
    bool dhcp;
    struct in_addr dhcp_first, dhcp_last;
    unsigned mtu; /* 0: as it comes */
};

/* More than this is no networks.conf. */
#define NETWORKS_FILE_MAX (256 * 1024)

struct networks {
    struct network *list;
    size_t nr;
};

/*
 * Read `text`; `file` names it in messages ("file:line: what is wrong"). On
 * success networks_release() frees what is in `n`; on failure nothing is left.
 */
int networks_parse(struct networks *n, const char *file, const char *text,
                   size_t len, struct fault *f);
void networks_release(struct networks *n);

/* By the network's name, or by its bridge's. NULL when there is none. */
const struct network *networks_find(const struct networks *n, const char *name);

const char *network_type_name(enum network_type type);

/* The network's mask and the rules for nft(8) that give it its way out,
 * complete and idempotent: they replace what an earlier run left. */
struct in_addr network_mask(const struct network *n);
int networks_nft(const struct networks *n, char *text, size_t size);

/* A dnsmasq(8) configuration for a network that wants DHCP. */
int network_dnsmasq(const struct network *n, const char *dir, char *text,
                    size_t size);

#endif
