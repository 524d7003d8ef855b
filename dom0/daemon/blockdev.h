/*
 * A guest's disk as QEMU's programs are told of it (--blockdev): a file or a
 * device in one of the formats that they know, or something elsewhere on the
 * network. Pure.
 */
#ifndef DAEMON_BLOCKDEV_H
#define DAEMON_BLOCKDEV_H

#include "dom0/daemon/fault.h"
#include "dom0/daemon/guest.h"

/* The name that the image has among QEMU's nodes. */
#define BLOCKDEV_NODE "disk"

/*
 * JSON, to free(); `direct`: past the host's page cache. 0, or -errno with a
 * reason in `f`.
 */
int blockdev_text(const struct guest_disk *d, bool direct, char **text,
                  struct fault *f);

#endif
