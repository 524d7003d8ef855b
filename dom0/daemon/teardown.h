/* Taking a domain down completely, whatever state it is in. */
#ifndef DAEMON_TEARDOWN_H
#define DAEMON_TEARDOWN_H

#include "dom0/daemon/daemon.h"

/*
 * End every domain that carries the guest's uuid and remove all that was made
 * for it: devices, store nodes, its backend process. May be called at any
 * point of a create or of an earlier teardown. The guest has no domain
 * afterwards; its registry entry and its claims on disks stay. `wait`: return
 * only when its memory is free again, or a while has passed. 0, or -Exxx when
 * the domain could not be ended.
 */
int teardown(struct daemon *d, struct kit *k, struct guest *g, bool wait);

#endif
