/*
 * The journal's file: batches of records in memory that outlives the process
 * (a file on /run). A batch counts once its length is there, which is stored
 * last; each has a number and a checksum. When the file has grown enough a new
 * one, beginning with a snapshot, takes its place.
 */
#ifndef XENSTORE_DAEMON_STATE_H
#define XENSTORE_DAEMON_STATE_H

#include "xenstore/core/store.h"

struct state;

/* Open or create the file, for one daemon at a time. -EBUSY: there is one. */
int state_open(struct state **state, const char *path);
/* The file stays. Before the store is destroyed. */
void state_close(struct state *state);

/*
 * Bring a fresh store to where the journal ends. `recover`: a damaged one is
 * kept aside as <path>.bad, and what is before the damage counts. 0, or
 * -EINVAL with a sentence about what is wrong and where.
 */
int state_load(struct state *state, struct store *s, bool recover, char *why,
               size_t why_size);

/* Whether there was nothing to load. */
bool state_is_new(const struct state *state);

/* From now on state_commit() stores what changes. */
void state_start(struct state *state, struct store *s);

/* Store the records since the last time. */
void state_commit(struct state *state, struct store *s);

#endif
