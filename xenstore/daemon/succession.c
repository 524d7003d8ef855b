/* The journal's next file, written little by little beside the old one. */
#include "xenstore/core/journal.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/state-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void name_of_successor(const struct state *st, char *name, size_t size)
{
    snprintf(name, size, "%s.new", st->path);
}

void succession_drop(struct state *st)
{
    struct successor *next = st->next;

    if (!next)
        return;
    if (next->snap)
        snapshot_end(next->snap);
    state_close_file(&next->st);
    free(next);
    st->next = NULL;
}

/* Begin a new file; state_commit() works on it a little each time. */
int succession_begin(struct state *st, struct store *s)
{
    struct successor *next = mem_zalloc(sizeof(*next));
    char name[4096];
    int rc;

    name_of_successor(st, name, sizeof(name));
    unlink(name);
    st->next = next;
    next->st.fd = rc = state_open_locked(name);
    if (rc >= 0)
        rc = state_map_file(&next->st);
    if (rc) {
        succession_drop(st);
        return rc;
    }
    next->snap = snapshot_begin(s);
    next->since = st->used;
    return 0;
}

static int more_snapshot(struct successor *next, size_t bytes)
{
    struct buf out = {0};
    bool more = snapshot_more(next->snap, bytes, &out);
    int rc = 0;

    if (buf_len(&out))
        rc = state_append(&next->st, buf_head(&out), buf_len(&out));
    buf_free(&out);
    if (!more) {
        snapshot_end(next->snap);
        next->snap = NULL;
        next->st.snapshot = next->st.used;
    }
    return rc;
}

static int more_tail(struct state *st, struct successor *next, size_t bytes)
{
    size_t upto =
        st->used - next->since < bytes ? st->used : next->since + bytes;
    const struct batch *b;
    int rc = 0;

    while (!rc && next->since < upto) {
        b = (const struct batch *)(st->map + next->since);
        rc = state_append(&next->st, (const char *)(b + 1), b->len);
        next->since += state_aligned(sizeof(*b) + b->len);
    }
    return rc;
}

/* The new file has everything: it takes the old one's name and place. */
static int succeed(struct state *st)
{
    struct successor *next = st->next;
    char name[4096];

    name_of_successor(st, name, sizeof(name));
    if (rename(name, st->path))
        return -errno;
    next->st.path = st->path;
    next->st.loaded = st->loaded;
    state_close_file(st);
    *st = next->st;
    free(next);
    return 0;
}

/* Write about `bytes` more of the new file. */
int succession_step(struct state *st, size_t bytes)
{
    struct successor *next = st->next;
    int rc;

    rc = next->snap ? more_snapshot(next, bytes) : more_tail(st, next, bytes);
    if (!rc && !next->snap && next->since == st->used)
        rc = succeed(st);
    if (rc)
        succession_drop(st);
    return rc;
}
