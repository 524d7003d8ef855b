/* Clients by socket. */
#ifndef XENSTORE_DAEMON_SOCKETS_H
#define XENSTORE_DAEMON_SOCKETS_H

#include "xenstore/daemon/server.h"

/* Accept on a listening descriptor, for good. */
int sockets_start(struct server *sv, int listener);
void sockets_stop(struct server *sv); /* closes every client */

#endif
