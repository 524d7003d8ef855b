#include "dom0/daemon/registry.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/record.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct registry {
    pthread_mutex_t lock; /* guards all below and what guests show */
    pthread_cond_t changed;
    uint64_t epoch; /* counts changes */
    struct guest *first;
    char *dir;
};

int registry_create(struct registry **rp, const char *dir)
{
    struct registry *r;
    pthread_condattr_t attr;

    if (mkdir(dir, 0700) && errno != EEXIST)
        return -errno;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->dir = strdup(dir);
    if (!r->dir) {
        free(r);
        return -ENOMEM;
    }
    r->epoch = 1;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    *rp = r;
    return 0;
}

void registry_destroy(struct registry *r)
{
    struct guest *g;

    if (!r)
        return;
    while ((g = r->first)) {
        r->first = g->next;
        guest_free(g);
    }
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->dir);
    free(r);
}

void registry_lock(struct registry *r)
{
    pthread_mutex_lock(&r->lock);
}

void registry_unlock(struct registry *r)
{
    pthread_mutex_unlock(&r->lock);
}

static void changed_locked(struct registry *r)
{
    r->epoch++;
    pthread_cond_broadcast(&r->changed);
}

int registry_wait_locked(struct registry *r, uint64_t *epoch,
                         int64_t deadline_ms)
{
    struct timespec until = {deadline_ms / 1000,
                             (deadline_ms % 1000) * 1000000};
    int rc = 0;

    while (*epoch == r->epoch && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&r->changed, &r->lock, &until);
    if (*epoch == r->epoch)
        return -ETIMEDOUT;
    *epoch = r->epoch;
    return 0;
}

struct guest *registry_first(struct registry *r)
{
    return r->first;
}

/* --- finding ---------------------------------------------------------------*/

static bool key_matches(const struct guest *g, const char *key)
{
    char text[40];

    if (!strcmp(g->name, key))
        return true;
    snprintf(text, sizeof(text), "%u", g->domid);
    if (g->domid && !strcmp(text, key))
        return true;
    domconfig_uuid_print(g->uuid, text);
    return !strcasecmp(text, key);
}

struct guest *registry_find(struct registry *r, const char *key,
                            struct fault *f)
{
    struct guest *g;

    registry_lock(r);
    for (g = r->first; g && !key_matches(g, key); g = g->next)
        ;
    if (g)
        g->refs++;
    registry_unlock(r);
    if (!g)
        fault_set(f, -ENOENT, FAULT_ABSENT, "there is no guest \"%.64s\"", key);
    return g;
}

struct guest *registry_find_domid(struct registry *r, uint32_t domid)
{
    struct guest *g;

    registry_lock(r);
    for (g = r->first; g && (!domid || g->domid != domid); g = g->next)
        ;
    if (g)
        g->refs++;
    registry_unlock(r);
    return g;
}

struct guest *registry_find_uuid(struct registry *r, const uint8_t uuid[16])
{
    struct guest *g;

    registry_lock(r);
    for (g = r->first; g && memcmp(g->uuid, uuid, 16); g = g->next)
        ;
    if (g)
        g->refs++;
    registry_unlock(r);
    return g;
}

void registry_put(struct registry *r, struct guest *g)
{
    bool last;

    if (!g)
        return;
    registry_lock(r);
    last = --g->refs == 0;
    registry_unlock(r);
    if (last)
        guest_free(g);
}

/* --- entering and leaving --------------------------------------------------*/

/* A target on the network has its name alone. */
static bool is_same_disk(const struct guest_disk *a, const struct guest_disk *b)
{
    if (a->claim.fd >= 0 && b->claim.fd >= 0)
        return disk_claim_same(&a->claim, &b->claim);
    return a->claim.fd < 0 && b->claim.fd < 0 && a->path && b->path &&
           disk_target_is_remote(a->path) && !strcmp(a->path, b->path);
}

int registry_check_disk_locked(struct registry *r, const struct guest *g,
                               const struct guest_disk *d, struct fault *f)
{
    struct guest *other;
    size_t i;

    for (other = r->first; other; other = other->next) {
        for (i = 0; i < other->nr_disks; i++) {
            const struct guest_disk *o = &other->disks[i];

            if (o == d || !is_same_disk(o, d) || (!o->writable && !d->writable))
                continue;
            return fault_set(f, -EBUSY, FAULT_BUSY,
                             other == g ? "disk %s is there twice in guest %s"
                                        : "disk %s is in use by guest %s",
                             d->path, other->name);
        }
    }
    return 0;
}

static int check_new_locked(struct registry *r, const struct guest *g,
                            struct fault *f)
{
    struct guest *other;

    for (other = r->first; other; other = other->next) {
        if (!strcmp(other->name, g->name))
            return fault_set(f, -EEXIST, FAULT_EXISTS,
                             "there is a guest \"%s\" already", g->name);
        if (!memcmp(other->uuid, g->uuid, sizeof(g->uuid)))
            return fault_set(f, -EEXIST, FAULT_EXISTS,
                             "guest \"%s\" has the same uuid", other->name);
    }
    return 0;
}

static void insert_locked(struct registry *r, struct guest *g)
{
    struct guest **p = &r->first;

    while (*p)
        p = &(*p)->next;
    g->next = NULL;
    *p = g;
    changed_locked(r);
}

int registry_add(struct registry *r, struct guest *g, const char *what,
                 struct fault *f)
{
    int rc;

    registry_lock(r);
    rc = check_new_locked(r, g, f);
    if (!rc) {
        g->refs++;
        g->busy = what;
        insert_locked(r, g);
    }
    registry_unlock(r);
    return rc;
}

int registry_begin(struct registry *r, struct guest *g, const char *what,
                   struct fault *f)
{
    int rc = 0;

    registry_lock(r);
    if (g->busy)
        rc = fault_set(f, -EBUSY, FAULT_BUSY, "guest %s is busy: %s", g->name,
                       g->busy);
    else
        g->busy = what;
    registry_unlock(r);
    return rc;
}

void registry_end(struct registry *r, struct guest *g)
{
    registry_lock(r);
    g->busy = NULL;
    changed_locked(r);
    registry_unlock(r);
}

void registry_set_state(struct registry *r, struct guest *g,
                        enum guest_state state, uint32_t domid)
{
    registry_lock(r);
    g->state = state;
    g->domid = domid;
    changed_locked(r);
    registry_unlock(r);
}

int registry_save(struct registry *r, struct guest *g)
{
    char uuid[37];
    json_t *o;

    registry_lock(r);
    o = guest_to_json(g);
    registry_unlock(r);
    domconfig_uuid_print(g->uuid, uuid);
    return record_write(r->dir, uuid, o);
}

void registry_drop(struct registry *r, struct guest *g)
{
    struct guest **p;
    char uuid[37];
    size_t i;

    domconfig_uuid_print(g->uuid, uuid);
    record_remove(r->dir, uuid);
    registry_lock(r);
    for (p = &r->first; *p && *p != g; p = &(*p)->next)
        ;
    if (*p) {
        *p = g->next;
        g->refs--; /* the caller's keeps it alive */
    }
    for (i = 0; i < g->nr_disks; i++)
        disk_release(&g->disks[i].claim);
    g->domid = 0;
    changed_locked(r);
    registry_unlock(r);
}

static void load_one(void *ctx, const char *name, json_t *o)
{
    struct registry *r = ctx;
    struct fault f = {0};
    struct guest *g = guest_from_json(o, &f);

    if (!g) {
        log_error("%s/%s.json: %s", r->dir, name, f.text);
        return;
    }
    registry_lock(r);
    insert_locked(r, g);
    registry_unlock(r);
}

void registry_load(struct registry *r)
{
    record_each(r->dir, load_one, r);
}
