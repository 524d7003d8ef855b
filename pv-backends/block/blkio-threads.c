#include "pv-backends/block/blkio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { NR_THREADS = 4 };
STAILQ_HEAD(op_queue, blkio_op);

struct pool {
    pthread_mutex_t queues_lock; /* both queues and `ending` */
    pthread_cond_t work;
    struct op_queue todo, done;
    int ending, event_fd;
    unsigned int nr_threads;
    pthread_t threads[NR_THREADS];
};

static int64_t result_of(int64_t rc)
{
    return rc < 0 ? -errno : rc;
}

static int64_t perform(const struct blkio_op *op)
{
    switch (op->kind) {
    case BLKIO_READ:
        return result_of(pread(op->fd, op->buf, op->length, op->offset));
    case BLKIO_WRITE:
        return result_of(pwrite(op->fd, op->buf, op->length, op->offset));
    case BLKIO_FLUSH:
        return result_of(fdatasync(op->fd));
    case BLKIO_DISCARD:
        return result_of(fallocate(op->fd,
                                   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   op->offset, op->length));
    }
    return -EINVAL;
}

static void *worker(void *arg)
{
    struct pool *p = arg;
    struct blkio_op *op;
    uint64_t one = 1;

    pthread_mutex_lock(&p->queues_lock);
    for (;;) {
        while (STAILQ_EMPTY(&p->todo) && !p->ending)
            pthread_cond_wait(&p->work, &p->queues_lock);
        op = STAILQ_FIRST(&p->todo);
        if (!op)
            break;
        STAILQ_REMOVE_HEAD(&p->todo, link);
        pthread_mutex_unlock(&p->queues_lock);
        op->result = perform(op);
        pthread_mutex_lock(&p->queues_lock);
        STAILQ_INSERT_TAIL(&p->done, op, link);
        if (write(p->event_fd, &one, sizeof(one)) < 0)
            continue; /* the counter is at its top: readable anyway */
    }
    pthread_mutex_unlock(&p->queues_lock);
    return NULL;
}

static void threads_close(struct blkio *io)
{
    struct pool *p = io->state;

    pthread_mutex_lock(&p->queues_lock);
    p->ending = 1;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->queues_lock);
    for (unsigned int i = 0; i < p->nr_threads; i++)
        pthread_join(p->threads[i], NULL);
    close(p->event_fd);
    free(p);
}

static int threads_open(struct blkio *io)
{
    struct pool *p = calloc(1, sizeof(*p));
    sigset_t all, old;

    if (!p)
        return -ENOMEM;
    pthread_mutex_init(&p->queues_lock, NULL);
    pthread_cond_init(&p->work, NULL);
    STAILQ_INIT(&p->todo);
    STAILQ_INIT(&p->done);
    p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->event_fd < 0) {
        free(p);
        return -errno;
    }
    io->state = p;
    io->fd = p->event_fd;
    /* Signals are the event loop's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (p->nr_threads < NR_THREADS &&
           !pthread_create(&p->threads[p->nr_threads], NULL, worker, p))
        p->nr_threads++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!p->nr_threads) {
        threads_close(io);
        return -EAGAIN;
    }
    return 0;
}

static void threads_queue(struct blkio *io, struct blkio_op *op)
{
    struct pool *p = io->state;

    pthread_mutex_lock(&p->queues_lock);
    STAILQ_INSERT_TAIL(&p->todo, op, link);
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->queues_lock);
}

static void threads_submit(struct blkio *io)
{
    (void)io; /* they have begun */
}

static struct blkio_op *take_done(struct pool *p)
{
    struct blkio_op *op;
    uint64_t count;

    pthread_mutex_lock(&p->queues_lock);
    op = STAILQ_FIRST(&p->done);
    if (op)
        STAILQ_REMOVE_HEAD(&p->done, link);
    if (STAILQ_EMPTY(&p->done) && read(p->event_fd, &count, sizeof(count)) < 0)
        errno = 0; /* it was not readable, which is as well */
    pthread_mutex_unlock(&p->queues_lock);
    return op;
}

static struct blkio_op *threads_reap(struct blkio *io, int wait)
{
    struct pool *p = io->state;
    struct pollfd pfd = {.fd = p->event_fd, .events = POLLIN};
    struct blkio_op *op;

    while (!(op = take_done(p)) && wait)
        poll(&pfd, 1, -1);
    return op;
}

const struct blkio_driver blkio_threads = {"threads",      threads_open,
                                           threads_close,  threads_queue,
                                           threads_submit, threads_reap};
