/* The rings of domains, dom0's kernel among them; needs a hypervisor. */
#ifndef XENSTORE_DAEMON_DOMAINS_H
#define XENSTORE_DAEMON_DOMAINS_H

#include "xenstore/daemon/server.h"

/*
 * Open what it takes. -ENODEV: there is no hypervisor here; -ENXIO: there is,
 * but a device of the kernel's is missing, which was logged.
 */
int domains_open(struct server *sv);
void domains_close(struct server *sv);

/* Connect to dom0's kernel and to the rings a former daemon served. */
void domains_start(struct server *sv);

/* The store's questions: struct store_ops. */
int domains_introduce(void *ctx, struct domain *d, bool again);
void domains_release(void *ctx, struct domain *d);
bool domains_exists(void *ctx, unsigned int domid);

#endif
