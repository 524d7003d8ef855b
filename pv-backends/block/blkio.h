/*
 * Asynchronous I/O: io_uring where the kernel has it, else a few threads; a
 * disk behind a storage daemon has an own one (nbdstore.h). The event loop
 * never waits for a disk.
 */
#ifndef PARAVANE_BLOCK_BLKIO_H
#define PARAVANE_BLOCK_BLKIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct blkio;

/*
 * The result of an operation of which nobody will know whether it was carried
 * out, and which is not to be answered: somebody waited for it in vain while
 * its store was away.
 */
#define BLKIO_GIVEN_UP INT64_MIN

enum blkio_kind { BLKIO_READ, BLKIO_WRITE, BLKIO_FLUSH, BLKIO_DISCARD };

/* One operation; the caller's until queued and again once reaped. */
struct blkio_op {
    enum blkio_kind kind;
    int fd;
    void *buf;
    uint64_t offset, length; /* bytes */
    int64_t result;          /* bytes done, 0, or -errno; see BLKIO_GIVEN_UP */
    void *arg;
    STAILQ_ENTRY(blkio_op) link;
    /* Of a store that may have to begin it again (nbdstore.c). */
    struct {
        void *store;
        uint64_t done_bytes, asked_bytes;
        bool begun;
        TAILQ_ENTRY(blkio_op) link;
    } pending;
};

/* "uring", "threads", or NULL for the best there is. 0 or -errno. */
int blkio_open(struct blkio **out, const char *which);

/* Waits for what is under way. */
void blkio_close(struct blkio *io);

const char *blkio_name(const struct blkio *io);

/* Readable while something can be reaped. */
int blkio_fd(const struct blkio *io);

/* Hand it over; it starts at the latest with blkio_submit(). */
void blkio_queue(struct blkio *io, struct blkio_op *op);
void blkio_submit(struct blkio *io);

/* A finished operation, or NULL. */
struct blkio_op *blkio_reap(struct blkio *io);

/* Wait for one; NULL when none is under way. */
struct blkio_op *blkio_wait(struct blkio *io);

/* The ways, for blkio.c. Each hook is as the call of its name. */
struct blkio_driver {
    const char *name;
    int (*open)(struct blkio *io);
    void (*close)(struct blkio *io);
    void (*queue)(struct blkio *io, struct blkio_op *op);
    void (*submit)(struct blkio *io);
    struct blkio_op *(*reap)(struct blkio *io, int wait);
};

struct blkio {
    const struct blkio_driver *driver;
    int fd;
    unsigned int under_way;
    void *state;
};

extern const struct blkio_driver blkio_uring, blkio_threads;

#endif
