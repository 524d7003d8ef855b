/*
 * The other ends of the fake's event channels: what a test raises, and what it
 * asks about. A bound port's number is the remote port's plus 100.
 */
#ifndef PARAVANE_LIBS_EVTCHN_FAKE_H
#define PARAVANE_LIBS_EVTCHN_FAKE_H

#include "dom0/libs/evtchn/evtchn.h"

#define EVTCHN_FAKE_LOCAL(remote) ((remote) + 100)

void evtchn_fake_reset(void);

/* The guest sends on its end of `remote_port`. */
void evtchn_fake_raise(uint32_t remote_port);

/* How often we have notified the guest's `remote_port`. */
unsigned int evtchn_fake_notified(uint32_t remote_port);

/* Ports bound at the moment. */
unsigned int evtchn_fake_bound(void);

#endif
