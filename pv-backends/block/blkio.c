#include "pv-backends/block/blkio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int try_driver(struct blkio *io, const struct blkio_driver *driver)
{
    io->driver = driver;
    return driver->open(io);
}

int blkio_open(struct blkio **out, const char *which)
{
    struct blkio *io = calloc(1, sizeof(*io));
    int rc = -EINVAL;

    if (!io)
        return -ENOMEM;
    if (!which || !strcmp(which, blkio_uring.name))
        rc = try_driver(io, &blkio_uring);
    if (rc && (!which || !strcmp(which, blkio_threads.name)))
        rc = try_driver(io, &blkio_threads);
    if (rc) {
        free(io);
        return rc;
    }
    *out = io;
    return 0;
}

void blkio_close(struct blkio *io)
{
    if (!io)
        return;
    while (blkio_wait(io))
        ;
    io->driver->close(io);
    free(io);
}

const char *blkio_name(const struct blkio *io)
{
    return io->driver->name;
}

int blkio_fd(const struct blkio *io)
{
    return io->fd;
}

void blkio_queue(struct blkio *io, struct blkio_op *op)
{
    io->under_way++;
    io->driver->queue(io, op);
}

void blkio_submit(struct blkio *io)
{
    io->driver->submit(io);
}

static struct blkio_op *reap(struct blkio *io, int wait)
{
    struct blkio_op *op;

    if (!io->under_way)
        return NULL;
    op = io->driver->reap(io, wait);
    if (op)
        io->under_way--;
    return op;
}

struct blkio_op *blkio_reap(struct blkio *io)
{
    return reap(io, 0);
}

struct blkio_op *blkio_wait(struct blkio *io)
{
    return reap(io, 1);
}
