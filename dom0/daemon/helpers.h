/*
 * The daemons that serve guests, started and stopped from any thread (the
 * supervisor itself belongs to the loop's).
 */
#ifndef DAEMON_HELPERS_H
#define DAEMON_HELPERS_H

#include "dom0/daemon/daemon.h"

/* A pvblkd for this domain; adopted if it runs. Not from the loop's thread. */
int helpers_start_block(struct daemon *d, uint32_t domid, struct fault *f);
/* Returns when it is gone. */
void helpers_stop_block(struct daemon *d, uint32_t domid);
/* Those of domains that are not guests of ours are ended. Loop's thread. */
void helpers_stop_orphans(struct daemon *d);

/* What the storage daemons are called: the prefix, domain and disk. */
#define STORAGE_PREFIX "storage-"

/* supervise.h's calls from other threads than the loop's; stop() returns when
 * it is gone. */
int helpers_keep(struct daemon *d, const char *name, const char *const *argv,
                 const struct supervised *how);
void helpers_stop(struct daemon *d, const char *name);
unsigned helpers_restarts(struct daemon *d, const char *name);
pid_t helpers_pid(struct daemon *d, const char *name);

/* Find out whom pvblkd is to be. Before any thread begins. */
void helpers_find_users(struct daemon *d);

/* pvstored; pvconsoled and pvnetd; dnsmasq per network. Loop's thread. */
int helpers_start_store(struct daemon *d);
int helpers_start_host(struct daemon *d);
void helpers_start_dhcp(struct daemon *d);

/* The supervisor's list. Not from the loop's thread. */
json_t *helpers_list(struct daemon *d);

#endif
