/*
 * Event channels, the two-level ABI: a handler per port, and the scan that the
 * kernel's upcall entry calls. A kernel that has event channels already may
 * implement these functions on top of its own instead of linking evtchn.c.
 */
#ifndef PARAVANE_CORE_EVTCHN_H
#define PARAVANE_CORE_EVTCHN_H

#include "pv-frontends/core/libc.h"

#include <xen/xen.h>
#include <xen/event_channel.h>

#define EVTCHN_MAX_PORT 1024u

typedef void evtchn_fn(void *arg);

/* A port of ours that `remote` may bind to; the port or a negative error. */
int evtchn_alloc_unbound(domid_t remote);
/* This vCPU's VIRQ, another vCPU's IPI port; the port or a negative error. */
int evtchn_bind_virq(unsigned int virq, unsigned int vcpu);
int evtchn_bind_ipi(unsigned int vcpu);
/* Have the port's events arrive at `vcpu` from now on. */
int evtchn_move(evtchn_port_t port, unsigned int vcpu);

/* Call fn(arg), with events off, whenever the port fires; and unmask it. */
int evtchn_listen(evtchn_port_t port, evtchn_fn *fn, void *arg);
/* Mask the port and forget the handler. */
void evtchn_ignore(evtchn_port_t port);

int evtchn_send(evtchn_port_t port);
int evtchn_close(evtchn_port_t port);

/* Deliver what is pending at `vcpu`; its events are off. How many ports. */
unsigned int evtchn_upcall(unsigned int vcpu);

#endif
