/* The Unix socket: listening on it, and clients' bytes over it. */
#ifndef XENSTORE_TRANSPORT_SOCKET_H
#define XENSTORE_TRANSPORT_SOCKET_H

#include "xenstore/core/store.h"

/*
 * Listen on `path` (mode 0600), in place of a dead daemon's socket. The
 * descriptor, or -errno; -EADDRINUSE when somebody answers there, whose pid
 * goes to *pid.
 */
int sock_listen(const char *path, int *pid);

/* The next client's descriptor (non-blocking), or -EAGAIN, -errno. */
int sock_accept(int listener);

/*
 * Read what is there (one system call's worth) and answer it. 0, 1 if there may
 * be more, -EAGAIN, or -EPIPE when the connection is over or the peer talks
 * nonsense.
 */
int sock_readable(struct client *c, int fd);

/* Send what waits. 0, -EAGAIN when some is left, or -EPIPE. */
int sock_flush(struct client *c, int fd);

#endif
