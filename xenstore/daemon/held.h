/*
 * Bytes of clients whose connection outlives the daemon. What was read and
 * what was sent is known even if the daemon is killed in the middle of the
 * system call that did it: recvmmsg() and sendmmsg() store the number of bytes
 * they moved, before they return, into memory of the caller's choice. Ours is
 * a table that outlives the process, and the bytes read lie there too. So
 * reading and sending take one system call each, as they would without a
 * journal.
 */
#ifndef XENSTORE_DAEMON_HELD_H
#define XENSTORE_DAEMON_HELD_H

#include "xenstore/core/store.h"

struct held;

/* The table, in a file beside the journal. 0 or -errno. */
int held_open(struct held **held, const char *path);
void held_close(struct held *held);

/* A client that is new to us. */
void held_begin(struct held *held, struct client *c);

/*
 * One that a former daemon served: what that had sent is dropped, what it had
 * read and not stored is answered. 0, or -EPIPE: give it up.
 */
int held_resume(struct held *held, struct client *c);

/* Whether the last bytes read are this client's. It is to be resumed after all
 * others: answering it may concern them, who are not where they were yet. */
bool held_has_input(const struct held *held, const struct client *c);

/*
 * Read what is there and answer it. The journal has to store what came of it
 * before the next call. 0, 1 if there may be more, -EAGAIN, -EPIPE.
 */
int held_readable(struct held *held, struct client *c, int fd);

/* Send what waits. 0, -EAGAIN when some is left, or -EPIPE. */
int held_flush(struct held *held, struct client *c, int fd);

#endif
