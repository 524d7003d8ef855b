/*
 * Event channels, as the event-channel device hands them out: a thin seam over
 * libxenevtchn, so that what stands above runs in tests (evtchn-fake.c).
 *
 * One handle is one open device; its ports are masked while they wait to be
 * read and stay masked until evtchn_unmask().
 */
#ifndef PARAVANE_LIBS_EVTCHN_H
#define PARAVANE_LIBS_EVTCHN_H

#include <stdint.h>

struct evtchn;

/* 0 and the handle, or -errno. */
int evtchn_open(struct evtchn **out);

/* Closes the handle and every port bound through it; NULL is fine. */
void evtchn_close(struct evtchn *ec);

/*
 * From now on the handle binds to ports of `domid` and of nobody else, whatever
 * becomes of this process. 0 or -errno.
 */
int evtchn_restrict(struct evtchn *ec, uint32_t domid);

/* Readable while evtchn_pending() has something to return. */
int evtchn_fd(struct evtchn *ec);

/*
 * Bind to the port that `domid` offers us. 0 and our end, or -errno. A port
 * whose earlier binding has gone (a killed process) can be bound again.
 */
int evtchn_bind(struct evtchn *ec, uint32_t domid, uint32_t remote_port,
                uint32_t *port);

/* Bind a virtual interrupt. 0 and the port, or -errno. */
int evtchn_bind_virq(struct evtchn *ec, unsigned int virq, uint32_t *port);

int evtchn_unbind(struct evtchn *ec, uint32_t port);

/* Send; to a peer that has gone it is a quiet nothing. */
void evtchn_notify(struct evtchn *ec, uint32_t port);

/*
 * Up to `max` ports that have fired, each masked now. How many, 0 when none;
 * or -errno.
 */
int evtchn_pending(struct evtchn *ec, uint32_t *ports, unsigned int max);

/* Let these ports fire again. */
int evtchn_unmask(struct evtchn *ec, const uint32_t *ports, unsigned int nr);

#endif
