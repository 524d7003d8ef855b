/* Devices come and go while the guest runs. */
#include "dom0/daemon/method.h"

#include "dom0/daemon/devices.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/intent.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/netsetup.h"
#include "dom0/daemon/storage.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETACH_MS 10000

/* --- the common half -------------------------------------------------------*/

static int nodes_step(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    return store_replace(xs, t, NULL, 0, arg);
}

/* Write the device's nodes and wait for its backend; undone on failure. */
static int bring(struct call *c, struct guest *g, bool vbd, uint32_t devid,
                 struct node_list *nodes)
{
    char back[96];
    int rc;

    intent_begin_device(c->d, g, vbd, devid);
    device_backend_path(back, sizeof(back), vbd, g->domid, devid);
    rc = store_transaction(c->kit->xs, nodes_step, nodes);
    if (!rc)
        rc = devices_wait_ready(c->kit, g, g->domid, back,
                                c->d->o.device_timeout_s * 1000, &c->fault);
    if (!rc)
        rc = registry_save(c->d->registry, g);
    if (rc) {
        devices_close(c->kit, g->domid, back, 2000);
        device_remove_nodes(c->kit, g->domid, vbd, devid);
    }
    intent_end(c->d, g);
    return rc;
}

/* Have the guest let go of it, then take its nodes away. `force`: also when
 * the guest will not. */
static int part(struct call *c, struct guest *g, bool vbd, uint32_t devid)
{
    bool force = rpc_bool(c->req.params, "force");
    char back[96];
    int rc;

    intent_begin_device(c->d, g, vbd, devid);
    device_backend_path(back, sizeof(back), vbd, g->domid, devid);
    rc = devices_close(c->kit, g->domid, back, DETACH_MS);
    if (rc == -ETIMEDOUT && force)
        rc = 0;
    if (!rc)
        rc = device_remove_nodes(c->kit, g->domid, vbd, devid);
    intent_end(c->d, g);
    if (rc == -ETIMEDOUT)
        fault_set(&c->fault, rc, FAULT_TIMEOUT,
                  "guest %s does not let go of the device (is it in use "
                  "there?); --force takes it away",
                  g->name);
    return rc;
}

/* The running guest a call is about, busy with `what`. */
static struct guest *begin(struct call *c, const char *what)
{
    struct guest *g = call_guest(c);

    if (!g)
        return NULL;
    if (registry_begin(c->d->registry, g, what, &c->fault))
        goto put;
    if (g->state == GUEST_RUNNING && g->domid)
        return g;
    registry_end(c->d->registry, g);
    fault_set(&c->fault, -EBUSY, FAULT_BUSY, "guest %s is not running",
              g->name);
put:
    registry_put(c->d->registry, g);
    return NULL;
}

static void finish(struct call *c, struct guest *g)
{
    registry_end(c->d->registry, g);
    registry_put(c->d->registry, g);
}

/* --- disks -----------------------------------------------------------------*/

static int add_disk(struct call *c, struct guest *g,
                    const struct disk_config *cfg, struct guest_disk **disk)
{
    struct registry *r = c->d->registry;
    struct guest_disk *d = NULL;
    int rc;

    registry_lock(r);
    rc = guest_add_disk(g, cfg, &d, &c->fault);
    registry_unlock(r);
    if (rc)
        return rc;
    rc = create_claim_disk(c->d, g, d, DISK_NEW, &c->fault);
    if (rc) {
        registry_lock(r);
        guest_remove_disk(g, cfg->devid);
        registry_unlock(r);
    }
    *disk = d;
    return rc;
}

static int attach_disk(struct call *c, struct guest *g,
                       const struct disk_config *cfg)
{
    struct node_list nodes;
    struct guest_disk *d;
    int rc = add_disk(c, g, cfg, &d);

    if (rc)
        return rc;
    node_list_init(&nodes);
    rc = storage_begin(c->d, g, g->domid, &c->fault);
    if (!rc)
        rc = storage_wait(c->d, g, g->domid, &c->fault);
    if (!rc)
        rc = device_nodes_disk(&nodes, g, g->domid, d);
    if (!rc)
        rc = helpers_start_block(c->d, g->domid, &c->fault);
    if (!rc)
        rc = bring(c, g, true, cfg->devid, &nodes);
    node_list_free(&nodes);
    if (rc) {
        storage_stop_disk(c->d, g->domid, cfg->devid);
        registry_lock(c->d->registry);
        guest_remove_disk(g, cfg->devid);
        registry_unlock(c->d->registry);
        return rc;
    }
    c->result = guest_disk_json(guest_disk(g, cfg->devid));
    return 0;
}

int method_block_attach(struct call *c)
{
    struct disk_config cfg = {0};
    char why[300] = "", warning[300] = "";
    struct guest *g;
    int rc;

    if (disk_parse(&cfg, rpc_string(c->req.params, "device"), why, warning,
                   sizeof(why)))
        return fault_set(&c->fault, -EINVAL, FAULT_CONFIG, "disk: %s", why);
    if (warning[0])
        call_progress(c, warning);
    g = begin(c, "a disk is being attached");
    rc = g ? attach_disk(c, g, &cfg) : -ENOENT;
    if (g)
        finish(c, g);
    disk_free(&cfg);
    return rc;
}

int method_block_detach(struct call *c)
{
    const char *name = rpc_string(c->req.params, "device");
    struct guest *g = begin(c, "a disk is being detached");
    uint32_t devid = 0;
    int rc = 0;

    if (!g)
        return -ENOENT;
    if (disk_vdev_id(name, &devid) || !guest_disk(g, devid))
        rc = fault_set(&c->fault, -ENOENT, FAULT_ABSENT,
                       "guest %s has no disk %s", g->name, name);
    if (!rc)
        rc = part(c, g, true, devid);
    if (!rc) {
        storage_stop_disk(c->d, g->domid, devid);
        registry_lock(c->d->registry);
        guest_remove_disk(g, devid);
        registry_unlock(c->d->registry);
        registry_save(c->d->registry, g);
        if (!g->nr_disks)
            helpers_stop_block(c->d, g->domid);
    }
    finish(c, g);
    return rc;
}

/* New limits of a disk, and where its backend reads them. */
struct limits_of {
    struct guest_disk disk;
    char back[96];
};

/* What the call says of one limit; one that it does not name stays. */
static void take_limit(struct call *c, const char *rate, const char *burst,
                       struct disk_limit *limit)
{
    json_int_t per_second = rpc_int(c->req.params, rate, -1);

    if (per_second >= 0)
        *limit = (struct disk_limit){
            (uint64_t)per_second,
            (uint64_t)rpc_int(c->req.params, burst, 0),
        };
}

/* The backend looks at these nodes at once. */
static int write_limits(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    const struct limits_of *l = arg;
    char text[48];
    int rc;

    device_limit_text(&l->disk.bytes, text, sizeof(text));
    rc = store_write(xs, t, text, "%s/limit-bytes", l->back);
    device_limit_text(&l->disk.requests, text, sizeof(text));
    return rc ? rc : store_write(xs, t, text, "%s/limit-requests", l->back);
}

static int limit_disk(struct call *c, struct guest *g, struct guest_disk *d)
{
    struct limits_of l = {.disk = *d};
    int rc;

    take_limit(c, "bytes", "bytes_burst", &l.disk.bytes);
    take_limit(c, "requests", "requests_burst", &l.disk.requests);
    device_backend_path(l.back, sizeof(l.back), true, g->domid, d->devid);
    rc = store_transaction(c->kit->xs, write_limits, &l);
    if (rc)
        return fault_set(&c->fault, rc, FAULT_FAILED,
                         "cannot write the limits: %s", strerror(-rc));
    registry_lock(c->d->registry);
    d->bytes = l.disk.bytes;
    d->requests = l.disk.requests;
    registry_unlock(c->d->registry);
    return registry_save(c->d->registry, g);
}

static int limit_named(struct call *c, struct guest *g, const char *name)
{
    struct guest_disk *d = NULL;
    uint32_t devid;

    if (!disk_vdev_id(name, &devid))
        d = guest_disk(g, devid);
    if (!d)
        return fault_set(&c->fault, -ENOENT, FAULT_ABSENT,
                         "guest %s has no disk %s", g->name, name);
    return limit_disk(c, g, d);
}

int method_block_limit(struct call *c)
{
    const char *name = rpc_string(c->req.params, "device");
    struct guest *g = begin(c, "a disk's limits are being changed");
    int rc;

    if (!g)
        return -ENOENT;
    rc = limit_named(c, g, name);
    finish(c, g);
    return rc;
}

/* --- network cards ---------------------------------------------------------*/

static int add_nic(struct call *c, struct guest *g, struct nic_config *cfg,
                   struct guest_nic **nic)
{
    const struct network *net;
    const char *bridge = cfg->bridge;
    char *resolved = NULL, usual[IFNAMSIZ];
    int rc;

    daemon_default_bridge(c->d, usual);
    if (!bridge)
        bridge = usual;
    pthread_mutex_lock(&c->d->lock);
    net = networks_find(&c->d->networks, bridge);
    resolved = strdup(net ? net->bridge : bridge);
    pthread_mutex_unlock(&c->d->lock);
    if (!resolved)
        return -ENOMEM;
    rc = netsetup_check_bridge(resolved, &c->fault);
    free(cfg->bridge);
    cfg->bridge = resolved;
    if (rc)
        return rc;
    registry_lock(c->d->registry);
    rc = guest_add_nic(g, cfg, usual, nic, &c->fault);
    registry_unlock(c->d->registry);
    return rc;
}

static int attach_nic(struct call *c, struct guest *g, struct nic_config *cfg)
{
    struct node_list nodes;
    struct guest_nic *n;
    int rc = add_nic(c, g, cfg, &n);

    if (rc)
        return rc;
    node_list_init(&nodes);
    rc = device_nodes_nic(&nodes, g, g->domid, n);
    if (!rc)
        rc = bring(c, g, false, cfg->devid, &nodes);
    node_list_free(&nodes);
    if (rc) {
        registry_lock(c->d->registry);
        guest_remove_nic(g, cfg->devid);
        registry_unlock(c->d->registry);
        return rc;
    }
    c->result = guest_nic_json(guest_nic(g, cfg->devid));
    return 0;
}

int method_network_attach(struct call *c)
{
    const char *text = rpc_string(c->req.params, "device");
    struct nic_config cfg = {0};
    char why[300] = "", warning[300] = "";
    struct guest *g;
    int rc;

    if (nic_parse(&cfg, text, why, warning, sizeof(why)))
        return fault_set(&c->fault, -EINVAL, FAULT_CONFIG, "vif: %s", why);
    if (warning[0])
        call_progress(c, warning);
    g = begin(c, "a network card is being attached");
    if (g) {
        if (!strstr(text, "devid="))
            cfg.devid = guest_free_nic_id(g);
        rc = attach_nic(c, g, &cfg);
        finish(c, g);
    } else {
        rc = -ENOENT;
    }
    nic_free(&cfg);
    return rc;
}

/* By its number, or by its MAC address. */
static struct guest_nic *find_nic(struct guest *g, const char *name)
{
    uint8_t mac[6];
    char *end;
    unsigned long id;
    size_t i;

    if (!nic_mac_parse(name, mac)) {
        for (i = 0; i < g->nr_nics; i++)
            if (!memcmp(g->nics[i].mac, mac, sizeof(mac)))
                return &g->nics[i];
        return NULL;
    }
    id = strtoul(name, &end, 10);
    if (*name < '0' || *name > '9' || *end || id > UINT32_MAX)
        return NULL;
    return guest_nic(g, (uint32_t)id);
}

int method_network_detach(struct call *c)
{
    const char *name = rpc_string(c->req.params, "device");
    struct guest *g = begin(c, "a network card is being detached");
    struct guest_nic *n;
    uint32_t devid;
    int rc;

    if (!g)
        return -ENOENT;
    n = find_nic(g, name);
    if (!n) {
        rc = fault_set(&c->fault, -ENOENT, FAULT_ABSENT,
                       "guest %s has no network card %s", g->name, name);
        goto out;
    }
    devid = n->devid;
    rc = part(c, g, false, devid);
    if (!rc) {
        registry_lock(c->d->registry);
        guest_remove_nic(g, devid);
        registry_unlock(c->d->registry);
        registry_save(c->d->registry, g);
    }
out:
    finish(c, g);
    return rc;
}
