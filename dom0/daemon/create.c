#include "dom0/daemon/create.h"
#include "dom0/daemon/devices.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/room.h"
#include "dom0/daemon/netsetup.h"
#include "dom0/daemon/storage.h"
#include "dom0/daemon/store.h"
#include "dom0/daemon/teardown.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a domain costs beside its memory: vcpus, tables, grant frames. */
#define OVERHEAD_KIB 2048

void progress_say(const struct progress *p, const char *format, ...)
{
    char text[600];
    va_list ap;

    if (!p || !p->say)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    p->say(p->ctx, text);
}

/* --- before anything is made -----------------------------------------------*/

/* A card's bridge may be said by its network's name; the store wants the
 * bridge's own. */
static int resolve_bridge(struct daemon *d, struct guest_nic *n,
                          struct fault *f)
{
    const struct network *net;
    char bridge[IFNAMSIZ];

    pthread_mutex_lock(&d->lock);
    net = networks_find(&d->networks, n->bridge);
    memcpy(bridge, net ? net->bridge : n->bridge, sizeof(bridge));
    pthread_mutex_unlock(&d->lock);
    registry_lock(d->registry);
    memcpy(n->bridge, bridge, sizeof(bridge));
    registry_unlock(d->registry);
    return netsetup_check_bridge(bridge, f);
}

int create_claim_disk(struct daemon *d, struct guest *g,
                      struct guest_disk *disk, enum disk_use use,
                      struct fault *f)
{
    struct disk_claim claim;
    int rc = 0;

    if (!disk->path || disk->claim.fd >= 0)
        return 0;
    claim = (struct disk_claim){.fd = -1, .writable = disk->writable};
    if (!disk_target_is_remote(disk->path))
        rc = disk_claim(&claim, disk->path, disk->writable, use,
                        storage_wanted(disk) ? DISK_QEMUS : DISK_OURS, f);
    if (rc)
        return rc;
    registry_lock(d->registry);
    disk->claim = claim;
    rc = registry_check_disk_locked(d->registry, g, disk, f);
    if (rc)
        disk_release(&disk->claim);
    registry_unlock(d->registry);
    return rc;
}

int create_claim(struct daemon *d, struct guest *g, struct fault *f)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < g->nr_nics && !rc; i++)
        rc = resolve_bridge(d, &g->nics[i], f);
    for (i = 0; i < g->nr_disks && !rc; i++)
        rc = create_claim_disk(d, g, &g->disks[i], DISK_NEW, f);
    return rc;
}

void create_reclaim(struct daemon *d, struct guest *g)
{
    struct fault f;
    size_t i;

    for (i = 0; i < g->nr_disks; i++) {
        f = (struct fault){0};
        if (create_claim_disk(d, g, &g->disks[i], DISK_HELD, &f))
            log_error("guest %s: %s", g->name, f.text);
    }
}

/* Domains that others made have names too. */
static int check_foreign_names(struct daemon *d, struct kit *k,
                               const struct guest *g, struct fault *f)
{
    struct xen_domctl_getdomaininfo list[64];
    struct guest *ours;
    uint32_t first = 0;
    char *name;
    int n, i, rc = 0;

    while (!rc && (n = hv_domain_list(k->hv, first, 64, list)) > 0) {
        for (i = 0; i < n && !rc; i++) {
            ours = registry_find_domid(d->registry, list[i].domain);
            registry_put(d->registry, ours);
            if (ours)
                continue;
            name = store_read(k->xs, XBT_NULL, "/local/domain/%u/name",
                              list[i].domain);
            if (name && !strcmp(name, g->name))
                rc = fault_set(f, -EEXIST, FAULT_EXISTS,
                               "domain %u, which is not ours, is called "
                               "\"%s\" already",
                               list[i].domain, name);
            free(name);
        }
        first = list[n - 1].domain + 1u;
    }
    return rc;
}

/* --- the build -------------------------------------------------------------*/

/* The number is chosen here and not by the hypervisor, so that the block
 * backend can start while the memory is filled. Not used again soon: who still
 * holds the last domain's number shall not meet the next one. */
static int choose_domid(struct daemon *d, struct kit *k, uint32_t *domid)
{
    struct xen_domctl_getdomaininfo info;
    unsigned tries;
    int rc;

    for (tries = 0; tries < DOMID_FIRST_RESERVED; tries++) {
        pthread_mutex_lock(&d->lock);
        *domid = ++d->last_domid;
        if (*domid >= DOMID_FIRST_RESERVED)
            *domid = d->last_domid = 1;
        pthread_mutex_unlock(&d->lock);
        rc = hv_domain_info(k->hv, *domid, &info);
        if (rc == -ESRCH)
            return 0;
        if (rc)
            return rc;
    }
    return -ENOSPC;
}

static int build(struct daemon *d, struct kit *k, struct guest *g,
                 uint32_t domid, struct built_domain *built,
                 const struct progress *p, struct fault *f)
{
    struct builder_error err = {0};
    struct image *kernel = NULL, *ramdisk = NULL;
    const char *cache = *d->o.cache_dir ? d->o.cache_dir : NULL;
    int rc;

    rc = builder_load_images(g->cfg, cache, &kernel, &ramdisk, &err);
    if (!rc && kernel->warning[0])
        progress_say(p, "warning: %s", kernel->warning);
    if (!rc)
        rc = builder_build(k->builder, g->cfg, kernel, ramdisk, domid, built,
                           &err);
    if (!rc && built->warning[0])
        progress_say(p, "warning: %s", built->warning);
    image_free(kernel);
    image_free(ramdisk);
    if (rc)
        fault_set(f, rc, rc == -ENOMEM ? FAULT_MEMORY : FAULT_FAILED, "%s",
                  err.text);
    return rc;
}

/* --- the store -------------------------------------------------------------*/

struct entry {
    const struct guest *g;
    const struct built_domain *built;
    struct node_list nodes;
};

/* What an earlier domain of this number left would be believed. */
static int enter_step(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct entry *e = arg;
    struct domain_paths p;

    device_domain_paths(&p, e->built->domid, e->g->uuid);
    return store_replace(xs, t, p.paths, p.nr, &e->nodes);
}

static int enter(struct kit *k, const struct guest *g,
                 const struct built_domain *built, struct fault *f)
{
    struct entry e = {g, built, {0}};
    int rc;

    node_list_init(&e.nodes);
    rc = nodes_for_domain(&e.nodes, g->cfg, built, time(NULL));
    if (!rc)
        rc = device_nodes_all(&e.nodes, g, built->domid);
    if (!rc)
        rc = store_transaction(k->xs, enter_step, &e);
    node_list_free(&e.nodes);
    if (!rc && !xs_introduce_domain(k->xs, built->domid, built->store_mfn,
                                    built->store_port))
        rc = -errno;
    if (rc)
        fault_set(f, rc, FAULT_FAILED, "the store: %s", strerror(-rc));
    return rc;
}

/* --- the walk --------------------------------------------------------------*/

/* Where the builder's time went. */
static const char *phases(const struct built_domain *b, char *text, size_t size)
{
    snprintf(text, size,
             "create %u, memory %u, map %u, kernel %u, ramdisk %u, tables %u, "
             "unmap %u, start %u",
             b->us.create / 1000, b->us.memory / 1000, b->us.map / 1000,
             b->us.kernel / 1000, b->us.ramdisk / 1000, b->us.tables / 1000,
             b->us.unmap / 1000, b->us.start / 1000);
    return text;
}

static int make(struct daemon *d, struct kit *k, struct guest *g,
                uint32_t domid, const struct progress *p, struct fault *f)
{
    struct built_domain built;
    int64_t start = now_ms(), build_ms, store_ms;
    char text[160];
    int rc;

    rc = build(d, k, g, domid, &built, p, f);
    if (rc)
        return rc;
    build_ms = now_ms();
    registry_set_state(d->registry, g, GUEST_BUILDING, built.domid);
    rc = storage_wait(d, g, domid, f);
    if (!rc)
        rc = enter(k, g, &built, f);
    if (rc)
        return rc;
    store_ms = now_ms();
    rc = devices_wait_ready(k, g, built.domid, NULL,
                            d->o.device_timeout_s * 1000, f);
    if (!rc)
        log_info("guest %s: domain %u built in %lld ms (%s), in the store in "
                 "%lld ms, devices ready in %lld ms",
                 g->name, built.domid, (long long)(build_ms - start),
                 phases(&built, text, sizeof(text)),
                 (long long)(store_ms - build_ms),
                 (long long)(now_ms() - store_ms));
    return rc;
}

static bool has_image(const struct guest *g)
{
    return g->nr_disks > 0;
}

int create_start(struct daemon *d, struct kit *k, struct guest *g, bool paused,
                 const struct progress *p, struct fault *f)
{
    uint32_t domid = 0;
    int rc;

    rc = check_foreign_names(d, k, g, f);
    if (!rc)
        rc = room_make(d, k, g->name, g->cfg->memory_kib + OVERHEAD_KIB, p, f);
    if (rc)
        return rc;
    rc = choose_domid(d, k, &domid);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "no domain number: %s",
                         strerror(-rc));
    progress_say(p, "building domain %u", domid);
    registry_set_state(d->registry, g, GUEST_BUILDING, domid);
    registry_save(d->registry, g);
    rc = storage_begin(d, g, domid, f);
    if (!rc && has_image(g))
        rc = helpers_start_block(d, domid, f);
    if (!rc)
        rc = make(d, k, g, domid, p, f);
    if (!rc) {
        registry_lock(d->registry);
        g->started = time(NULL);
        registry_unlock(d->registry);
        registry_set_state(d->registry, g, GUEST_RUNNING, g->domid);
        rc = registry_save(d->registry, g);
    }
    if (!rc && !paused)
        rc = hv_domain_unpause(k->hv, g->domid);
    if (rc) {
        fault_set(f, rc, FAULT_FAILED, "guest %s: %s", g->name, strerror(-rc));
        teardown(d, k, g, false);
    }
    return rc;
}
