#include "xenstore/core/store.h"
#include "xenstore/core/internal.h"
#include "xenstore/core/mem.h"
#include "xenstore/core/tree.h"
#include "xenstore/core/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Events that nobody fetched for so long no longer count against their maker.
 */
#define EVENT_TIMEOUT_MS 20000
#define TICK_MS          1000

static const char *const special_name[SPECIAL_NR] = {
    [SPECIAL_INTRODUCE] = "@introduceDomain",
    [SPECIAL_RELEASE] = "@releaseDomain",
};

void store_log(struct store *s, enum log_level level, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    s->ops->log(s->ctx, level, text);
}

/* --- life -------------------------------------------------------------------
 */

static void plant(struct store *s)
{
    const struct perm nobody = {.domid = 0, .bits = PERM_NONE};
    struct view v = {.s = s};
    int i;

    for (i = 0; i < SPECIAL_NR; i++)
        s->special[i] = perms_make(&s->perms, &nobody, 1);
    s->root =
        node_new(s->seed, "", 0, perms_make(&s->perms, &nobody, 1), "", 0);
    view_account(&v, s->root, 1);
    view_mkdir(&v, "/tool/xenstored");
    store_drop_changes(s);
}

struct store *store_create(const struct store_ops *ops, void *ctx,
                           uint64_t seed)
{
    struct store *s = mem_zalloc(sizeof(*s));
    int q;

    s->ops = ops;
    s->ctx = ctx;
    s->seed = seed;
    s->next_client = 1;
    s->domains = mem_zalloc(DOMID_LIMIT * sizeof(struct domain *));
    map_init(&s->perms, seed);
    map_init(&s->watched, seed);
    for (q = 0; q < QUOTA_NR; q++)
        s->limit[q] = quota_info[q].standard;
    store_domain(s, 0)->introduced = true;
    plant(s);
    return s;
}

void store_destroy(struct store *s)
{
    unsigned int i;

    while (s->clients)
        client_close(s->clients);
    store_drop_changes(s);
    free(s->changes);
    node_put(s->root);
    for (i = 0; i < SPECIAL_NR; i++)
        perms_put(s->special[i]);
    map_free(&s->perms);
    map_free(&s->watched);
    for (i = 0; i < DOMID_LIMIT; i++)
        free(s->domains[i]);
    free(s->domains);
    buf_free(&s->records);
    buf_free(&s->reply);
    free(s);
}

void store_tick(struct store *s, uint64_t now_ms)
{
    struct client *c;

    s->now_ms = now_ms;
    if (now_ms - s->ticked_ms < TICK_MS || now_ms < EVENT_TIMEOUT_MS)
        return;
    s->ticked_ms = now_ms;
    for (c = s->clients; c; c = c->next)
        client_forgive(c, now_ms - EVENT_TIMEOUT_MS);
}

size_t store_nr_nodes(const struct store *s)
{
    return s->nr_nodes;
}

void store_set_trace(struct store *s, bool on)
{
    s->trace = on;
}

/* --- permissions ------------------------------------------------------------
 */

/* The shared list of these entries, made for the domains that live now. */
struct perms *store_perms(struct store *s, const struct perm *list, size_t nr)
{
    struct perm stamped[PERMS_MAX];
    size_t i;

    for (i = 0; i < nr; i++) {
        struct domain *d = store_domain(s, list[i].domid);

        stamped[i] = list[i];
        stamped[i].incarnation = d ? d->incarnation : 0;
    }
    return perms_make(&s->perms, stamped, nr);
}

/* Whether an entry speaks of the domain `c` is, or may act for. */
static bool is_about(const struct client *c, const struct perm *p)
{
    const struct domain *d = c->domain;

    if (p->domid == d->domid)
        return p->incarnation == d->incarnation;
    if (d->target < 0 || p->domid != d->target)
        return false;
    return p->incarnation ==
           store_domain(c->store, (unsigned int)d->target)->incarnation;
}

unsigned int store_perm_bits(const struct client *c, const struct perms *p)
{
    uint32_t i;

    if (c->privileged || is_about(c, &p->list[0]))
        return PERM_ALL;
    for (i = 1; i < p->nr; i++)
        if (is_about(c, &p->list[i]))
            return p->list[i].bits;
    return p->list[0].bits;
}

/* --- changes and their events -----------------------------------------------
 */

void store_note_change(struct store *s, const char *path, struct node *gone,
                       struct perms *was)
{
    s->changes = mem_grow(s->changes, s->nr_changes, &s->cap_changes,
                          sizeof(*s->changes));
    s->changes[s->nr_changes++] = (struct change){mem_strdup(path), gone, was};
}

void store_drop_changes(struct store *s)
{
    size_t i;

    for (i = 0; i < s->nr_changes; i++) {
        free(s->changes[i].path);
        node_put(s->changes[i].gone);
        perms_put(s->changes[i].was);
    }
    s->nr_changes = 0;
}

void store_fire_changes(struct store *s, struct client *by)
{
    size_t i;

    for (i = 0; i < s->nr_changes; i++)
        watch_fire(s, &s->changes[i], by);
    store_drop_changes(s);
}

int store_special(const char *name)
{
    int i;

    for (i = 0; i < SPECIAL_NR; i++)
        if (!strcmp(special_name[i], name))
            return i;
    return -1;
}

void store_fire_special(struct store *s, struct client *by, enum special which)
{
    watch_fire_special(s, special_name[which], s->special[which], by);
}

/* --- domains ----------------------------------------------------------------
 */

struct domain *store_domain(struct store *s, unsigned int domid)
{
    struct domain *d;
    int q;

    if (domid >= DOMID_LIMIT)
        return NULL;
    d = s->domains[domid];
    if (d)
        return d;
    d = s->domains[domid] = mem_zalloc(sizeof(*d));
    d->domid = (uint16_t)domid;
    d->target = -1;
    for (q = 0; q < QUOTA_NR; q++)
        d->limit[q] = -1;
    return d;
}

struct domain *store_next_domain(struct store *s, const struct domain *d)
{
    unsigned int i;

    for (i = d ? d->domid + 1u : 0; i < DOMID_LIMIT; i++)
        if (s->domains[i] && s->domains[i]->introduced)
            return s->domains[i];
    return NULL;
}

void store_domain_shutdown(struct store *s, struct domain *d)
{
    if (d->shutdown)
        return;
    d->shutdown = true;
    journal_domain(s, d);
    store_fire_special(s, NULL, SPECIAL_RELEASE);
}

/* Paths of a domain's nodes; what lies below one goes with it. */
struct estate {
    uint16_t domid;
    char **path;
    size_t nr, cap;
};

static void find_owned(const char *path, struct node *n, void *arg)
{
    struct estate *e = arg;

    if (n->perms->list[0].domid != e->domid || !path[1])
        return;
    if (e->nr && path_covers(e->path[e->nr - 1], path))
        return;
    e->path = mem_grow(e->path, e->nr, &e->cap, sizeof(*e->path));
    e->path[e->nr++] = mem_strdup(path);
}

/* Remove what the domain left behind; usually the toolstack did already. */
static void remove_estate(struct store *s, struct domain *d)
{
    struct estate e = {.domid = d->domid};
    struct view v = {.s = s};
    char path[PATH_BYTES] = "/";
    size_t i;

    if (!d->used[QUOTA_NODES])
        return;
    tree_walk(s->root, path, 1, find_owned, &e);
    for (i = 0; i < e.nr; i++) {
        view_remove(&v, e.path[i]);
        free(e.path[i]);
    }
    free(e.path);
    store_fire_changes(s, NULL);
}

static void forget_target(struct store *s, const struct domain *gone)
{
    struct domain *d;

    for (d = store_next_domain(s, NULL); d; d = store_next_domain(s, d))
        if (d->target == gone->domid) {
            d->target = -1;
            journal_domain(s, d);
        }
}

void store_domain_gone(struct store *s, struct domain *d)
{
    s->ops->release(s->ctx, d);
    if (d->client)
        client_close(d->client);
    d->introduced = d->shutdown = false;
    d->target = -1;
    remove_estate(s, d);
    d->incarnation++;
    journal_domain(s, d);
    forget_target(s, d);
    store_fire_special(s, NULL, SPECIAL_RELEASE);
}
