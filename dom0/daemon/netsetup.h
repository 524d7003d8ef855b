/*
 * Making networks.conf true: bridges and addresses by netlink, forwarding by
 * the kernel's switch, address translation by nft(8). What is already as it
 * should be stays as it is, so running it again disturbs no guest.
 */
#ifndef DAEMON_NETSETUP_H
#define DAEMON_NETSETUP_H

#include "dom0/daemon/networks.h"

/* Each network that cannot be made is logged and left out; the number of
 * those is returned. `dir` keeps a note for the next time. */
int netsetup_apply(const struct networks *n, const char *dir);

/* Take down what it made: the bridges of nat and host-only networks and the
 * rules. A bridge to the world stays, the host may be reached over it. */
int netsetup_remove(const struct networks *n, struct fault *f);

/* Is there a bridge of this name? 0, or the reason in `f`. */
int netsetup_check_bridge(const char *name, struct fault *f);

#endif
