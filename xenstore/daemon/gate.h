/*
 * Turns for those who get into each other's way. Clients whose transactions
 * lately failed because something they had read was changed, mostly by one
 * another, would go on doing so: each success is everybody else's failure. So
 * one of them at a time has transactions open, and the next one's requests wait
 * until they have ended, or for a moment at most. Nobody else waits.
 *
 * Only for sockets: on a ring many share a connection.
 */
#ifndef XENSTORE_DAEMON_GATE_H
#define XENSTORE_DAEMON_GATE_H

#include <stdbool.h>

struct event;
struct peer;
struct server;

struct gate {
    struct peer *inside; /* whose turn it is, or NULL */
    struct peer *first, **end;
    struct event *timer;
};

void gate_open(struct server *sv);
void gate_close(struct server *sv);

/* Whether requests of `p` may be read now. If not its admit() will be called.
 */
bool gate_admits(struct server *sv, struct peer *p);

/* Requests of `p` were answered. */
void gate_passed(struct server *sv, struct peer *p);

/* `p` is about to be freed. */
void gate_forget(struct server *sv, struct peer *p);

#endif
