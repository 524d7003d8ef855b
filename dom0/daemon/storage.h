/*
 * QEMU's storage daemons: one for each disk that is no raw file or device. It
 * runs as a user who is its guest's alone, in a folder of its own with its
 * sockets, and is let in at the image by an entry of the image's access control
 * list. pvblkd reaches the disk through it. Not from the loop's thread.
 */
#ifndef DAEMON_STORAGE_H
#define DAEMON_STORAGE_H

#include "dom0/daemon/daemon.h"
#include "dom0/daemon/guest.h"

/* Does this disk need one? */
bool storage_wanted(const struct guest_disk *disk);

/*
 * Start the daemons of all disks of a guest that need one, or as many as can
 * be; those that run are adopted. storage_wait() returns when they serve, or
 * with QEMU's own words in `f`. What has begun is ended by storage_stop(), in
 * any case.
 */
int storage_begin(struct daemon *d, struct guest *g, uint32_t domid,
                  struct fault *f);
int storage_wait(struct daemon *d, const struct guest *g, uint32_t domid,
                 struct fault *f);

/*
 * Of a guest that an earlier pvnd had: what is to be taken away at its images
 * when it goes.
 */
void storage_reclaim(struct daemon *d, struct guest *g);

/* End those of a domain, or of one of its disks. They write back first. */
void storage_stop(struct daemon *d, uint32_t domid);
void storage_stop_disk(struct daemon *d, uint32_t domid, uint32_t devid);

#endif
