/*
 * Bytes of clients whose connection outlives the daemon. What was read and
 * what was sent is known even if the daemon is killed in the middle of the
 * system call that did it:
 *
 * - Input is peeked at, the journal stores what came of it, and then it is
 *   read. The socket's own peek offset (SO_PEEK_OFF), which reading resets,
 *   says whether that happened.
 * - Output goes into a pipe and is spliced from there to the socket. What is
 *   left in the pipe says how much was sent.
 *
 * A table in memory that outlives the process says which step was going on.
 */
#ifndef XENSTORE_DAEMON_HELD_H
#define XENSTORE_DAEMON_HELD_H

#include "xenstore/core/store.h"

struct held;

/* The table, in a file beside the journal, and the holder's pipe. */
int held_open(struct held **held, const char *path, int pipe_read,
              int pipe_write);
void held_close(struct held *held);

/*
 * A client's socket that is new to us, or that a former daemon served: the
 * latter's read and sent bytes are settled. 0, or -EPIPE: give it up.
 */
int held_begin(struct held *held, struct client *c, int fd, uint32_t key);
int held_resume(struct held *held, struct client *c, int fd, uint32_t key);

/*
 * Answer what is there to read, without reading it: *peeked bytes. 0, -EAGAIN,
 * -EPIPE. After the journal: held_consume().
 */
int held_readable(struct client *c, int fd, size_t *peeked);
void held_consume(struct held *held, struct client *c, int fd, uint32_t key,
                  size_t peeked);

/* Send what waits. 0, -EAGAIN when some is left, or -EPIPE. */
int held_flush(struct held *held, struct client *c, int fd, uint32_t key);

#endif
