/* The daemon's parts and the loop that joins them. */
#ifndef XENSTORE_DAEMON_SERVER_H
#define XENSTORE_DAEMON_SERVER_H

#include "xenstore/core/store.h"
#include "xenstore/daemon/state.h"

#include <event2/event.h>

struct server;

/* Whoever has a client: a socket or a ring. client_user() points at it. */
struct peer {
    struct server *server;
    struct client *client;
    struct peer *next_dirty;
    bool is_dirty;
    void (*flush)(struct peer *p);  /* send what waits; may free the peer */
    void (*resume)(struct peer *p); /* it may send requests again */
};

struct domains;

struct server {
    struct event_base *base;
    struct store *store;
    struct state *state;     /* NULL: nothing is kept */
    struct domains *domains; /* NULL: no hypervisor */
    struct event *listener, *tick, *term, *intr, *hup;
    struct peer *dirty;
};

/* `p` has something to send: it is flushed at the next server_settle(). */
void server_mark(struct peer *p);
/* Take `p` off the list, before it is freed. */
void server_unmark(struct peer *p);

/* Store what changed, then let everybody send. At the end of each event. */
void server_settle(struct server *sv);

/* Serve on a listening descriptor until a signal. 0 or -errno. */
int server_run(struct server *sv, int listener);

#endif
