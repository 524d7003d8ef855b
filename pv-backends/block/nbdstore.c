#include "pv-backends/block/nbdstore.h"

#include "pv-backends/block/blkio.h"
#include "pv-backends/block/export.h"
#include "pv-backends/block/nbdlib.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    RETRY_MS = 50,
    WAIT_MS = 10000, /* blkio_wait(): until somebody says something */
    MIN_DISK = 512
};
/* A length in the protocol has 32 bits. */
#define TRIM_MAX (1ull << 30)

struct nbdstore {
    struct blkio io; /* first */
    const struct nbdlib *lib;
    struct event_base *base;
    char *dir;
    bool read_only;
    struct nbdstore_hooks hooks;
    struct event *retry, *kick;
    struct exporting *exporting;
    struct nbd_handle *nbd; /* NULL: there is no connection */
    struct event *socket;
    int fd;
    short armed;
    bool up;     /* the handshake is over */
    bool doomed; /* this connection brings nothing any more */
    bool again;  /* some of `busy` have not begun */
    TAILQ_HEAD(nbd_busy, blkio_op) busy; /* not answered, in their order */
    STAILQ_HEAD(nbd_done, blkio_op) done;
};

static void attempt(struct nbdstore *s);

static struct nbdstore *store_of(struct blkio *io)
{
    return (struct nbdstore *)io;
}

/* --- operations -------------------------------------------------------------
 */

static void finish(struct nbdstore *s, struct blkio_op *op, int64_t result)
{
    TAILQ_REMOVE(&s->busy, op, pending.link);
    op->result = result;
    STAILQ_INSERT_TAIL(&s->done, op, link);
}

static int64_t success_of(const struct blkio_op *op)
{
    return op->kind == BLKIO_READ || op->kind == BLKIO_WRITE
               ? (int64_t)op->length
               : 0;
}

/* Within a call of the library's, so no other may be made here. */
static int completed(void *arg, int *error)
{
    struct blkio_op *op = arg;
    struct nbdstore *s = op->pending.store;

    op->pending.begun = false;
    if (*error == ENOTCONN || *error == ESHUTDOWN) {
        s->doomed = true; /* it stays, for the next connection */
        return 1;
    }
    op->pending.done_bytes += op->pending.asked_bytes;
    if (*error)
        finish(s, op, -*error);
    else if (op->pending.done_bytes < op->length)
        s->again = true;
    else
        finish(s, op, success_of(op));
    return 1;
}

static int64_t ask(struct nbdstore *s, struct blkio_op *op)
{
    const nbd_completion_callback done = {.callback = completed,
                                          .user_data = op};
    uint64_t left = op->length - op->pending.done_bytes;

    op->pending.asked_bytes = left;
    switch (op->kind) {
    case BLKIO_READ:
        return s->lib->aio_pread(s->nbd, op->buf, left, op->offset, done, 0);
    case BLKIO_WRITE:
        return s->lib->aio_pwrite(s->nbd, op->buf, left, op->offset, done, 0);
    case BLKIO_FLUSH:
        return s->lib->aio_flush(s->nbd, done, 0);
    case BLKIO_DISCARD:
        if (left > TRIM_MAX)
            op->pending.asked_bytes = left = TRIM_MAX;
        return s->lib->aio_trim(s->nbd, left,
                                op->offset + op->pending.done_bytes, done, 0);
    }
    return -1;
}

static void begin(struct nbdstore *s, struct blkio_op *op)
{
    int error;

    op->pending.begun = true; /* before, for it may be over when ask() is */
    if (ask(s, op) >= 0)
        return;
    error = s->lib->get_errno();
    op->pending.begun = false;
    if (s->lib->aio_is_dead(s->nbd) || s->lib->aio_is_closed(s->nbd))
        s->doomed = true;
    else
        finish(s, op, error > 0 ? -error : -EIO);
}

/* All that wait for a connection, oldest first. */
static void begin_all(struct nbdstore *s)
{
    struct blkio_op *op, *next;

    s->again = false;
    for (op = TAILQ_FIRST(&s->busy); op && !s->doomed; op = next) {
        next = TAILQ_NEXT(op, pending.link);
        if (!op->pending.begun)
            begin(s, op);
    }
}

/* --- the connection ---------------------------------------------------------
 */

static void disconnect(struct nbdstore *s)
{
    struct blkio_op *op;

    if (s->socket)
        event_free(s->socket);
    s->socket = NULL;
    if (s->nbd)
        s->lib->close(s->nbd);
    s->nbd = NULL;
    s->up = s->doomed = false;
    TAILQ_FOREACH(op, &s->busy, pending.link)
    op->pending.begun = false;
}

/* Last call of whoever makes it: the hook may close the store. */
static void failed(struct nbdstore *s, bool refused, const char *text)
{
    const struct timeval tv = {0, RETRY_MS * 1000};

    disconnect(s);
    evtimer_add(s->retry, &tv);
    s->hooks.failed(s->hooks.arg, refused, text);
}

static int look(struct nbdstore *s, struct nbdstore_facts *facts,
                const char **why)
{
    int64_t size = s->lib->get_size(s->nbd);
    int64_t good = s->lib->get_block_size(s->nbd, LIBNBD_SIZE_PREFERRED);

    *why = NULL;
    if (size < MIN_DISK)
        *why = "the image is shorter than one sector";
    else if (!s->read_only && s->lib->is_read_only(s->nbd))
        *why = "the image can only be read";
    else if (s->lib->can_flush(s->nbd) <= 0)
        *why = "the daemon cannot flush";
    facts->size_bytes = (uint64_t)size;
    facts->good_bytes = good > 0 && good <= 4096 ? (unsigned int)good : 4096;
    facts->can_trim = !s->read_only && s->lib->can_trim(s->nbd) > 0;
    return *why ? -EINVAL : 0;
}

static void on_socket(evutil_socket_t fd, short what, void *arg);

/* Which way the library waits changes with everything it does. */
static void rearm(struct nbdstore *s)
{
    unsigned int way;
    short what = EV_PERSIST;
    int fd;

    if (!s->nbd)
        return;
    fd = s->lib->aio_get_fd(s->nbd);
    way = s->lib->aio_get_direction(s->nbd);
    if (way & LIBNBD_AIO_DIRECTION_READ)
        what |= EV_READ;
    if (way & LIBNBD_AIO_DIRECTION_WRITE)
        what |= EV_WRITE;
    if (s->socket && fd == s->fd && what == s->armed)
        return;
    if (s->socket)
        event_free(s->socket);
    s->fd = fd;
    s->armed = what;
    s->socket = fd < 0 ? NULL : event_new(s->base, fd, what, on_socket, s);
    if (!s->socket || event_add(s->socket, NULL))
        s->doomed = true;
}

static bool is_lost(struct nbdstore *s)
{
    return s->nbd && (s->doomed || s->lib->aio_is_dead(s->nbd) ||
                      s->lib->aio_is_closed(s->nbd));
}

static void hand_over(struct nbdstore *s)
{
    if (!STAILQ_EMPTY(&s->done))
        s->hooks.finished(s->hooks.arg);
}

/* The handshake is over. */
static void come_up(struct nbdstore *s)
{
    struct nbdstore_facts facts;
    const char *why;

    if (look(s, &facts, &why)) {
        failed(s, true, why);
        return;
    }
    s->up = true;
    begin_all(s);
    rearm(s);
    s->hooks.connected(s->hooks.arg, &facts);
}

/* The library has done something: see to what follows. */
static void settle(struct nbdstore *s)
{
    char text[160];

    hand_over(s);
    if (s->up && s->again && !is_lost(s))
        begin_all(s);
    if (!is_lost(s)) /* for its words would be about this */
        rearm(s);
    if (is_lost(s)) {
        const char *error = s->lib->get_error();

        snprintf(text, sizeof(text), "%s", error ? error : "it hung up");
        failed(s, false, text);
    } else if (s->nbd && !s->up && s->lib->aio_is_ready(s->nbd)) {
        come_up(s);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct nbdstore *s = arg;
    unsigned int way = s->lib->aio_get_direction(s->nbd);

    (void)fd;
    if (what & EV_READ && way & LIBNBD_AIO_DIRECTION_READ)
        s->lib->aio_notify_read(s->nbd);
    else if (what & EV_WRITE && way & LIBNBD_AIO_DIRECTION_WRITE)
        s->lib->aio_notify_write(s->nbd);
    settle(s);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    settle(arg);
}

static void on_exported(void *arg, int rc, const char *text)
{
    struct nbdstore *s = arg;
    char path[108];

    s->exporting = NULL;
    if (rc) {
        failed(s, rc == -EIO, text);
        return;
    }
    snprintf(path, sizeof(path), "%s/nbd.sock", s->dir);
    s->nbd = s->lib->create();
    if (!s->nbd || s->lib->set_export_name(s->nbd, EXPORT_NAME) ||
        s->lib->aio_connect_unix(s->nbd, path)) {
        failed(s, false, "it takes no connection");
        return;
    }
    settle(s);
}

static void attempt(struct nbdstore *s)
{
    int rc = exporting_start(&s->exporting, s->base, s->dir, !s->read_only,
                             on_exported, s);

    if (rc)
        failed(s, false, strerror(-rc));
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    attempt(arg);
}

/* --- as blkio ---------------------------------------------------------------
 */

static void nbd_queue(struct blkio *io, struct blkio_op *op)
{
    struct nbdstore *s = store_of(io);

    op->pending.store = s;
    op->pending.done_bytes = 0;
    op->pending.begun = false;
    TAILQ_INSERT_TAIL(&s->busy, op, pending.link);
    if (s->up && !s->doomed)
        begin(s, op);
}

static void nbd_submit(struct blkio *io)
{
    struct nbdstore *s = store_of(io);

    rearm(s);
    /* Not here: the caller is in the middle of its work. */
    if (is_lost(s) || !STAILQ_EMPTY(&s->done))
        event_active(s->kick, 0, 0);
}

static struct blkio_op *take_done(struct nbdstore *s)
{
    struct blkio_op *op = STAILQ_FIRST(&s->done);

    if (op)
        STAILQ_REMOVE_HEAD(&s->done, link);
    return op;
}

/* Wait for the daemon; false when it is away or says nothing. */
static bool pump(struct nbdstore *s)
{
    if (!s->up || is_lost(s) || s->lib->poll(s->nbd, WAIT_MS) <= 0 ||
        is_lost(s))
        return false;
    if (s->again)
        begin_all(s);
    return true;
}

/* The connection goes first: it writes to their buffers. */
static void give_up(struct nbdstore *s)
{
    const struct timeval tv = {0, RETRY_MS * 1000};
    struct blkio_op *op;

    disconnect(s);
    if (!s->exporting)
        evtimer_add(s->retry, &tv);
    while ((op = TAILQ_FIRST(&s->busy)))
        finish(s, op, BLKIO_GIVEN_UP);
}

static struct blkio_op *nbd_reap(struct blkio *io, int wait)
{
    struct nbdstore *s = store_of(io);
    struct blkio_op *op;

    while (!(op = take_done(s)) && wait && !TAILQ_EMPTY(&s->busy))
        if (!pump(s))
            give_up(s);
    return op;
}

static const struct blkio_driver blkio_nbd = {
    .name = "nbd", .queue = nbd_queue, .submit = nbd_submit, .reap = nbd_reap};

struct blkio *nbdstore_io(struct nbdstore *s)
{
    return &s->io;
}

/* --- beginning and end ------------------------------------------------------
 */

int nbdstore_open(struct nbdstore **out, struct event_base *base,
                  const char *dir, bool read_only,
                  const struct nbdstore_hooks *hooks, struct backend_why *why)
{
    const struct nbdlib *lib = nbdlib_get(why);
    struct nbdstore *s = lib ? calloc(1, sizeof(*s)) : NULL;
    const struct timeval now = {0, 0};

    if (!lib)
        return -ENOSYS;
    if (!s)
        return backend_fail(why, -ENOMEM, "out of memory");
    s->io.driver = &blkio_nbd;
    s->io.fd = -1;
    s->lib = lib;
    s->base = base;
    s->read_only = read_only;
    s->hooks = *hooks;
    TAILQ_INIT(&s->busy);
    STAILQ_INIT(&s->done);
    s->dir = strdup(dir);
    s->retry = evtimer_new(base, on_retry, s);
    s->kick = event_new(base, -1, 0, on_kick, s);
    if (!s->dir || !s->retry || !s->kick || evtimer_add(s->retry, &now)) {
        nbdstore_close(s);
        return backend_fail(why, -ENOMEM, "out of memory");
    }
    *out = s;
    return 0;
}

void nbdstore_close(struct nbdstore *s)
{
    if (!s)
        return;
    exporting_stop(s->exporting);
    disconnect(s);
    if (s->retry)
        event_free(s->retry);
    if (s->kick)
        event_free(s->kick);
    free(s->dir);
    free(s);
}
