/*
 * Event channels through either ABI, so that the same cases run over both:
 * guest-evtchn with two levels, guest-evtchn-fifo with queues.
 */
#ifndef TEST_EVTCHN_H
#define TEST_EVTCHN_H

#include "guest.h"

/* 0, or why queues are not to be had. */
int ev_use_fifo(void);
bool ev_is_fifo(void);

bool ev_pending(evtchn_port_t port);
bool ev_masked(evtchn_port_t port);
void ev_mask(evtchn_port_t port);
/* By hypercall, which raises what is pending. */
int ev_unmask(evtchn_port_t port);
/* Clear pending, and take the port off its queue. */
void ev_clear(evtchn_port_t port);

int ev_send(evtchn_port_t port);
int ev_close(evtchn_port_t port);
int ev_status(evtchn_port_t port, struct evtchn_status *status);
int ev_alloc_unbound(domid_t remote); /* the port, or an error */
int ev_bind_interdomain(domid_t dom, evtchn_port_t port);
int ev_bind_virq(unsigned int virq, unsigned int vcpu);
int ev_bind_ipi(unsigned int vcpu);
int ev_bind_vcpu(evtchn_port_t port, unsigned int vcpu);

/* The cases, the same for both: a guest's second list. */
extern const struct test evtchn_tests[];

#endif
