#include "xenstore/daemon/state-internal.h"
#include "xenstore/core/journal.h"
#include "xenstore/core/map.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC        "PVSTORE1"
#define GROW_BYTES   (1u << 20)
#define LOCK_TRIES   100        /* a second's worth */
#define COMPACT_MIN  (8u << 20) /* a smaller journal is left alone */
#define COMPACT_PART 4          /* grown to so many times its snapshot */
#define STEP_BYTES   32768      /* of a new file, per batch */
#define CHECK_SEED   0x70765f73746f7265u
#define INCOMPLETE   1u /* in the header: something could not be stored */

/* --- the file ---------------------------------------------------------------
 */

/* Make it `size` long, with real memory behind it. */
static int state_resize(struct state *st, size_t size)
{
    char *map;
    int rc = posix_fallocate(st->fd, 0, (off_t)size);

    if (rc)
        return -rc;
    map = st->map
              ? mremap(st->map, st->size, size, MREMAP_MAYMOVE)
              : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, st->fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    /* A child that kept the mapping would keep our lock. */
    madvise(map, size, MADV_DONTFORK);
    /* In one go that is cheaper than page by page as they are written to; but
     * what is there already has been, or will be read. */
    if (st->map)
        madvise(map + st->size, size - st->size, MADV_POPULATE_WRITE);
    st->map = map;
    st->size = size;
    return 0;
}

/* The lock counts if the file still has its name. */
static int try_lock(int fd)
{
    struct stat sb;

    if (flock(fd, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (fstat(fd, &sb))
        return -errno;
    return sb.st_nlink ? 0 : -EBUSY;
}

/* One that was just killed may still be on its way out: wait a little. */
int state_open_locked(const char *path)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    int fd, rc, tries;

    for (tries = 0; tries < LOCK_TRIES; tries++) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return -errno;
        rc = try_lock(fd);
        if (!rc)
            return fd;
        close(fd);
        if (rc != -EBUSY)
            return rc;
        nanosleep(&moment, NULL);
    }
    return -EBUSY;
}

/* Map what is there; an empty file gets its header. */
int state_map_file(struct state *st)
{
    struct stat sb;
    size_t size;
    int rc;

    if (fstat(st->fd, &sb))
        return -errno;
    size = sb.st_size > GROW_BYTES ? (size_t)sb.st_size : GROW_BYTES;
    rc = state_resize(st, size);
    if (rc)
        return rc;
    if (!sb.st_size)
        memcpy(header_of(st)->magic, MAGIC, sizeof(header_of(st)->magic));
    st->used = sizeof(struct header);
    return 0;
}

int state_open(struct state **state, const char *path)
{
    struct state *st = mem_zalloc(sizeof(*st));
    int rc;

    st->path = mem_strdup(path);
    st->fd = rc = state_open_locked(path);
    if (rc >= 0)
        rc = state_map_file(st);
    if (rc) {
        state_close(st);
        return rc;
    }
    *state = st;
    return 0;
}

void state_close_file(struct state *st)
{
    if (st->map)
        munmap(st->map, st->size);
    if (st->fd >= 0)
        close(st->fd);
}

void state_close(struct state *st)
{
    if (!st)
        return;
    succession_drop(st);
    state_close_file(st);
    free(st->path);
    free(st);
}

/* --- reading ----------------------------------------------------------------
 */

/* The batch at `at`, checked. 1, 0 at the end, or -EINVAL. */
static int get_batch(const struct state *st, size_t at, struct batch *b,
                     const char **why)
{
    if (st->size - at < sizeof(*b))
        return 0;
    memcpy(b, st->map + at, sizeof(*b));
    if (!b->len)
        return 0;
    *why = "the batch is longer than the file";
    if (b->len > st->size - at - sizeof(*b))
        return -EINVAL;
    *why = "the batch is out of order";
    if (b->seq != st->seq + 1)
        return -EINVAL;
    *why = "the checksum is wrong";
    if (b->check !=
        map_hash(CHECK_SEED ^ b->seq, st->map + at + sizeof(*b), b->len))
        return -EINVAL;
    return 1;
}

/* Replay batch by batch; at damage st->used is where it begins. */
static int replay(struct state *st, struct replay *r, const char **why)
{
    struct batch b;
    size_t at = 0;
    int rc;

    *why = "this is not a journal";
    if (memcmp(header_of(st)->magic, MAGIC, sizeof(header_of(st)->magic)))
        return -EINVAL;
    *why = "the former daemon could not store everything";
    if (header_of(st)->flags & INCOMPLETE)
        return -EINVAL;
    while ((rc = get_batch(st, st->used, &b, why)) > 0) {
        rc = replay_records(r, st->map + st->used + sizeof(b), b.len, why, &at);
        if (rc)
            break;
        st->used += state_aligned(sizeof(b) + b.len);
        if (st->used > st->size)
            st->used = st->size;
        st->seq = b.seq;
        if (!st->snapshot)
            st->snapshot = st->used;
    }
    return rc;
}

static int write_whole(int fd, const char *data, size_t len)
{
    ssize_t n;

    for (; len; data += n, len -= (size_t)n) {
        n = write(fd, data, len);
        if (n < 0)
            return -errno;
    }
    return 0;
}

/* Keep the damaged file, and forget the damage in ours. */
static int set_aside(struct state *st)
{
    char name[4096];
    int fd, rc;

    snprintf(name, sizeof(name), "%s.bad", st->path);
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    rc = write_whole(fd, st->map, st->size);
    close(fd);
    if (rc)
        return rc;
    memset(header_of(st), 0, sizeof(struct header));
    memcpy(header_of(st)->magic, MAGIC, sizeof(header_of(st)->magic));
    memset(st->map + st->used, 0, st->size - st->used);
    log_line(LOG_WARN, "the damaged journal is kept as %s", name);
    return 0;
}

int state_load(struct state *st, struct store *s, bool recover, char *why,
               size_t why_size)
{
    struct replay *r = replay_begin(s);
    const char *reason = "";
    int rc = replay(st, r, &reason);

    replay_end(r);

    st->loaded = st->seq != 0;
    if (!rc)
        return 0;
    snprintf(why, why_size,
             "%s: batch %" PRIu64 " at byte %zu: %s; %" PRIu64
             " batches before it are good",
             st->path, st->seq + 1, st->used, reason, st->seq);
    if (!recover)
        return rc;
    log_line(LOG_WARN, "%s", why);
    rc = set_aside(st);
    if (rc)
        snprintf(why, why_size, "%s.bad: %s", st->path, strerror(-rc));
    return rc;
}

/* --- writing ----------------------------------------------------------------
 */

/* Its length goes in last: a kill before leaves no batch, one after a whole. */
int state_append(struct state *st, const char *records, size_t len)
{
    size_t total = state_aligned(sizeof(struct batch) + len), size = st->size;
    struct batch *b;
    int rc;

    while (size - st->used < total + sizeof(struct batch))
        size += GROW_BYTES; /* little at a time: clients wait meanwhile */
    rc = size == st->size ? 0 : state_resize(st, size);
    if (rc)
        return rc;
    b = (struct batch *)(st->map + st->used);
    memcpy(b + 1, records, len);
    b->seq = st->seq + 1;
    b->check = map_hash(CHECK_SEED ^ b->seq, b + 1, len);
    /* A batch cut off by a kill may have left something behind this one. */
    memset(st->map + st->used + total, 0, sizeof(*b));
    __atomic_store_n(&b->len, len, __ATOMIC_RELEASE);
    st->seq++;
    st->used += total;
    return 0;
}

static void failed(struct state *st, int rc)
{
    if (header_of(st)->flags & INCOMPLETE)
        return;
    header_of(st)->flags |= INCOMPLETE;
    log_line(LOG_ERR, "%s: %s; a restart could not carry on", st->path,
             strerror(-rc));
}

bool state_is_new(const struct state *st)
{
    return !st->loaded;
}

/* The old file is still whole, only longer; another try when it has doubled. */
static void not_now(struct state *st, int rc)
{
    st->snapshot = st->used / 2;
    log_line(LOG_WARN, "%s cannot be made shorter: %s", st->path,
             strerror(-rc));
}

static bool is_due(const struct state *st)
{
    return st->used > COMPACT_MIN && st->used / COMPACT_PART > st->snapshot;
}

void state_start(struct state *st, struct store *s)
{
    int rc = 0;

    if (!st)
        return;
    if (!st->seq || is_due(st))
        rc = succession_begin(st, s);
    while (!rc && st->next && !st->seq)
        rc = succession_step(st, SIZE_MAX);
    if (rc && !st->seq)
        failed(st, rc);
    else if (rc)
        not_now(st, rc);
    store_journal(s, true);
}

/* Faster than the old file grows, or there would be no end to it. */
static size_t step_bytes(size_t len)
{
    return len > STEP_BYTES / 4 ? 4 * len : STEP_BYTES;
}

static void shorten(struct state *st, struct store *s, size_t len, bool due)
{
    int rc = 0;

    if (st->next)
        rc = succession_step(st, step_bytes(len));
    else if (due)
        rc = succession_begin(st, s);
    if (rc)
        not_now(st, rc);
}

static void commit(struct state *st, struct store *s)
{
    bool due = !st->next && is_due(st);
    const char *records;
    size_t len;
    int rc;

    if (due)
        journal_catch_up_all(s);
    records = store_records(s, &len);
    rc = state_append(st, records, len);
    store_records_taken(s);
    if (rc)
        failed(st, rc);
    else
        shorten(st, s, len, due);
}

/* After a question there is nothing to store. */
void state_commit(struct state *st, struct store *s)
{
    if (st && store_has_records(s))
        commit(st, s);
}
