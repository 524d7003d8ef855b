#include "xenstore/core/watch.h"
#include "xenstore/core/mem.h"
#include "xenstore/core/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct watch_point *point_find(struct store *s, const char *path,
                                      size_t len)
{
    return (struct watch_point *)map_find(&s->watched, path, len);
}

static struct watch_point *point_make(struct store *s, const char *path)
{
    size_t len = strlen(path);
    struct watch_point *p = point_find(s, path, len);

    if (p)
        return p;
    p = mem_zalloc(sizeof(*p) + len + 1);
    memcpy(p->path, path, len + 1);
    map_add(&s->watched, &p->entry, p->path, len);
    return p;
}

static int64_t watch_bytes(const struct watch *w)
{
    return (int64_t)(sizeof(*w) + strlen(w->token) + w->point->entry.key_len);
}

static struct watch *find(struct client *c, const char *path, const char *token)
{
    struct watch_point *p = point_find(c->store, path, strlen(path));
    struct watch *w;

    for (w = p ? p->first : NULL; w; w = w->next_at_point)
        if (w->client == c && !strcmp(w->token, token))
            return w;
    return NULL;
}

int watch_add(struct client *c, const char *path, size_t home_len,
              const char *token)
{
    struct domain *d = c->domain;
    struct watch *w;

    if (find(c, path, token))
        return -EEXIST;
    if (client_is_limited(c) &&
        (!quota_allows(c->store, d, QUOTA_WATCHES, d->used[QUOTA_WATCHES] + 1,
                       path) ||
         !quota_allows(c->store, d, QUOTA_MEMORY, d->used[QUOTA_MEMORY], path)))
        return -E2BIG;

    w = mem_zalloc(sizeof(*w));
    w->client = c;
    w->token = mem_strdup(token);
    w->home_len = home_len;
    w->point = point_make(c->store, path);
    w->next_at_point = w->point->first;
    w->point->first = w;
    w->next_of_client = c->watches;
    c->watches = w;
    c->nr_watches++;
    d->used[QUOTA_WATCHES]++;
    d->used[QUOTA_MEMORY] += watch_bytes(w);
    journal_watch(c, path, home_len, token, true);
    return 0;
}

/* Unhook from its point and free; the client's list is the caller's. */
static void drop(struct watch *w)
{
    struct watch_point *p = w->point;
    struct watch **link = &p->first;
    struct client *c = w->client;

    c->nr_watches--;
    c->domain->used[QUOTA_WATCHES]--;
    c->domain->used[QUOTA_MEMORY] -= watch_bytes(w);
    while (*link != w)
        link = &(*link)->next_at_point;
    *link = w->next_at_point;
    if (!p->first) {
        map_remove(&c->store->watched, &p->entry);
        free(p);
    }
    free(w->token);
    free(w);
}

int watch_remove(struct client *c, const char *path, const char *token)
{
    struct watch *w = find(c, path, token), **link = &c->watches;

    if (!w)
        return -ENOENT;
    while (*link != w)
        link = &(*link)->next_of_client;
    *link = w->next_of_client;
    journal_watch(c, path, 0, token, false);
    drop(w);
    return 0;
}

void watch_drop_all(struct client *c)
{
    struct watch *w;

    while ((w = c->watches)) {
        c->watches = w->next_of_client;
        drop(w);
    }
}

/* --- firing -----------------------------------------------------------------
 */

/*
 * An event equal to one its client has not been sent yet says nothing new.
 * Specials are told each time.
 */
static bool is_repeat(const struct watch *w, uint64_t hash)
{
    const struct client *c = w->client;

    return w->queued_at && w->queued_hash == hash &&
           c->out_pos - buf_len(&c->out) < w->queued_at;
}

static void tell(struct watch *w, const char *path, struct client *by)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t token_len = strlen(w->token) + 1, path_len;
    struct client *c = w->client;
    uint64_t hash, start;

    path += w->home_len;
    path_len = strlen(path) + 1;
    if (path_len + token_len > sizeof(payload))
        return;
    hash = map_hash(c->store->seed, path, path_len);
    if (!path_is_special(path) && is_repeat(w, hash))
        return;
    memcpy(payload, path, path_len);
    memcpy(payload + path_len, w->token, token_len);
    start = c->out_pos;
    if (!client_put_event(c, payload, path_len + token_len, by))
        return;
    /* Not yet sent at all: that is what counts as still queued. */
    w->queued_at = start + 1;
    w->queued_hash = hash;
}

void watch_fire_first(struct client *c, const char *path, const char *token)
{
    struct watch *w = find(c, path, token);

    if (w)
        tell(w, path, NULL);
}

/* Who may see that something happened to a node. */
struct sight {
    const struct node *node, *parent;
    const struct perms *was;
};

static bool may_see(const struct client *c, const struct sight *sight)
{
    if (c->privileged)
        return true;
    if (sight->node && (store_perm_bits(c, sight->node->perms) & PERM_READ))
        return true;
    if (sight->parent && (store_perm_bits(c, sight->parent->perms) & PERM_READ))
        return true;
    return sight->was && (store_perm_bits(c, sight->was) & PERM_READ);
}

static void fire_point(struct watch_point *p, const char *path,
                       const struct sight *sight, struct client *by)
{
    struct watch *w;

    for (w = p ? p->first : NULL; w; w = w->next_at_point)
        if (may_see(w->client, sight))
            tell(w, path, by);
}

/* The removed node of this path below `change`, and its parent. */
static bool sight_in(const struct change *change, const char *path,
                     struct sight *sight)
{
    const char *s = path + strlen(change->path), *name;
    struct node *n = change->gone;
    size_t len;

    sight->parent = NULL;
    while (n && path_next(&s, &name, &len)) {
        sight->parent = n;
        n = child_find(n->children, name, len);
    }
    sight->node = n;
    sight->was = NULL;
    return n != NULL;
}

struct removal {
    struct store *s;
    const struct change *change;
    struct client *by;
};

static void fire_removed(struct removal *r, const char *path,
                         const struct sight *sight)
{
    if (strlen(path) > strlen(r->change->path))
        fire_point(point_find(r->s, path, strlen(path)), path, sight, r->by);
}

static void visit_removed(const char *path, struct node *n, void *arg)
{
    struct removal *r = arg;
    struct sight sight = {.node = n};

    if (point_find(r->s, path, strlen(path)) && n != r->change->gone)
        (void)sight_in(r->change, path, &sight);
    fire_removed(r, path, &sight);
}

static void visit_point(struct map_entry *e, void *arg)
{
    struct watch_point *p = (struct watch_point *)e;
    struct removal *r = arg;
    struct sight sight;

    if (path_covers(r->change->path, p->path) &&
        sight_in(r->change, p->path, &sight))
        fire_removed(r, p->path, &sight);
}

static bool is_small(struct node *child, void *arg)
{
    size_t *budget = arg;

    if (!*budget)
        return false;
    --*budget;
    return child_each(child->children, 0, is_small, budget);
}

/* Look at each node removed or at each path watched, whichever is less. */
static void fire_below(struct removal *r)
{
    struct node *gone = r->change->gone;
    size_t budget = r->s->watched.nr, len = strlen(r->change->path);
    char path[PATH_BYTES];

    if (!gone->children || !budget)
        return;
    if (!child_each(gone->children, 0, is_small, &budget)) {
        map_each(&r->s->watched, visit_point, r);
        return;
    }
    memcpy(path, r->change->path, len + 1);
    tree_walk(gone, path, len, visit_removed, r);
}

/* Most paths nobody watches: the nodes are looked up for whom it concerns. */
static void find_sight(struct store *s, const struct change *change, size_t len,
                       struct sight *sight)
{
    const char *path = change->path;

    sight->node = change->gone ? change->gone : tree_find_n(s->root, path, len);
    sight->parent = tree_find_n(s->root, path, path_parent_len(path, len));
    sight->was = change->was;
}

static void fire_above(struct store *s, const struct change *change,
                       struct client *by)
{
    size_t len = strlen(change->path), at;
    struct watch_point *p;
    struct sight sight;
    bool found = false;

    for (at = len; at; at = path_parent_len(change->path, at)) {
        p = point_find(s, change->path, at);
        if (p && !found)
            find_sight(s, change, len, &sight);
        found = found || p;
        fire_point(p, change->path, &sight, by);
    }
}

void watch_fire(struct store *s, const struct change *change, struct client *by)
{
    struct removal r = {s, change, by};

    if (!s->watched.nr)
        return;
    fire_above(s, change, by);
    if (change->gone)
        fire_below(&r);
}

void watch_fire_special(struct store *s, const char *name,
                        const struct perms *perms, struct client *by)
{
    const struct sight sight = {.was = perms};

    fire_point(point_find(s, name, strlen(name)), name, &sight, by);
}
