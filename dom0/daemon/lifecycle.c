#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/coredump.h"
#include "dom0/daemon/create.h"
#include "dom0/daemon/devices.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/intent.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/storage.h"
#include "dom0/daemon/store.h"
#include "dom0/daemon/teardown.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A guest that lives no longer than this, so often in a row, is not started
 * again: it would go on for ever. */
#define QUICK_S      5
#define QUICK_MAX    5
#define RECONNECT_MS 200
#define LOOK_EACH_S  10 /* should an event ever be lost */

struct lifecycle {
    struct hv *hv;
    struct xs_handle *xs;
    struct event *watch; /* on xs */
    struct event *timer;
};

/* --- what to do ------------------------------------------------------------*/

const char *lifecycle_reason_name(unsigned reason)
{
    static const char *const names[] = {
        [SHUTDOWN_poweroff] = "powered off",
        [SHUTDOWN_reboot] = "rebooted",
        [SHUTDOWN_suspend] = "suspended",
        [SHUTDOWN_crash] = "crashed",
        [SHUTDOWN_watchdog] = "was ended by its watchdog",
        [SHUTDOWN_soft_reset] = "asked for a soft reset",
    };

    if (reason < sizeof(names) / sizeof(names[0]) && names[reason])
        return names[reason];
    return "ended for an unknown reason";
}

enum domconfig_action lifecycle_action(const struct domconfig *cfg,
                                       unsigned reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        return cfg->on_poweroff;
    case SHUTDOWN_reboot:
        return cfg->on_reboot;
    case SHUTDOWN_suspend: /* whoever asked for it is waiting */
        return ACTION_PRESERVE;
    case SHUTDOWN_watchdog:
        return cfg->on_watchdog;
    case SHUTDOWN_soft_reset:
        return cfg->on_soft_reset;
    default:
        return cfg->on_crash;
    }
}

int lifecycle_destroy(struct daemon *d, struct kit *k, struct guest *g,
                      bool wait, struct fault *f)
{
    int rc;

    intent_begin(d, g, INTENT_DESTROY);
    rc = teardown(d, k, g, wait);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED,
                         "guest %s cannot be destroyed: %s", g->name,
                         strerror(-rc));
    registry_drop(d->registry, g);
    intent_end(d, g);
    return 0;
}

int lifecycle_restart(struct daemon *d, struct kit *k, struct guest *g,
                      struct fault *f)
{
    int rc;

    intent_begin(d, g, INTENT_RESTART);
    rc = teardown(d, k, g, true);
    if (!rc)
        rc = create_start(d, k, g, false, NULL, f);
    if (rc) {
        fault_set(f, rc, FAULT_FAILED, "%s", strerror(-rc));
        log_error("guest %s cannot be started again: %s", g->name, f->text);
        lifecycle_destroy(d, k, g, true, NULL);
        return rc;
    }
    intent_end(d, g);
    return 0;
}

static int preserve(struct daemon *d, struct guest *g)
{
    registry_set_state(d->registry, g, GUEST_PRESERVED, g->domid);
    return registry_save(d->registry, g);
}

/* Of a dead guest: its backends let go when the nodes are gone. */
static void drop_devices(struct daemon *d, struct kit *k, struct guest *g)
{
    while (g->nr_disks) {
        device_remove_nodes(k, g->domid, true, g->disks[0].devid);
        registry_lock(d->registry);
        guest_remove_disk(g, g->disks[0].devid);
        registry_unlock(d->registry);
    }
    while (g->nr_nics) {
        device_remove_nodes(k, g->domid, false, g->nics[0].devid);
        registry_lock(d->registry);
        guest_remove_nic(g, g->nics[0].devid);
        registry_unlock(d->registry);
    }
    helpers_stop_block(d, g->domid);
    storage_stop(d, g->domid);
}

/* The guest's configuration once more, as a guest of its own. */
static struct guest *twin_of(struct daemon *d, const struct guest *g,
                             struct fault *f)
{
    struct domconfig *cfg = NULL;
    struct report report;
    struct guest *twin;
    char bridge[IFNAMSIZ];
    int rc;

    report_init(&report, g->source);
    rc = domconfig_parse(g->config, strlen(g->config), NULL, &report, &cfg);
    report_free(&report);
    if (rc)
        return NULL;
    if (!memcmp(cfg->uuid, g->uuid, sizeof(g->uuid)))
        cfg->uuid[15] ^= (uint8_t)(1 + g->domid); /* it has to differ */
    twin = guest_new(cfg, g->config, g->source);
    if (twin)
        twin->quick_ends = g->quick_ends;
    daemon_default_bridge(d, bridge);
    if (twin && guest_take_devices(twin, bridge, f)) {
        guest_free(twin);
        twin = NULL;
    }
    return twin;
}

/* Under the name "<name>-<domid>", without its devices. */
static int step_aside(struct daemon *d, struct kit *k, struct guest *g)
{
    char name[300], *copy;

    snprintf(name, sizeof(name), "%s-%u", g->name, g->domid);
    copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    drop_devices(d, k, g);
    registry_lock(d->registry);
    free(g->name);
    g->name = copy;
    registry_unlock(d->registry);
    store_write(k->xs, XBT_NULL, name, "/local/domain/%u/name", g->domid);
    return preserve(d, g);
}

/*
 * rename-restart: the old domain stays to be looked at, under another name and
 * without its devices; a new guest takes name and devices over.
 */
static int rename_and_restart(struct daemon *d, struct kit *k, struct guest *g)
{
    struct fault f = {0};
    struct guest *new = twin_of(d, g, &f);
    int rc = new ? step_aside(d, k, g) : -EINVAL;

    if (!rc)
        rc = registry_add(d->registry, new, "it is being started", &f);
    if (rc) {
        log_error("guest %s cannot be started again: %s", g->name, f.text);
        guest_free(new);
        return rc;
    }
    rc = create_claim(d, new, &f);
    if (!rc) {
        rc = lifecycle_restart(d, k, new, &f);
    } else {
        log_error("guest %s cannot be started again: %s", new->name, f.text);
        registry_drop(d->registry, new);
    }
    registry_end(d->registry, new);
    registry_put(d->registry, new);
    return rc;
}

/* --- one guest's end -------------------------------------------------------*/

struct ending {
    struct daemon *d;
    struct guest *g; /* a reference, and busy on our behalf */
    bool vanished;   /* else it shut down, for this reason */
    unsigned reason;
};

/* Guests that crash as soon as they start must not do so for ever. The count
 * may be lost with us; it starts anew then. */
static bool restarts_too_fast(struct guest *g)
{
    bool quick = time(NULL) - g->started < QUICK_S;

    g->quick_ends = quick ? g->quick_ends + 1 : 0;
    return g->quick_ends > QUICK_MAX;
}

static bool starts_again(enum domconfig_action action)
{
    return action == ACTION_RESTART || action == ACTION_RENAME_RESTART ||
           action == ACTION_COREDUMP_RESTART || action == ACTION_SOFT_RESET;
}

static bool is_dumped(enum domconfig_action action)
{
    return action == ACTION_COREDUMP_DESTROY ||
           action == ACTION_COREDUMP_RESTART;
}

/* Was it started again? */
static bool act(struct daemon *d, struct kit *k, struct ending *e)
{
    enum domconfig_action action = lifecycle_action(e->g->cfg, e->reason);
    struct fault f = {0};

    if (e->vanished) {
        log_warn("guest %s: somebody else destroyed domain %u", e->g->name,
                 e->g->domid);
        lifecycle_destroy(d, k, e->g, false, &f);
        return false;
    }
    log_info("guest %s (domain %u) %s: %s", e->g->name, e->g->domid,
             lifecycle_reason_name(e->reason), domconfig_action_name(action));
    if (is_dumped(action))
        coredump_write(d, e->g);
    if (starts_again(action) && restarts_too_fast(e->g)) {
        log_error("guest %s ends as soon as it starts: left alone", e->g->name);
        action = ACTION_PRESERVE;
    }
    switch (action) {
    case ACTION_PRESERVE:
        preserve(d, e->g);
        return false;
    case ACTION_COREDUMP_RESTART:
    case ACTION_SOFT_RESET:
    case ACTION_RESTART:
        return !lifecycle_restart(d, k, e->g, &f);
    case ACTION_RENAME_RESTART:
        return !rename_and_restart(d, k, e->g);
    default:
        lifecycle_destroy(d, k, e->g, false, &f);
        return false;
    }
}

static void run_ending(void *arg)
{
    struct ending *e = arg;
    struct daemon *d = e->d;
    struct fault f = {0};
    struct kit *k = kit_get(d->kits, &f);
    bool started = false;

    if (k)
        started = act(d, k, e);
    else
        log_error("guest %s: %s", e->g->name, f.text);
    kit_put(d->kits, k);
    registry_end(d->registry, e->g);
    if (started) /* it may have ended while it was busy: nobody looked then */
        lifecycle_poke(d);
    registry_put(d->registry, e->g);
    free(e);
}

/* --- noticing --------------------------------------------------------------*/

/* Did it end, or is it gone? One that is kept has ended before: of its end all
 * is done. Lock held. */
static bool has_ended(struct hv *hv, const struct guest *g, struct ending *e)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(hv, g->domid, &info);

    if (rc && rc != -ESRCH)
        return false; /* cannot tell: look again later */
    e->vanished = rc == -ESRCH || info.flags & XEN_DOMINF_dying ||
                  memcmp(info.handle, g->uuid, sizeof(g->uuid));
    if (!e->vanished)
        e->reason =
            (info.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
    return e->vanished ||
           (g->state == GUEST_RUNNING && info.flags & XEN_DOMINF_shutdown &&
            e->reason != SHUTDOWN_suspend);
}

static bool is_watched(const struct guest *g)
{
    return !g->busy && g->domid &&
           (g->state == GUEST_RUNNING || g->state == GUEST_PRESERVED);
}

/* Make everything that ended busy, one after the other, and hand it over. */
static void look(struct daemon *d)
{
    struct ending found = {.d = d}, *e;
    struct guest *g;

    for (;;) {
        registry_lock(d->registry);
        for (g = registry_first(d->registry); g; g = g->next)
            if (is_watched(g) && has_ended(d->lifecycle->hv, g, &found))
                break;
        if (g) {
            g->refs++;
            g->busy = "it has ended";
        }
        registry_unlock(d->registry);
        if (!g)
            return;
        found.g = g;
        e = malloc(sizeof(*e));
        if (e)
            *e = found;
        if (!e || daemon_work(d, run_ending, e)) {
            free(e);
            registry_end(d->registry, g);
            registry_put(d->registry, g);
            return; /* the timer tries again */
        }
    }
}

static void poked(void *arg)
{
    struct daemon *d = arg;

    if (d->lifecycle)
        look(d);
}

void lifecycle_poke(struct daemon *d)
{
    loop_post(d->loop, poked, d);
}

static void timer(evutil_socket_t fd, short what, void *arg);
static void store_event(evutil_socket_t fd, short what, void *arg);

static void again_in(struct lifecycle *l, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

    evtimer_add(l->timer, &tv);
}

static int watch_store(struct daemon *d)
{
    struct lifecycle *l = d->lifecycle;

    l->xs = xs_open(XS_OPEN_SOCKETONLY);
    if (!l->xs)
        return -errno;
    l->watch = event_new(loop_base(d->loop), xs_fileno(l->xs),
                         EV_READ | EV_PERSIST, store_event, d);
    if (!l->watch || event_add(l->watch, NULL))
        return -ENOMEM;
    return xs_watch(l->xs, "@releaseDomain", "ended") ? 0 : -errno;
}

static void unwatch_store(struct lifecycle *l)
{
    if (l->watch)
        event_free(l->watch);
    l->watch = NULL;
    xs_close(l->xs);
    l->xs = NULL;
}

static void store_event(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    struct lifecycle *l = d->lifecycle;
    char **event;

    (void)fd, (void)what;
    while ((event = xs_check_watch(l->xs)))
        free(event);
    if (errno != EAGAIN) {
        log_warn("the store went away; waiting for it");
        unwatch_store(l);
        again_in(l, RECONNECT_MS);
        return;
    }
    look(d);
}

static void timer(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    struct lifecycle *l = d->lifecycle;

    (void)fd, (void)what;
    if (!l->xs && watch_store(d)) {
        unwatch_store(l);
        again_in(l, RECONNECT_MS);
        return;
    }
    look(d);
    again_in(l, LOOK_EACH_S * 1000);
}

int lifecycle_start(struct daemon *d)
{
    struct lifecycle *l = calloc(1, sizeof(*l));
    int rc;

    if (!l)
        return -ENOMEM;
    rc = hv_open(&l->hv);
    l->timer = evtimer_new(loop_base(d->loop), timer, d);
    if (rc || !l->timer) {
        hv_close(l->hv);
        free(l);
        return rc ? rc : -ENOMEM;
    }
    d->lifecycle = l;
    again_in(l, 0);
    return 0;
}

void lifecycle_stop(struct daemon *d)
{
    struct lifecycle *l = d->lifecycle;

    if (!l)
        return;
    unwatch_store(l);
    event_free(l->timer);
    hv_close(l->hv);
    free(l);
    d->lifecycle = NULL;
}
