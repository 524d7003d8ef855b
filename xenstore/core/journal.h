/*
 * The journal's records: what a new process needs to go on where an old one
 * was killed. While somebody takes them (store_journal()), every change leaves
 * records in the store, to be stored as one batch before anything of it shows
 * outside. Where batches are kept is not the core's business.
 *
 * Records are made for the machine they are read on again.
 */
#ifndef XENSTORE_CORE_JOURNAL_H
#define XENSTORE_CORE_JOURNAL_H

#include "xenstore/core/node.h"
#include "xenstore/core/store.h"

struct txn;

/* Start (or stop) making records. */
void store_journal(struct store *s, bool on);

/* The records since they were last taken; and: they were. */
const char *store_records(struct store *s, size_t *len);
bool store_has_records(const struct store *s);
void store_records_taken(struct store *s);

/*
 * Everything as it is now, as records to begin a new journal with. They come
 * in pieces, and the store may change between them: the snapshot does not.
 */
struct snapshot;
struct snapshot *snapshot_begin(struct store *s);
/* About `bytes` more of them into `out`; false when those were the last. */
bool snapshot_more(struct snapshot *snap, size_t bytes, struct buf *out);
void snapshot_end(struct snapshot *snap);

/* All of it at once. */
void journal_snapshot(struct store *s, struct buf *out);

/*
 * Does what records say to a fresh store, which nothing else touches meanwhile.
 * -EINVAL with *why and *at (an offset) when they make no sense; the store is
 * then fit for nothing but destruction.
 */
struct replay;
struct replay *replay_begin(struct store *s);
int replay_records(struct replay *r, const char *records, size_t len,
                   const char **why, size_t *at);
void replay_end(struct replay *r);

/* All of it at once. */
int journal_replay(struct store *s, const char *records, size_t len,
                   const char **why, size_t *at);

/* --- for the core: one call per kind of change; no-ops while nobody asks ---
 */

void journal_node(struct store *s, const char *path, size_t len,
                  const struct node *n);
void journal_removed(struct store *s, const char *path);
void journal_domain(struct store *s, const struct domain *d);
void journal_special(struct store *s, unsigned int which);
void journal_limits(struct store *s);
void journal_client(const struct client *c); /* opened, or reset */
void journal_client_gone(const struct client *c);
void journal_reset(const struct client *c); /* no watches, no transactions */
void journal_watch(const struct client *c, const char *path, size_t home_len,
                   const char *token, bool added);
void journal_txn(const struct client *c, uint32_t id, bool started);
void journal_txn_op(const struct txn *t, unsigned int kind, const char *path,
                    const void *value, size_t len, const struct perms *perms);
void journal_txn_saw(const struct txn *t, unsigned int what, const char *path,
                     size_t len);
void journal_output(struct client *c, const void *data, size_t len);

/* For transports: requests were consumed up to ring index `pos`. */
void journal_input(struct client *c, uint32_t pos);

/*
 * For a transport that still has what it read last when the daemon is killed,
 * and knows how much was sent: a turn of requests that change nothing and give
 * the same answers when asked again leaves no record. Around the requests of
 * a turn, at whose end input was consumed up to `pos`.
 *
 * When those answers cannot all be sent at once, journal_catch_up() before
 * anybody else's turn: it records what waits.
 */
void journal_turn(struct client *c);
void journal_turn_ends(struct client *c, uint32_t pos);
void journal_catch_up(struct client *c);

/* All clients: before a snapshot, which knows them as they are. */
void journal_catch_up_all(struct store *s);

/* Up to where the journal knows of the client's input. */
uint32_t journal_known_input(const struct client *c);

/* After a restart: without the journal the client went on to here, where
 * nothing waited. */
void journal_skip(struct client *c, uint32_t in_pos, uint64_t out_pos);

#endif
