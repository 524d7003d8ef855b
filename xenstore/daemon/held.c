#include "xenstore/daemon/held.h"
#include "xenstore/core/journal.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/holder.h"
#include "xenstore/transport/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 32768
#define SEND_BYTES 32768 /* fits the pipe */

/* What a send is doing. */
enum phase {
    IDLE,
    FILLING, /* the pipe: nothing is sent yet */
    SENDING, /* what is not in the pipe any more is sent */
};

struct slot {
    uint64_t sent;     /* output position */
    uint32_t consumed; /* input position, low half */
    uint32_t pad;
};

struct table {
    uint32_t phase, key;
    uint64_t start; /* output position of the first byte in the pipe */
    uint64_t len;
    struct slot slot[HOLDER_KEYS];
};

struct held {
    struct table *table;
    int pipe_read, pipe_write;
};

/* Other processes look at the table only after we are dead, but what they see
 * must be in order. */
#define STORE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELEASE)

static struct table *map_table(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct table *t = MAP_FAILED;

    if (fd < 0)
        return NULL;
    if (!posix_fallocate(fd, 0, sizeof(*t)))
        t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return t == MAP_FAILED ? NULL : t;
}

static size_t in_pipe(const struct held *h)
{
    int n = 0;

    return ioctl(h->pipe_read, FIONREAD, &n) ? 0 : (size_t)n;
}

static void drain_pipe(const struct held *h)
{
    char waste[4096];

    while (read(h->pipe_read, waste, sizeof(waste)) > 0)
        ;
}

/* The former daemon's last send: how far did it get? */
static void settle_send(struct held *h)
{
    struct table *t = h->table;

    if (t->phase == SENDING && t->key < HOLDER_KEYS)
        STORE(t->slot[t->key].sent, t->start + t->len - in_pipe(h));
    drain_pipe(h);
    STORE(t->phase, IDLE);
}

int held_open(struct held **held, const char *path, int pipe_read,
              int pipe_write)
{
    struct held *h = mem_zalloc(sizeof(*h));

    h->pipe_read = pipe_read;
    h->pipe_write = pipe_write;
    h->table = map_table(path);
    if (!h->table) {
        free(h);
        return -errno;
    }
    settle_send(h);
    *held = h;
    return 0;
}

void held_close(struct held *h)
{
    if (!h)
        return;
    munmap(h->table, sizeof(*h->table));
    close(h->pipe_read);
    close(h->pipe_write);
    free(h);
}

/* --- taking over ------------------------------------------------------------
 */

static int set_peek(int fd, int offset)
{
    return setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset))
               ? -errno
               : 0;
}

int held_begin(struct held *h, struct client *c, int fd, uint32_t key)
{
    struct slot *slot = &h->table->slot[key];

    STORE(slot->sent, client_out_start64(c));
    STORE(slot->consumed, client_in_pos(c));
    return set_peek(fd, 0);
}

static int discard(int fd, size_t len)
{
    char waste[READ_BYTES];
    ssize_t n;

    while (len) {
        n = recv(fd, waste, len < sizeof(waste) ? len : sizeof(waste), 0);
        if (n <= 0)
            return -EPIPE;
        len -= (size_t)n;
    }
    return 0;
}

/* Bytes peeked at whose results are stored are to be read; others to be
 * peeked at again. */
static int settle_input(struct held *h, struct client *c, int fd, uint32_t key)
{
    struct slot *slot = &h->table->slot[key];
    uint32_t stored = client_in_pos(c) - slot->consumed;
    socklen_t len = sizeof(int);
    int offset = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &len))
        return -EPIPE;
    if (offset > 0 && stored) {
        if (stored != (uint32_t)offset || discard(fd, stored))
            return -EPIPE;
    }
    STORE(slot->consumed, client_in_pos(c));
    return set_peek(fd, 0) ? -EPIPE : 0;
}

int held_resume(struct held *h, struct client *c, int fd, uint32_t key)
{
    uint64_t sent = h->table->slot[key].sent - client_out_start64(c);
    size_t waiting;

    client_out(c, &waiting);
    if (sent > waiting)
        return -EPIPE;
    client_sent(c, (size_t)sent);
    return settle_input(h, c, fd, key);
}

/* --- input ------------------------------------------------------------------
 */

int held_readable(struct client *c, int fd, size_t *peeked)
{
    char data[READ_BYTES];
    ssize_t n = recv(fd, data, sizeof(data), MSG_PEEK);

    *peeked = 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    if (n <= 0)
        return -EPIPE;
    if (conn_feed(c, data, (size_t)n))
        return -EPIPE;
    journal_input(c, client_in_pos(c) + (uint32_t)n);
    *peeked = (size_t)n;
    return 0;
}

void held_consume(struct held *h, struct client *c, int fd, uint32_t key,
                  size_t peeked)
{
    if (discard(fd, peeked))
        return; /* the next look at it will find it dead */
    STORE(h->table->slot[key].consumed, client_in_pos(c));
}

/* --- output -----------------------------------------------------------------
 */

/* Move the pipe's bytes to the socket; what stays behind. */
static int splice_all(struct held *h, int fd, size_t len)
{
    ssize_t n;

    while (len) {
        n = splice(h->pipe_read, NULL, fd, NULL, len, SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? -EAGAIN : -EPIPE;
        len -= (size_t)n;
    }
    return 0;
}

/* One pipeful. Each step is on record before it begins. */
static int send_some(struct held *h, struct client *c, int fd, uint32_t key,
                     const char *data, size_t len)
{
    struct table *t = h->table;
    ssize_t filled;
    size_t left;
    int rc;

    t->key = key;
    t->start = client_out_start64(c);
    STORE(t->phase, FILLING);
    filled = write(h->pipe_write, data, len);
    if (filled <= 0)
        return -EPIPE;
    t->len = (uint64_t)filled;
    STORE(t->phase, SENDING);
    rc = splice_all(h, fd, (size_t)filled);
    left = rc ? in_pipe(h) : 0;
    STORE(t->slot[key].sent, t->start + (uint64_t)filled - left);
    STORE(t->phase, IDLE);
    if (left)
        drain_pipe(h);
    client_sent(c, (size_t)filled - left);
    return rc;
}

int held_flush(struct held *h, struct client *c, int fd, uint32_t key)
{
    const char *data;
    size_t len;
    int rc;

    for (;;) {
        data = client_out(c, &len);
        if (!len)
            return 0;
        rc =
            send_some(h, c, fd, key, data, len < SEND_BYTES ? len : SEND_BYTES);
        if (rc)
            return rc;
    }
}
