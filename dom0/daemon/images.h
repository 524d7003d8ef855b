/*
 * The socket at which pvblkd, which is no user to open files, asks for the
 * images of its guest (dom0/libs/opener). What is opened is what the store
 * names for that disk, and only for the process that was started for its guest.
 */
#ifndef DAEMON_IMAGES_H
#define DAEMON_IMAGES_H

#include "dom0/daemon/daemon.h"

/* The socket, below the run directory. */
#define IMAGES_SOCKET "images.sock"

/* Listen, if pvblkd has a user of its own. Loop's thread. 0 or -errno. */
int images_listen(struct daemon *d);

#endif
