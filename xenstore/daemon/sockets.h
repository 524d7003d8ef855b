/* Clients by socket. */
#ifndef XENSTORE_DAEMON_SOCKETS_H
#define XENSTORE_DAEMON_SOCKETS_H

#include "xenstore/daemon/server.h"

/*
 * Find the holder of this journal's clients, or start one for a listening
 * descriptor that `listen` makes. Fills in sv->holder and sv->held, and takes
 * over the clients it has: those the store knows go on. 0 or -errno.
 */
int sockets_hold(struct server *sv, const char *state_path,
                 int (*listen)(const char *path), const char *socket_path);

/* Accept on a listening descriptor (or hear of clients), for good. */
int sockets_start(struct server *sv, int listener);

/* Closes every client, and ends the holder, unless sv->leave. */
void sockets_stop(struct server *sv);

#endif
