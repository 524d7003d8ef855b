/*
 * pvnd --leave: what has to happen before the package goes. Every daemon that
 * an earlier pvnd started is ended, and the networks it made are taken down.
 */
#ifndef DAEMON_LEAVE_H
#define DAEMON_LEAVE_H

#include "dom0/daemon/daemon.h"

/* `d` holds the instance's lock and has its parts, and nothing was started.
   Refuses with the guests' names while there are any. */
int leave_host(struct daemon *d, struct fault *f);

#endif
