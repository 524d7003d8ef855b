/* Watches: who wants to know of changes at a path and below. */
#ifndef XENSTORE_CORE_WATCH_H
#define XENSTORE_CORE_WATCH_H

#include "xenstore/core/internal.h"

/* All watches on one path. */
struct watch_point {
    struct map_entry entry;
    struct watch *first;
    char path[];
};

struct watch {
    struct watch *next_at_point;
    struct watch *next_of_client;
    struct client *client;
    struct watch_point *point;
    char *token;
    size_t home_len;      /* of the prefix its events do without */
    uint64_t queued_at;   /* where the last event ends in the client's output */
    uint64_t queued_hash; /* of that event's path */
};

/* 0, -EEXIST, or -E2BIG beyond the quota. The first event is not sent. */
int watch_add(struct client *c, const char *path, size_t home_len,
              const char *token);
int watch_remove(struct client *c, const char *path, const char *token);
void watch_drop_all(struct client *c);

/* Send the first event of a watch just set. */
void watch_fire_first(struct client *c, const char *path, const char *token);

/*
 * Tell the watchers of `path` and above, if they may read the node, and for a
 * removed subtree those of each node in it. `by` caused it, or NULL.
 */
void watch_fire(struct store *s, const struct change *change,
                struct client *by);

/* Tell those of exactly this name. */
void watch_fire_special(struct store *s, const char *name,
                        const struct perms *perms, struct client *by);

#endif
