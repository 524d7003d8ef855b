/*
 * A card's port on a Linux bridge, beyond being on it: its VLAN, its isolation,
 * and the address that answers there.
 */
#ifndef PARAVANE_NET_BRIDGE_H
#define PARAVANE_NET_BRIDGE_H

#include "pv-backends/net/netswitch.h"
#include "pv-backends/runtime/backend.h"

/*
 * For interface `name`, which is on place->bridge: untagged frames belong to
 * the VLAN, isolated ports do not reach each other, and the card's address is
 * entered for good, because frames that take the short way between guests
 * would not keep it fresh. 0 or -errno with `why`.
 */
int bridge_place(const char *name, const struct netplace *place,
                 struct backend_why *why);

#endif
