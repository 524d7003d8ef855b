#include "pv-backends/block/inflight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define INFLIGHT_MAGIC 0x31304b4c42565250ull /* "PRVBLK01" */

/*
 * A kill stops us between two instructions, and what was stored before is in
 * the file. The compiler alone could reorder: this keeps it from that.
 */
#define step() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static size_t journal_bytes(uint32_t nr_entries)
{
    return sizeof(struct inflight_shared) +
           (size_t)nr_entries * sizeof(struct inflight_entry);
}

static int map_journal(struct inflight *j, const char *path, int flags,
                       uint32_t nr_entries)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    struct stat st;
    int rc = 0;

    memset(j, 0, sizeof(*j));
    if (fd < 0)
        return -errno;
    j->size_bytes = journal_bytes(nr_entries);
    if ((flags & O_CREAT) && ftruncate(fd, (off_t)j->size_bytes))
        rc = -errno;
    else if (fstat(fd, &st))
        rc = -errno;
    else if ((size_t)st.st_size != j->size_bytes)
        rc = -ESTALE;
    if (rc)
        goto close_fd;

    j->shared =
        mmap(NULL, j->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (j->shared == MAP_FAILED) {
        j->shared = NULL;
        rc = -errno;
        goto close_fd;
    }
    j->free = calloc(nr_entries, sizeof(*j->free));
    if (!j->free) {
        inflight_close(j);
        rc = -ENOMEM;
    }
close_fd:
    close(fd);
    return rc;
}

static void rebuild_free(struct inflight *j)
{
    j->nr_free = 0;
    for (uint32_t i = j->shared->nr_entries; i-- > 0;)
        if (j->shared->entries[i].state == INFLIGHT_FREE)
            j->free[j->nr_free++] = i;
}

int inflight_create(struct inflight *j, const char *path, uint64_t connection,
                    uint32_t nr_entries, RING_IDX index)
{
    int rc;

    /* A new file, never the old one cut short: somebody may still map it. */
    unlink(path);
    rc = map_journal(j, path, O_CREAT | O_EXCL, nr_entries);
    if (rc)
        return rc;
    j->shared->connection = connection;
    j->shared->nr_entries = nr_entries;
    j->shared->req_cons = j->shared->rsp_prod = index;
    step();
    j->shared->magic = INFLIGHT_MAGIC;
    j->next_answer = index;
    rebuild_free(j);
    return 0;
}

int inflight_open(struct inflight *j, const char *path, uint64_t connection,
                  uint32_t nr_entries)
{
    int rc = map_journal(j, path, 0, nr_entries);

    if (rc)
        return rc;
    if (j->shared->magic != INFLIGHT_MAGIC ||
        j->shared->connection != connection ||
        j->shared->nr_entries != nr_entries) {
        inflight_close(j);
        return -ESTALE;
    }
    return 0;
}

void inflight_close(struct inflight *j)
{
    if (j->shared)
        munmap(j->shared, j->size_bytes);
    free(j->free);
    memset(j, 0, sizeof(*j));
}

bool inflight_full(const struct inflight *j)
{
    return !j->nr_free;
}

uint32_t inflight_take(struct inflight *j, const struct blkif_request *raw)
{
    uint32_t i = j->free[--j->nr_free];
    struct inflight_entry *e = &j->shared->entries[i];

    e->raw = *raw;
    e->taken_at = j->shared->req_cons;
    step();
    e->state = INFLIGHT_BUSY;
    step();
    j->shared->req_cons++; /* a kill before this: recovery takes it again */
    return i;
}

RING_IDX inflight_answer(struct inflight *j, uint32_t entry, uint8_t operation,
                         int16_t status)
{
    struct inflight_entry *e = &j->shared->entries[entry];

    e->operation = operation;
    e->status = status;
    e->answered_at = j->next_answer;
    step();
    e->state = INFLIGHT_ANSWERED;
    step();
    return j->next_answer++;
}

void inflight_published(struct inflight *j, RING_IDX rsp_prod)
{
    struct inflight_shared *s = j->shared;

    /* Freed first, so that rsp_prod never passes an entry that still counts. */
    for (uint32_t i = 0; i < s->nr_entries; i++) {
        struct inflight_entry *e = &s->entries[i];

        if (e->state != INFLIGHT_ANSWERED ||
            (int32_t)(e->answered_at - rsp_prod) >= 0)
            continue;
        e->state = INFLIGHT_FREE;
        j->free[j->nr_free++] = i;
    }
    step();
    s->rsp_prod = rsp_prod;
}

/* The answered entry with this response index, or NULL. */
static struct inflight_entry *answered_at(struct inflight *j, RING_IDX index)
{
    for (uint32_t i = 0; i < j->shared->nr_entries; i++) {
        struct inflight_entry *e = &j->shared->entries[i];

        if (e->state == INFLIGHT_ANSWERED && e->answered_at == index)
            return e;
    }
    return NULL;
}

/* The oldest busy entry at or after `from`, or -1. */
static int64_t oldest_busy(const struct inflight *j, RING_IDX from)
{
    RING_IDX base = j->shared->req_cons, best_age = 0;
    int64_t best = -1;

    for (uint32_t i = 0; i < j->shared->nr_entries; i++) {
        const struct inflight_entry *e = &j->shared->entries[i];
        RING_IDX age = base - e->taken_at;

        if (e->state == INFLIGHT_BUSY && age <= base - from && age > best_age) {
            best_age = age;
            best = i;
        }
    }
    return best;
}

/* Entries whose taking was cut off: their slots are still to be consumed. */
static void drop_half_taken(struct inflight *j)
{
    for (uint32_t i = 0; i < j->shared->nr_entries; i++) {
        struct inflight_entry *e = &j->shared->entries[i];

        if (e->state == INFLIGHT_BUSY && e->taken_at == j->shared->req_cons)
            e->state = INFLIGHT_FREE;
    }
}

int inflight_recover(struct inflight *j, RING_IDX rsp_prod,
                     const struct inflight_visitor *visitor)
{
    struct inflight_shared *s = j->shared;
    struct inflight_entry *e;
    RING_IDX from;
    int64_t i;

    /* Published: at least what we noted, at most what had been consumed. */
    if ((RING_IDX)(rsp_prod - s->rsp_prod) > s->nr_entries ||
        (RING_IDX)(s->req_cons - rsp_prod) > s->nr_entries)
        return -EINVAL;

    drop_half_taken(j);
    j->nr_free = 0;
    inflight_published(j, rsp_prod);
    rebuild_free(j);

    j->next_answer = rsp_prod;
    while ((e = answered_at(j, j->next_answer))) {
        j->next_answer++;
        visitor->again(visitor->arg, e);
    }
    from = s->req_cons - UINT32_MAX / 2;
    while ((i = oldest_busy(j, from)) >= 0) {
        from = s->entries[i].taken_at + 1;
        visitor->redo(visitor->arg, (uint32_t)i);
    }
    return 0;
}
