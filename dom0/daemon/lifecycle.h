/*
 * Guests that end by themselves: noticed through the store's @releaseDomain,
 * then whatever their configuration says.
 */
#ifndef DAEMON_LIFECYCLE_H
#define DAEMON_LIFECYCLE_H

#include "dom0/config/domconfig.h"
#include "dom0/daemon/daemon.h"

/* Begin to look; loop's thread. Also survives the store's death. */
int lifecycle_start(struct daemon *d);
void lifecycle_stop(struct daemon *d);

/* Look now. Any thread. */
void lifecycle_poke(struct daemon *d);

/* What the configuration wants done after an end for `reason` (SHUTDOWN_*). */
enum domconfig_action lifecycle_action(const struct domconfig *cfg,
                                       unsigned reason);
const char *lifecycle_reason_name(unsigned reason);

/*
 * Take the guest's domain down and start it anew, under an intent record; the
 * caller made it busy. When it cannot be started the guest is dropped.
 */
int lifecycle_restart(struct daemon *d, struct kit *k, struct guest *g,
                      struct fault *f);

/* Take the guest down for good, the same way. */
int lifecycle_destroy(struct daemon *d, struct kit *k, struct guest *g,
                      bool wait, struct fault *f);

#endif
