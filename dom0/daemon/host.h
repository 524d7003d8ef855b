/* Domain 0 itself: what has to be there before guests can be. */
#ifndef DAEMON_HOST_H
#define DAEMON_HOST_H

#include "dom0/daemon/daemon.h"

/* Are we domain 0, as root, and is nobody else in charge here? */
int host_check(const struct options *o, struct fault *f);

/* Mount xenfs if it is not there: the store finds its ring through it. */
int host_mount_xenfs(struct fault *f);

/* Wait until a store answers. */
int host_wait_store(int timeout_ms, struct fault *f);

/* The nodes every toolstack expects of domain 0; those that are there stay. */
int host_enter_dom0(struct daemon *d, struct fault *f);

/* pid of a process called `name` (of /proc/<pid>/comm), 0 if none. */
pid_t host_find_process(const char *name);

#endif
