/*
 * What pvnd knows of one guest, and how that is kept in a file: enough to find
 * it again, to take it down completely, and to start it anew.
 */
#ifndef DAEMON_GUEST_H
#define DAEMON_GUEST_H

#include "dom0/config/domconfig.h"
#include "dom0/daemon/diskclaim.h"
#include "dom0/daemon/fault.h"

#include <jansson.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum guest_state {
    GUEST_BUILDING,
    GUEST_RUNNING,  /* from its unpause on; it may be paused */
    GUEST_ENDING,   /* being taken down */
    GUEST_PRESERVED /* it has ended, and is kept for whoever wants to look */
};

/* How fast a disk may be; zeroes: as fast as it is. */
struct disk_limit {
    uint64_t per_second, burst; /* burst 0: a tenth of a second's worth */
};

struct guest_disk {
    uint32_t devid;
    char vdev[16];
    char *path; /* NULL: a drive without a medium; or a remote target */
    enum disk_format format;
    char *params; /* what its backend opens; NULL: `path` */
    bool writable, cdrom, direct_io_safe, discard;
    struct disk_limit bytes, requests;
    struct disk_claim claim; /* fd -1: not claimed */
};

struct guest_nic {
    uint32_t devid;
    uint8_t mac[6];
    char bridge[IFNAMSIZ];
    char vifname[IFNAMSIZ];
    uint32_t mtu;
    uint32_t vlan;
    bool isolated, antispoof;
    uint64_t rate_bytes;
    uint32_t rate_interval_us;
};

struct guest {
    struct guest *next;
    unsigned refs; /* the registry's own, and one per user */
    char *name;
    uint8_t uuid[16];
    uint32_t domid; /* 0: there is none (yet) */
    enum guest_state state;
    char *config, *source; /* the text, and what file it came from */
    struct domconfig *cfg; /* the text, understood */
    int64_t started;       /* seconds since 1970 */
    unsigned quick_ends;   /* in a row: see lifecycle.c */
    struct guest_disk *disks;
    size_t nr_disks;
    struct guest_nic *nics;
    size_t nr_nics;
    /* What a thread is doing to it, NULL when it is free. Changed under the
     * registry's lock; all else by the one who is named here, under it too. */
    const char *busy;
};

/* `cfg`, `config` and `source` stay with the guest, also on failure. */
struct guest *guest_new(struct domconfig *cfg, const char *config,
                        const char *source);
void guest_free(struct guest *g);

/* Devices of the configuration, with everything left open filled in: MAC
 * addresses, bridges (`default_bridge`). */
int guest_take_devices(struct guest *g, const char *default_bridge,
                       struct fault *f);

/* One more, of which the guest gets a copy. The result stays valid until the
 * next call for the same guest. -EEXIST when the id is taken. */
int guest_add_disk(struct guest *g, const struct disk_config *from,
                   struct guest_disk **disk, struct fault *f);
int guest_add_nic(struct guest *g, const struct nic_config *from,
                  const char *default_bridge, struct guest_nic **nic,
                  struct fault *f);
struct guest_disk *guest_disk(struct guest *g, uint32_t devid);
struct guest_nic *guest_nic(struct guest *g, uint32_t devid);
/* Claims are released with their disk. */
void guest_remove_disk(struct guest *g, uint32_t devid);
void guest_remove_nic(struct guest *g, uint32_t devid);

/* The lowest id no network card of the guest has. */
uint32_t guest_free_nic_id(const struct guest *g);

/* The record that outlives us, and back. NULL with a reason in `f`. */
json_t *guest_to_json(const struct guest *g);
struct guest *guest_from_json(const json_t *record, struct fault *f);

json_t *guest_disk_json(const struct guest_disk *d);
json_t *guest_nic_json(const struct guest_nic *n);

const char *guest_state_name(enum guest_state state);

#endif
