/*
 * What coredump-destroy and coredump-restart keep of a guest that has ended: a
 * file for crash(8) in the folder `crash-dumps` of paravane.conf(5).
 */
#ifndef DAEMON_COREDUMP_H
#define DAEMON_COREDUMP_H

#include "dom0/daemon/daemon.h"

/*
 * Write it, as <folder>/<guest>-<time>.core, and remove this guest's oldest
 * beyond `crash-dumps-kept`. A worker's thread, which made the guest busy;
 * takes as long as the disk does. How it went is logged: it changes nothing
 * else.
 */
void coredump_write(struct daemon *d, struct guest *g);

#endif
