/*
 * The holder: a small process that accepts the clients of the socket and keeps
 * their descriptors, so that a daemon that is killed cuts nobody off. It knows
 * no protocol; it gives each client a key and hands descriptors to whichever
 * daemon is there.
 */
#ifndef XENSTORE_DAEMON_HOLDER_H
#define XENSTORE_DAEMON_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define HOLDER_KEYS 16384 /* clients at a time; keys are below */

/*
 * What a message between the two says; a descriptor may come with it. The
 * holder may be of an older version than the daemon: numbers keep their
 * meaning.
 */
enum holder_op {
    HOLDER_CLIENT = 1, /* to the daemon: the client of this key */
    HOLDER_READY = 4,  /* to the daemon: those were all, more come later */
    HOLDER_DROP = 5,   /* to the holder: this client is done with */
    HOLDER_EXIT = 6,   /* to the holder: so are you */
};

struct holder_message {
    uint32_t op;
    uint32_t key;
};

/*
 * The holder that listens at `path`, or -errno when there is none. Messages
 * come over the descriptor.
 */
int holder_connect(const char *path);

/* Start one there, for the clients of `listener`; then holder_connect(). */
int holder_start(const char *path, int listener);

int holder_send(int fd, enum holder_op op, uint32_t key);

/* The next message; *passed is the descriptor with it, or -1. 0, -EAGAIN (if
 * `fd` is non-blocking), or -EPIPE when the holder is gone. */
int holder_receive(int fd, struct holder_message *m, int *passed);

#endif
