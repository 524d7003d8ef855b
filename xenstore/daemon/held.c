#include "xenstore/daemon/held.h"
#include "xenstore/core/journal.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/holder.h"
#include "xenstore/transport/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAGIC      0x33657661u /* another layout, another number */
#define READ_BYTES 8192        /* a client's turn */

/*
 * The last read or send. While it is armed the kernel's count in
 * header.msg_len, 0 before the call, says how far it got.
 */
struct move {
    uint32_t armed, key;
    uint64_t start;     /* stream position of its first byte */
    uint64_t out_start; /* of a read: where its answers begin */
    struct mmsghdr header;
};

/*
 * A client's stream positions after its last complete read and send, and up to
 * where the journal knew of the former when the last read began: what came in
 * between was answered without a record.
 */
struct slot {
    uint64_t sent;
    uint32_t taken;
    uint32_t known;
};

struct table {
    uint32_t magic, pad;
    struct move in, out;
    char data[READ_BYTES]; /* what `in` read */
    struct slot slot[HOLDER_KEYS];
};

struct held {
    struct table *table;
    struct iovec in, out;
};

/* Others look at the table only after we are dead, but what they see must be
 * in order. */
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

/* The former daemon's last send: how far did it get? */
static void settle_send(struct table *t)
{
    if (t->out.armed && t->out.key < HOLDER_KEYS)
        STORE(t->slot[t->out.key].sent, t->out.start + t->out.header.msg_len);
    STORE(t->out.armed, 0);
}

/* And its last read? What that got stays where it is. */
static void settle_read(struct table *t)
{
    if (t->in.armed && t->in.key < HOLDER_KEYS)
        STORE(t->slot[t->in.key].taken,
              (uint32_t)t->in.start + t->in.header.msg_len);
}

static void set_up(struct move *m, struct iovec *iov)
{
    m->header.msg_hdr = (struct msghdr){.msg_iov = iov, .msg_iovlen = 1};
}

int held_open(struct held **held, const char *path)
{
    struct table *t = map_table(path);

    if (!t)
        return -errno;
    /* A dying process may not wait for a page: the counts stay in memory.
     * Where that is not allowed /run is rarely swapped out either. */
    (void)mlock(t, offsetof(struct table, data));
    if (t->magic != MAGIC) {
        memset(t, 0, sizeof(*t));
        STORE(t->magic, MAGIC);
    }
    settle_send(t);
    settle_read(t);
    *held = mem_zalloc(sizeof(**held));
    (*held)->table = t;
    (*held)->in = (struct iovec){t->data, sizeof(t->data)};
    set_up(&t->in, &(*held)->in);
    set_up(&t->out, &(*held)->out);
    return 0;
}

void held_close(struct held *h)
{
    if (!h)
        return;
    munmap(h->table, sizeof(*h->table));
    free(h);
}

/* From here until the system call returns only the kernel's count is true. */
static void arm(struct move *m, const struct client *c, uint64_t start)
{
    STORE(m->armed, 0);
    m->header.msg_len = 0;
    m->key = client_key(c);
    m->start = start;
    m->out_start = client_out_start64(c);
    STORE(m->armed, 1);
}

/* --- input ------------------------------------------------------------------
 */

static int feed(struct table *t, struct client *c, size_t len)
{
    journal_turn(c);
    if (conn_feed(c, t->data, len))
        return -EPIPE;
    journal_turn_ends(c, client_in_pos(c) + (uint32_t)len);
    return 0;
}

int held_readable(struct held *h, struct client *c, int fd)
{
    struct table *t = h->table;
    struct slot *slot = &t->slot[client_key(c)];
    uint32_t start = client_in_pos(c);
    int n, rc;

    STORE(slot->known, journal_known_input(c));
    arm(&t->in, c, start);
    n = recvmmsg(fd, &t->in.header, 1, MSG_DONTWAIT, NULL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    if (n != 1 || !t->in.header.msg_len)
        return -EPIPE;
    STORE(slot->taken, start + t->in.header.msg_len);
    rc = feed(t, c, t->in.header.msg_len);
    return rc ? rc : t->in.header.msg_len == sizeof(t->data);
}

/* --- taking over ------------------------------------------------------------
 */

void held_begin(struct held *h, struct client *c)
{
    struct table *t = h->table;
    uint32_t key = client_key(c);

    /* The last read may be that of the key's former owner. */
    if (t->in.key == key)
        STORE(t->in.armed, 0);
    STORE(t->slot[key].sent, client_out_start64(c));
    STORE(t->slot[key].taken, client_in_pos(c));
    STORE(t->slot[key].known, client_in_pos(c));
}

bool held_has_input(const struct held *h, const struct client *c)
{
    return h->table->in.armed && h->table->in.key == client_key(c);
}

/*
 * Were the last bytes read stored as well? If not they are still here, and what
 * came before them was answered and sent, though the journal may not know it.
 */
static int resume_input(struct held *h, struct client *c)
{
    struct table *t = h->table;
    struct slot *slot = &t->slot[client_key(c)];
    bool is_last = held_has_input(h, c);
    uint32_t len = is_last ? t->in.header.msg_len : 0;
    uint32_t before = slot->taken - len;

    if (client_in_pos(c) == slot->taken)
        return 0;
    if (len > sizeof(t->data))
        return -EPIPE;
    if (client_in_pos(c) != before) {
        if (client_in_pos(c) != slot->known)
            return -EPIPE;
        journal_skip(c, before, is_last ? t->in.out_start : slot->sent);
    }
    return len ? feed(t, c, len) : 0;
}

int held_resume(struct held *h, struct client *c)
{
    struct table *t = h->table;
    int rc = resume_input(h, c);
    uint64_t sent;
    size_t waiting;

    if (rc)
        return rc;
    sent = t->slot[client_key(c)].sent - client_out_start64(c);
    client_out(c, &waiting);
    if (sent > waiting)
        return -EPIPE;
    client_sent(c, (size_t)sent);
    return 0;
}

/* --- output -----------------------------------------------------------------
 */

int held_flush(struct held *h, struct client *c, int fd)
{
    struct table *t = h->table;
    struct slot *slot = &t->slot[client_key(c)];
    int n;

    for (;;) {
        h->out.iov_base = (void *)client_out(c, &h->out.iov_len);
        if (!h->out.iov_len)
            return 0;
        arm(&t->out, c, client_out_start64(c));
        n = sendmmsg(fd, &t->out.header, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        STORE(slot->sent, t->out.start + t->out.header.msg_len);
        STORE(t->out.armed, 0);
        if (n == 1) {
            client_sent(c, t->out.header.msg_len);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        /* The next read takes the place of what these are answers to. */
        journal_catch_up(c);
        return n < 0 && errno == EAGAIN ? -EAGAIN : -EPIPE;
    }
}
