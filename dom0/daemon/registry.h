/*
 * All guests we manage. One lock guards the list and what others may see of a
 * guest; whoever wants to change one makes it busy first, so there is never
 * more than one operation on a guest at a time.
 */
#ifndef DAEMON_REGISTRY_H
#define DAEMON_REGISTRY_H

#include "dom0/daemon/guest.h"

struct registry;

/* Records are kept in `dir`, which is made. */
int registry_create(struct registry **r, const char *dir);
void registry_destroy(struct registry *r);

void registry_lock(struct registry *r);
void registry_unlock(struct registry *r);

/*
 * Enter a new guest, busy with `what`. Its name and uuid must be new, and no
 * disk of it be one that another guest writes (or that it writes itself and
 * another reads). On success the registry and the caller each hold it.
 */
int registry_add(struct registry *r, struct guest *g, const char *what,
                 struct fault *f);

/* By name, domain id in decimal, or uuid. With a reference, or NULL and a
 * reason in `f`. */
struct guest *registry_find(struct registry *r, const char *key,
                            struct fault *f);
struct guest *registry_find_domid(struct registry *r, uint32_t domid);
struct guest *registry_find_uuid(struct registry *r, const uint8_t uuid[16]);
void registry_put(struct registry *r, struct guest *g);

/* Begin an operation on `g`, or say what is going on already. */
int registry_begin(struct registry *r, struct guest *g, const char *what,
                   struct fault *f);
void registry_end(struct registry *r, struct guest *g);

/* Write the guest's record; its holder calls this after each change. */
int registry_save(struct registry *r, struct guest *g);
/* Take it off the list and remove its record; it is gone with its last
 * reference. Its claims on disks end here. */
void registry_drop(struct registry *r, struct guest *g);

/* Change what others see. */
void registry_set_state(struct registry *r, struct guest *g,
                        enum guest_state state, uint32_t domid);

/* The first guest of the list; walk `next` with the lock held. */
struct guest *registry_first(struct registry *r);

/* Is this disk in the way of another guest's? Lock held. */
int registry_check_disk_locked(struct registry *r, const struct guest *g,
                               const struct guest_disk *d, struct fault *f);

/*
 * Wait until something changed since `*epoch` (0: not at all, just learn the
 * number) or `deadline_ms` (CLOCK_MONOTONIC) has passed: -ETIMEDOUT. Lock
 * held.
 */
int registry_wait_locked(struct registry *r, uint64_t *epoch,
                         int64_t deadline_ms);

/* Read the records of an earlier life; those that make no sense are logged. */
void registry_load(struct registry *r);

#endif
