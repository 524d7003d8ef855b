/*
 * Network interfaces by name, over the kernel's route netlink (libnl).
 */
#ifndef PARAVANE_NET_LINK_H
#define PARAVANE_NET_LINK_H

#include <stdbool.h>

enum { LINK_ALIAS_BYTES = 64 };
#define LINK_ALIAS_FORMAT "paravane vif %u/%u"

/* The alias, "" without one. 0; -ENODEV; other -errno. */
int link_alias(const char *name, char alias[LINK_ALIAS_BYTES]);

/*
 * Give it the alias and the address that bridges do not take for their own,
 * that MTU (0: the bridge's), put it on the bridge ("" for none) and up. 0;
 * -ENODEV when there is no such bridge; other -errno.
 */
int link_setup(const char *name, const char *alias, const char *bridge,
               unsigned int mtu);

/* Its MTU as it is, or 0. */
unsigned int link_mtu(const char *name);

/* Delete every interface whose alias `condemned` says yes to. */
void link_remove_if(bool (*condemned)(void *arg, const char *alias), void *arg);

#endif
