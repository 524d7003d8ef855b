#include "dom0/daemon/devices.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xenbus.h>

const char *const device_classes[2] = {"pvblk", "pvif"};

void device_backend_path(char *path, size_t size, bool vbd, uint32_t domid,
                         uint32_t devid)
{
    snprintf(path, size, "/local/domain/0/backend/%s/%u/%u",
             vbd ? "pvblk" : "pvif", domid, devid);
}

static void frontend_path(char *path, size_t size, bool vbd, uint32_t domid,
                          uint32_t devid)
{
    snprintf(path, size, "/local/domain/%u/device/%s/%u", domid,
             vbd ? "vbd" : "vif", devid);
}

static void private_path(char *path, size_t size, bool vbd, uint32_t domid,
                         uint32_t devid)
{
    snprintf(path, size, "/libxl/%u/device/%s/%u", domid, vbd ? "vbd" : "vif",
             devid);
}

/* --- nodes -----------------------------------------------------------------*/

/* Both directories of a device while they are written. */
struct ends {
    struct node_list *l;
    char back[96], front[96];
    int rc;
};

static void add(struct ends *e, const char *dir, const char *key,
                const char *value)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", dir, key);
    if (!e->rc)
        e->rc = node_list_add(e->l, path, NULL, "%s", value);
}

static void add_number(struct ends *e, const char *dir, const char *key,
                       uint64_t n)
{
    char value[24];

    snprintf(value, sizeof(value), "%llu", (unsigned long long)n);
    add(e, dir, key, value);
}

/* What every device has: each end may be read by the other, and is written by
 * its own. The rest inherits from the directories. */
static void begin(struct ends *e, struct node_list *l, bool vbd, uint32_t domid,
                  uint32_t devid)
{
    struct node_perms back = {.owner = 0, .reader = (int32_t)domid};
    struct node_perms front = {.owner = domid, .reader = 0};
    struct node_perms ours = {.owner = 0, .reader = -1};
    char path[96];

    *e = (struct ends){.l = l};
    device_backend_path(e->back, sizeof(e->back), vbd, domid, devid);
    frontend_path(e->front, sizeof(e->front), vbd, domid, devid);

    e->rc = node_list_add(l, e->front, &front, "%s", "");
    add(e, e->front, "backend", e->back);
    add_number(e, e->front, "backend-id", 0);
    add_number(e, e->front, "state", XenbusStateInitialising);

    if (!e->rc)
        e->rc = node_list_add(l, e->back, &back, "%s", "");
    add(e, e->back, "frontend", e->front);
    add_number(e, e->back, "frontend-id", domid);
    add_number(e, e->back, "online", 1);

    /* Stock tools find devices through the toolstack's own copy. */
    private_path(path, sizeof(path), vbd, domid, devid);
    if (!e->rc)
        e->rc = node_list_add(l, path, &ours, "%s", "");
    add(e, path, "frontend", e->front);
    add(e, path, "backend", e->back);
}

/* The state comes last: with it the directory is complete, also for whoever
 * sees writes one by one. */
static int end(struct ends *e)
{
    add_number(e, e->back, "state", XenbusStateInitialising);
    return e->rc;
}

void device_limit_text(const struct disk_limit *limit, char *text, size_t size)
{
    int n = snprintf(text, size, "%llu", (unsigned long long)limit->per_second);

    if (limit->burst)
        snprintf(text + n, size - (size_t)n, ",%llu",
                 (unsigned long long)limit->burst);
}

static void add_limit(struct ends *e, const char *key,
                      const struct disk_limit *limit)
{
    char text[48];

    device_limit_text(limit, text, sizeof(text));
    if (limit->per_second)
        add(e, e->back, key, text);
}

int device_nodes_disk(struct node_list *l, const struct guest *g,
                      uint32_t domid, const struct guest_disk *d)
{
    const char *type = d->cdrom ? "cdrom" : "disk";
    struct ends e;

    (void)g;
    begin(&e, l, true, domid, d->devid);
    add_number(&e, e.front, "virtual-device", d->devid);
    add(&e, e.front, "device-type", type);
    add(&e, e.front, "protocol", "x86_64-abi");

    add(&e, e.back, "params", d->params ? d->params : d->path ? d->path : "");
    add(&e, e.back, "mode", d->writable ? "w" : "r");
    add(&e, e.back, "device-type", type);
    add(&e, e.back, "dev", d->vdev);
    add(&e, e.back, "sector-size", "512");
    add_number(&e, e.back, "removable", d->cdrom);
    add_number(&e, e.back, "discard-enable", d->discard);
    add_number(&e, e.back, "direct-io-safe", d->direct_io_safe);
    add_limit(&e, "limit-bytes", &d->bytes);
    add_limit(&e, "limit-requests", &d->requests);
    return end(&e);
}

int device_nodes_nic(struct node_list *l, const struct guest *g, uint32_t domid,
                     const struct guest_nic *n)
{
    char mac[18], rate[48];
    struct ends e;

    (void)g;
    nic_mac_print(n->mac, mac);
    begin(&e, l, false, domid, n->devid);
    add_number(&e, e.front, "handle", n->devid);
    add(&e, e.front, "mac", mac);
    if (n->mtu)
        add_number(&e, e.front, "mtu", n->mtu);

    add_number(&e, e.back, "handle", n->devid);
    add(&e, e.back, "mac", mac);
    add(&e, e.back, "bridge", n->bridge);
    if (n->vifname[0])
        add(&e, e.back, "vifname", n->vifname);
    if (n->mtu)
        add_number(&e, e.back, "mtu", n->mtu);
    if (n->vlan)
        add_number(&e, e.back, "vlan", n->vlan);
    if (n->isolated)
        add_number(&e, e.back, "isolated", 1);
    if (n->antispoof)
        add_number(&e, e.back, "antispoof", 1);
    if (n->rate_bytes) {
        snprintf(rate, sizeof(rate), "%llu,%u",
                 (unsigned long long)n->rate_bytes, n->rate_interval_us);
        add(&e, e.back, "rate", rate);
    }
    return end(&e);
}

int device_nodes_all(struct node_list *l, const struct guest *g, uint32_t domid)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < g->nr_disks && !rc; i++)
        rc = device_nodes_disk(l, g, domid, &g->disks[i]);
    for (i = 0; i < g->nr_nics && !rc; i++)
        rc = device_nodes_nic(l, g, domid, &g->nics[i]);
    return rc;
}

/* --- removal -----------------------------------------------------------------
 */

struct one_device {
    uint32_t domid, devid;
    bool vbd;
};

static int remove_step(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct one_device *o = arg;
    char path[96];
    int rc;

    frontend_path(path, sizeof(path), o->vbd, o->domid, o->devid);
    rc = store_remove(xs, t, "%s", path);
    device_backend_path(path, sizeof(path), o->vbd, o->domid, o->devid);
    if (!rc)
        rc = store_remove(xs, t, "%s", path);
    private_path(path, sizeof(path), o->vbd, o->domid, o->devid);
    if (!rc)
        rc = store_remove(xs, t, "%s", path);
    return rc;
}

int device_remove_nodes(struct kit *k, uint32_t domid, bool vbd, uint32_t devid)
{
    struct one_device o = {domid, devid, vbd};

    return store_transaction(k->xs, remove_step, &o);
}

void device_domain_paths(struct domain_paths *p, uint32_t domid,
                         const uint8_t uuid[16])
{
    size_t i;

    p->nr = nodes_roots(domid, uuid, p->text);
    for (i = 0; i < 2; i++)
        snprintf(p->text[p->nr++], sizeof(p->text[0]),
                 "/local/domain/0/backend/%s/%u", device_classes[i], domid);
    for (i = 0; i < p->nr; i++)
        p->paths[i] = p->text[i];
}
