#include "pv-backends/block/blkio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <liburing.h>

enum { DEPTH = 512 };

static int uring_open(struct blkio *io)
{
    struct io_uring *ring = calloc(1, sizeof(*ring));
    int rc;

    if (!ring)
        return -ENOMEM;
    rc = io_uring_queue_init(DEPTH, ring, 0);
    if (rc) {
        free(ring);
        return rc;
    }
    io->state = ring;
    io->fd = ring->ring_fd;
    return 0;
}

static void uring_close(struct blkio *io)
{
    io_uring_queue_exit(io->state);
    free(io->state);
}

static void uring_submit(struct blkio *io)
{
    struct io_uring *ring = io->state;
    int rc;

    while (io_uring_sq_ready(ring)) {
        rc = io_uring_submit(ring);
        /* Too many at once: the kernel takes more when some are done. */
        if (rc == -EAGAIN || rc == -EBUSY)
            usleep(100);
        else if (rc < 0 && rc != -EINTR)
            abort(); /* the ring itself is broken: a successor takes over */
    }
}

static void uring_queue(struct blkio *io, struct blkio_op *op)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(io->state);

    if (!sqe) {
        uring_submit(io);
        sqe = io_uring_get_sqe(io->state);
    }
    switch (op->kind) {
    case BLKIO_READ:
        io_uring_prep_read(sqe, op->fd, op->buf, op->length, op->offset);
        break;
    case BLKIO_WRITE:
        io_uring_prep_write(sqe, op->fd, op->buf, op->length, op->offset);
        break;
    case BLKIO_FLUSH:
        io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
        break;
    case BLKIO_DISCARD:
        io_uring_prep_fallocate(sqe, op->fd,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                op->offset, op->length);
        break;
    }
    io_uring_sqe_set_data(sqe, op);
}

static struct blkio_op *uring_reap(struct blkio *io, int wait)
{
    struct io_uring_cqe *cqe;
    struct blkio_op *op;
    int rc;

    do {
        rc = wait ? io_uring_wait_cqe(io->state, &cqe)
                  : io_uring_peek_cqe(io->state, &cqe);
    } while (rc == -EINTR);
    if (rc)
        return NULL;
    op = io_uring_cqe_get_data(cqe);
    op->result = cqe->res;
    io_uring_cqe_seen(io->state, cqe);
    return op;
}

const struct blkio_driver blkio_uring = {"uring",     uring_open,   uring_close,
                                         uring_queue, uring_submit, uring_reap};
