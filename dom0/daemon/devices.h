/*
 * A guest's disks and network cards in the store: both ends' directories, the
 * wait until the backends have them ready, and the way back.
 */
#ifndef DAEMON_DEVICES_H
#define DAEMON_DEVICES_H

#include "dom0/builder/nodes.h"
#include "dom0/daemon/daemon.h"

/* Append the nodes of one device, or of all a guest has. -ENOMEM. */
int device_nodes_disk(struct node_list *l, const struct guest *g,
                      uint32_t domid, const struct guest_disk *disk);
/* A limit as the disk's backend reads it. */
void device_limit_text(const struct disk_limit *limit, char *text, size_t size);
int device_nodes_nic(struct node_list *l, const struct guest *g, uint32_t domid,
                     const struct guest_nic *nic);
int device_nodes_all(struct node_list *l, const struct guest *g,
                     uint32_t domid);

/*
 * Wait until the backends have said of each device that it is connected to
 * what it shows. `only` (or NULL for all): a backend directory. -ETIMEDOUT,
 * or -EIO with the backend's own words in `f`.
 */
int devices_wait_ready(struct kit *k, const struct guest *g, uint32_t domid,
                       const char *only, int timeout_ms, struct fault *f);

/* Of backends: ours for disks, ours for cards. */
extern const char *const device_classes[2];
/* "/local/domain/0/backend/pvblk/<domid>/<devid>". */
void device_backend_path(char *path, size_t size, bool vbd, uint32_t domid,
                         uint32_t devid);

/*
 * Ask the backends of a domain to let go of all its devices, or of one
 * (`only`), and wait for it. -ETIMEDOUT when one does not; their nodes stay.
 */
int devices_close(struct kit *k, uint32_t domid, const char *only,
                  int timeout_ms);
/* Remove the nodes of one device, of both ends; in a transaction of its own. */
int device_remove_nodes(struct kit *k, uint32_t domid, bool vbd,
                        uint32_t devid);
/* All places in the store where something of a domain is, devices included:
 * what goes with it, and what must not be there before it. */
struct domain_paths {
    char text[NODE_ROOTS + 2][96];
    const char *paths[NODE_ROOTS + 2];
    size_t nr;
};
void device_domain_paths(struct domain_paths *p, uint32_t domid,
                         const uint8_t uuid[16]);

#endif
