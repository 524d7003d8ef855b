/*
 * A disk that a storage daemon serves by NBD, as a second kind of blkio: for
 * images that are not raw files or devices. The daemon may die and come back:
 * then what it had not answered is asked for again, in its order. What it had
 * answered is on the disk, for its export writes through (export.c).
 */
#ifndef PARAVANE_BLOCK_NBDSTORE_H
#define PARAVANE_BLOCK_NBDSTORE_H

#include "pv-backends/runtime/backend.h"

#include <stdbool.h>
#include <stdint.h>

struct blkio;
struct event_base;
struct nbdstore;

/* What the daemon says of the disk. */
struct nbdstore_facts {
    uint64_t size_bytes;
    unsigned int good_bytes; /* a size of requests that it likes */
    bool can_trim;
};

/* From the loop; the first two may close the store. */
struct nbdstore_hooks {
    /* It is there, for the first time or again. */
    void (*connected)(void *arg, const struct nbdstore_facts *facts);
    /* It is not, and will be tried again. `refused`: it said no. */
    void (*failed)(void *arg, bool refused, const char *text);
    /* blkio_reap() has something. */
    void (*finished)(void *arg);
    void *arg;
};

/*
 * The daemon's sockets are in `dir`. 0, or -errno with `why`; that it is there
 * at all, connected() tells.
 */
int nbdstore_open(struct nbdstore **out, struct event_base *base,
                  const char *dir, bool read_only,
                  const struct nbdstore_hooks *hooks, struct backend_why *why);

/* Nothing may be under way any more. NULL is fine. */
void nbdstore_close(struct nbdstore *s);

/*
 * For blkio_queue() and so on; not to be closed. While the daemon is away
 * operations wait for it. blkio_wait() does not: they are BLKIO_GIVEN_UP.
 */
struct blkio *nbdstore_io(struct nbdstore *s);

#endif
