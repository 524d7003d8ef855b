/*
 * The control socket: clients, lines in, lines out. Who may connect is decided
 * twice: by the socket's mode and owner, and by the peer's credentials. Loop
 * thread only.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "dom0/daemon/rpc.h"

#include <event2/event.h>
#include <stdint.h>
#include <sys/types.h>

struct server;

/*
 * Called for each well-formed request; `req` is the callee's to release.
 * Exactly one server_reply() for it has to follow, now or later.
 */
typedef void (*server_request_fn)(void *ctx, uint64_t client,
                                  struct rpc_request *req);

/*
 * Listen at `path`, mode 0660, group `gid`; root and members of the group are
 * served. A socket left by a dead daemon is replaced.
 */
int server_open(struct server **server, struct event_base *base,
                const char *path, gid_t gid, server_request_fn request,
                void *ctx);
void server_close(struct server *server);

/* Send a line (freed here). `final` lines end a request. A client that is gone
 * by now loses them, that is all. */
void server_send(struct server *server, uint64_t client, char *line,
                 bool final);

#endif
