/*
 * Event channels: ports of a domain, bound to another domain's port, a
 * virtual or physical interrupt or another vCPU. PORTABLE.
 */
#ifndef EVTCHN_EVTCHN_H
#define EVTCHN_EVTCHN_H

#include "lib/lib.h"

#include <xen/event_channel.h>

struct domain;
struct vcpu;
struct domain_part;

extern const struct domain_part evtchn_part;

/* Mark `port` of d pending at its peer and wake who waits. Any context.
   0, or -EINVAL when it is not one d may send on. */
long evtchn_send(struct domain *d, evtchn_port_t port);

/* Raise a virtual interrupt. Per-vCPU ones (VIRQ_TIMER, ...) and global ones
   (VIRQ_CONSOLE, DOM_EXC, ...), the latter to whoever of dom0 bound it. */
void virq_raise(struct vcpu *v, unsigned virq);
void virq_raise_global(unsigned virq);

/* A physical interrupt bound to `port` fired. */
void evtchn_raise_pirq(struct domain *d, evtchn_port_t port);

/* Does `port` of d wait to be handled (pending set)? For SCHEDOP_poll. */
bool evtchn_is_pending(struct domain *d, evtchn_port_t port);
/* EVTCHNOP_unmask. -EINVAL when there is no such port. */
int evtchn_unmask(struct domain *d, evtchn_port_t port);
/* Ports that exist may be polled: -EINVAL otherwise. */
int evtchn_check_pollable(struct domain *d, evtchn_port_t port);

/*
 * SCHEDOP_poll: from start to stop, `port` (-1: any) becoming pending stops
 * the poll and wakes v. Start first, then look at the ports.
 */
void evtchn_poll_start(struct vcpu *v, int32_t port);
/* Wait for this port only from now on, unless the poll has been stopped. */
void evtchn_poll_narrow(struct vcpu *v, int32_t port);
void evtchn_poll_stop(struct vcpu *v);

/* Channels in use and allocated, for listings and leak tests. */
unsigned evtchn_count_used(struct domain *d);
/* Debug key e: its channels into the log. */
void evtchn_dump(struct domain *d);
/* After vcpu_register_info moved vcpu_info: raise pending for v again. */
void evtchn_vcpu_info_moved(struct vcpu *v);

#endif
