/*
 * The one event loop of a backend process: libevent for descriptors, timers and
 * signals, and event channels dispatched from it. A guest's port is served a
 * turn at a time, so that one busy guest leaves room for the others.
 */
#ifndef PARAVANE_RUNTIME_LOOP_H
#define PARAVANE_RUNTIME_LOOP_H

#include <stdint.h>

struct event_base;
struct gnttab;
struct spin;
struct store;

/* What a port's handler says when its turn ends. */
enum loop_turn {
    LOOP_DONE, /* let the port fire again */
    LOOP_MORE, /* not finished: another turn soon, after the others' */
    LOOP_HOLD, /* stay silent until loop_kick() */
};
typedef enum loop_turn loop_port_fn(void *arg);

struct loop_port;
struct evtchn;

struct loop {
    struct event_base *base;
    struct evtchn *evtchn;
    struct gnttab *gnttab;
    struct store *store;
    struct spin *spin; /* polling under load, see spin.h */
    struct loop_private *priv;
};

enum { LOOP_POLL_US = 200 }; /* unless somebody knows better */

/*
 * Opens the devices and the store, waiting up to `wait_s` seconds for the
 * store; `poll_us` is spin.h's limit. 0 or -errno, said in the log.
 */
int loop_open(struct loop **out, unsigned int wait_s, unsigned int poll_us);
void loop_close(struct loop *loop);

/* Until SIGTERM, SIGINT or loop_stop(). */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/*
 * Bind to `remote_port` of `domid`; `fn` runs on each event, and once now since
 * events may have come before. 0 or -errno.
 */
int loop_bind(struct loop *loop, uint32_t domid, uint32_t remote_port,
              loop_port_fn *fn, void *arg, struct loop_port **out);

/* NULL is fine. May be called from the port's own handler. */
void loop_unbind(struct loop *loop, struct loop_port *port);

/* Notify the other end. */
void loop_notify(struct loop *loop, struct loop_port *port);

/* Give the port a turn as if it had fired. */
void loop_kick(struct loop *loop, struct loop_port *port);

#endif
