/* What state.c and succession.c share: the journal's file. */
#ifndef XENSTORE_DAEMON_STATE_INTERNAL_H
#define XENSTORE_DAEMON_STATE_INTERNAL_H

#include "xenstore/daemon/state.h"

struct header {
    char magic[8];
    uint32_t flags;
    uint32_t pad;
};

/* A batch: this, then its records, then the next one aligned to 8. */
struct batch {
    uint64_t len; /* stored last; 0 ends the journal */
    uint64_t check;
    uint64_t seq;
};

struct state {
    char *path;
    int fd;
    char *map;
    size_t size; /* of the file and its mapping */
    size_t used;
    uint64_t seq;           /* of the last batch */
    bool loaded;            /* there was something to go on from */
    struct successor *next; /* a new file in the making, or NULL */
    size_t snapshot;        /* where the file's first batch ended */
};

/* The file that will take the name: a snapshot, then what came since. */
struct successor {
    struct state st;
    struct snapshot *snap; /* NULL: it is all there */
    size_t since; /* batches of the old file from here on are missing */
};

static inline size_t state_aligned(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

static inline struct header *header_of(struct state *st)
{
    return (struct header *)st->map;
}

/* --- state.c: a file, the journal's or its successor's -----------------------
 */

/* A descriptor, locked for this daemon; -EBUSY, -errno. */
int state_open_locked(const char *path);
/* Map st->fd; an empty file gets its header. 0 or -errno. */
int state_map_file(struct state *st);
void state_close_file(struct state *st);
/* Put a batch of records at the end. 0, or -errno and nothing has changed. */
int state_append(struct state *st, const char *records, size_t len);

/* --- succession.c ----------------------------------------------------------
 */

/* Begin a new file. 0, or -errno and there is none. */
int succession_begin(struct state *st, struct store *s);
/* Write about `bytes` more of it; when it has everything it takes the old
 * one's name and place. 0, or -errno and it is dropped. */
int succession_step(struct state *st, size_t bytes);
void succession_drop(struct state *st); /* if there is one */

#endif
