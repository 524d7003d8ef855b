/* The daemon's parts and the loop that joins them. */
#ifndef XENSTORE_DAEMON_SERVER_H
#define XENSTORE_DAEMON_SERVER_H

#include "xenstore/core/store.h"
#include "xenstore/daemon/control.h"
#include "xenstore/daemon/gate.h"
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
    void (*admit)(struct peer *p);  /* the gate lets it in: gate.h */
    struct peer *next_waiting;
    bool is_waiting;
};

struct domains;
struct held;

struct server {
    struct event_base *base;
    struct store *store;
    struct state *state;     /* NULL: nothing is kept */
    struct domains *domains; /* NULL: no hypervisor */
    struct held *held;       /* NULL: clients' connections die with us */
    int holder;              /* who accepts clients then */
    struct event *listener, *tick, *term, *intr, *hup, *usr2;
    int clock; /* what ticks */
    struct peer *dirty;
    struct gate gate;
    struct update update;
    bool leave; /* stop, but let the holder hold */
};

/* `p` has something to send: it is flushed at the next server_settle(). */
void server_mark(struct peer *p);
/* Take `p` off the list, before it is freed. */
void server_unmark(struct peer *p);

/* Store what changed, then let everybody send. At the end of each event. */
void server_settle(struct server *sv);

/* The loop's base: one thread's, whose time nobody asks for. NULL: no memory.
 */
struct event_base *server_base(void);

/*
 * Serve until a signal: on a listening descriptor, or with sv->held the
 * clients the holder has and accepts. 0 or -errno.
 */
int server_run(struct server *sv, int listener);

#endif
