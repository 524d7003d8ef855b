#include "dom0/daemon/recover.h"
#include "dom0/daemon/create.h"
#include "dom0/daemon/devices.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/intent.h"
#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/record.h"
#include "dom0/daemon/storage.h"
#include "dom0/daemon/teardown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct recovery {
    struct daemon *d;
    struct kit *k;
};

/* --- operations ------------------------------------------------------------*/

/* A detach or an attach that was never answered: the device goes. */
static void finish_device(struct recovery *r, struct guest *g,
                          const struct intent *i)
{
    char back[96];

    device_backend_path(back, sizeof(back), i->vbd, g->domid, i->devid);
    devices_close(r->k, g->domid, back, 5000);
    device_remove_nodes(r->k, g->domid, i->vbd, i->devid);
    registry_lock(r->d->registry);
    if (i->vbd)
        guest_remove_disk(g, i->devid);
    else
        guest_remove_nic(g, i->devid);
    registry_unlock(r->d->registry);
    if (i->vbd)
        storage_stop_disk(r->d, g->domid, i->devid);
    registry_save(r->d->registry, g);
    intent_end(r->d, g);
}

static void finish_restart(struct recovery *r, struct guest *g)
{
    struct fault f = {0};

    create_reclaim(r->d, g);
    lifecycle_restart(r->d, r->k, g, &f);
}

static void finish(struct recovery *r, struct guest *g, const struct intent *i)
{
    storage_reclaim(r->d, g);
    switch (i->op) {
    case INTENT_DEVICE:
        finish_device(r, g, i);
        break;
    case INTENT_RESTART:
        finish_restart(r, g);
        break;
    case INTENT_CREATE:
    case INTENT_DESTROY:
        lifecycle_destroy(r->d, r->k, g, true, NULL);
        break;
    }
}

/* A guest of which only the intent is left: killed before its own record was
 * written, or after that was removed. Its uuid is enough to be sure. */
static void finish_unknown(struct recovery *r, const struct intent *i)
{
    struct guest g = {.name = (char *)i->name, .refs = 1};

    memcpy(g.uuid, i->uuid, sizeof(g.uuid));
    teardown(r->d, r->k, &g, true);
    intent_end(r->d, &g);
}

static void finish_one(void *ctx, const char *name, json_t *o)
{
    struct recovery *r = ctx;
    struct intent i;
    struct guest *g;
    char dir[256];

    if (intent_read(&i, o)) {
        log_error("ops/%s makes no sense: removed", name);
        record_remove(daemon_path(r->d, "ops", dir, sizeof(dir)), name);
        return;
    }
    g = registry_find_uuid(r->d->registry, i.uuid);
    log_info("guest %s: an operation was interrupted; finishing it", i.name);
    if (g)
        finish(r, g, &i);
    else
        finish_unknown(r, &i);
    registry_put(r->d->registry, g);
}

/* --- guests ----------------------------------------------------------------*/

static bool is_alive(struct recovery *r, const struct guest *g)
{
    struct xen_domctl_getdomaininfo info;

    return g->domid && !hv_domain_info(r->k->hv, g->domid, &info) &&
           !memcmp(info.handle, g->uuid, sizeof(g->uuid)) &&
           !(info.flags & XEN_DOMINF_dying);
}

static void adopt(struct recovery *r, struct guest *g)
{
    struct fault f = {0};

    storage_reclaim(r->d, g);
    if (!is_alive(r, g)) {
        log_info("guest %s (domain %u) is gone: cleaning up", g->name,
                 g->domid);
        lifecycle_destroy(r->d, r->k, g, false, NULL);
        return;
    }
    create_reclaim(r->d, g);
    if (storage_begin(r->d, g, g->domid, &f))
        f = (struct fault){0}; /* it has said why */
    if (g->nr_disks && helpers_start_block(r->d, g->domid, &f))
        log_error("guest %s: %s", g->name, f.text);
    log_info("guest %s (domain %u) adopted", g->name, g->domid);
}

static struct guest *nth_guest(struct daemon *d, size_t n)
{
    struct guest *g;

    registry_lock(d->registry);
    for (g = registry_first(d->registry); g && n; g = g->next)
        n--;
    if (g)
        g->refs++;
    registry_unlock(d->registry);
    return g;
}

static void adopt_all(struct recovery *r)
{
    struct guest *g;
    size_t n = 0;

    while ((g = nth_guest(r->d, n))) {
        adopt(r, g);
        /* A guest that was dropped made room for the next. */
        if (g->domid)
            n++;
        registry_put(r->d->registry, g);
    }
}

/* Numbers go on where they were: see create.c: choose_domid(). */
static void continue_domids(struct recovery *r)
{
    struct xen_domctl_getdomaininfo list[64];
    uint32_t first = 0, highest = 0;
    int n;

    while ((n = hv_domain_list(r->k->hv, first, 64, list)) > 0) {
        highest = list[n - 1].domain;
        first = highest + 1;
    }
    pthread_mutex_lock(&r->d->lock);
    r->d->last_domid = highest;
    pthread_mutex_unlock(&r->d->lock);
}

void recover(struct daemon *d)
{
    struct recovery r = {.d = d};
    struct fault f = {0};
    char dir[256];

    r.k = kit_get(d->kits, &f);
    if (!r.k) {
        log_error("nothing can be recovered: %s", f.text);
        return;
    }
    continue_domids(&r);
    record_each(daemon_path(d, "ops", dir, sizeof(dir)), finish_one, &r);
    adopt_all(&r);
    kit_put(d->kits, r.k);
}
