/* From a registered guest to a running domain. */
#ifndef DAEMON_CREATE_H
#define DAEMON_CREATE_H

#include "dom0/daemon/daemon.h"

/* Who hears how far it is; `say` may be NULL. */
struct progress {
    void (*say)(void *ctx, const char *text);
    void *ctx;
};
void progress_say(const struct progress *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Lock the guest's disks for it, and make sure its networks are there.
 * Nothing else is touched; guest_free() or registry_drop() gives them back.
 */
int create_claim(struct daemon *d, struct guest *g, struct fault *f);
/* One of its disks, which must be no other guest's. */
int create_claim_disk(struct daemon *d, struct guest *g,
                      struct guest_disk *disk, enum disk_use use,
                      struct fault *f);
/* The same for a guest that has had them all along. What cannot be had any
 * more is logged; it is too late to refuse. */
void create_reclaim(struct daemon *d, struct guest *g);

/*
 * Build and start `g`, whose disks are claimed and which the caller has made
 * busy. On failure nothing of it is left but the registry's entry. The
 * caller's intent record covers all of it.
 */
int create_start(struct daemon *d, struct kit *k, struct guest *g, bool paused,
                 const struct progress *p, struct fault *f);

#endif
