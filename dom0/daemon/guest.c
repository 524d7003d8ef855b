#include "dom0/daemon/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    [GUEST_BUILDING] = "building",
    [GUEST_RUNNING] = "running",
    [GUEST_ENDING] = "ending",
    [GUEST_PRESERVED] = "preserved",
};

const char *guest_state_name(enum guest_state state)
{
    return state_names[state];
}

struct guest *guest_new(struct domconfig *cfg, const char *config,
                        const char *source)
{
    struct guest *g = calloc(1, sizeof(*g));

    if (!g) {
        domconfig_free(cfg);
        return NULL;
    }
    g->refs = 1;
    g->cfg = cfg;
    g->name = strdup(cfg->name);
    memcpy(g->uuid, cfg->uuid, sizeof(g->uuid));
    g->config = strdup(config);
    g->source = strdup(source);
    if (!g->name || !g->config || !g->source) {
        guest_free(g);
        return NULL;
    }
    return g;
}

void guest_free(struct guest *g)
{
    if (!g)
        return;
    while (g->nr_disks)
        guest_remove_disk(g, g->disks[0].devid);
    free(g->disks);
    free(g->nics);
    domconfig_free(g->cfg);
    free(g->name);
    free(g->config);
    free(g->source);
    free(g);
}

/* --- devices ---------------------------------------------------------------*/

struct guest_disk *guest_disk(struct guest *g, uint32_t devid)
{
    size_t i;

    for (i = 0; i < g->nr_disks; i++)
        if (g->disks[i].devid == devid)
            return &g->disks[i];
    return NULL;
}

struct guest_nic *guest_nic(struct guest *g, uint32_t devid)
{
    size_t i;

    for (i = 0; i < g->nr_nics; i++)
        if (g->nics[i].devid == devid)
            return &g->nics[i];
    return NULL;
}

static struct guest_disk *append_disk(struct guest *g)
{
    struct guest_disk *list;

    list = reallocarray(g->disks, g->nr_disks + 1, sizeof(*list));
    if (!list)
        return NULL;
    g->disks = list;
    list += g->nr_disks++;
    *list = (struct guest_disk){.claim.fd = -1};
    return list;
}

static struct guest_nic *append_nic(struct guest *g)
{
    struct guest_nic *list;

    list = reallocarray(g->nics, g->nr_nics + 1, sizeof(*list));
    if (!list)
        return NULL;
    g->nics = list;
    list += g->nr_nics++;
    *list = (struct guest_nic){0};
    return list;
}

void guest_remove_disk(struct guest *g, uint32_t devid)
{
    struct guest_disk *d = guest_disk(g, devid);

    if (!d)
        return;
    disk_release(&d->claim);
    free(d->path);
    free(d->params);
    *d = g->disks[--g->nr_disks];
}

void guest_remove_nic(struct guest *g, uint32_t devid)
{
    struct guest_nic *n = guest_nic(g, devid);

    if (n)
        *n = g->nics[--g->nr_nics];
}

uint32_t guest_free_nic_id(const struct guest *g)
{
    uint32_t id = 0;

    while (guest_nic((struct guest *)g, id))
        id++;
    return id;
}

static int no_memory(struct fault *f)
{
    return fault_set(f, -ENOMEM, FAULT_FAILED, "out of memory");
}

int guest_add_disk(struct guest *g, const struct disk_config *from,
                   struct guest_disk **disk, struct fault *f)
{
    struct guest_disk *d;

    if (guest_disk(g, from->devid))
        return fault_set(f, -EEXIST, FAULT_EXISTS,
                         "guest %s has a disk %s already", g->name, from->vdev);
    if (strlen(from->vdev) >= sizeof(d->vdev))
        return fault_set(f, -EINVAL, FAULT_CONFIG, "disk name %s is too long",
                         from->vdev);
    if (from->backend && strcmp(from->backend, "0") &&
        strcmp(from->backend, "Domain-0"))
        return fault_set(f, -EOPNOTSUPP, FAULT_CONFIG,
                         "disk %s: only domain 0 serves disks", from->vdev);
    d = append_disk(g);
    if (!d)
        return no_memory(f);
    d->devid = from->devid;
    strcpy(d->vdev, from->vdev);
    d->writable = !from->read_only && !from->cdrom;
    d->cdrom = from->cdrom;
    d->direct_io_safe = from->direct_io_safe;
    d->discard = from->discard;
    d->format = from->format;
    if (from->format != DISK_EMPTY && from->target) {
        d->path = strdup(from->target);
        if (!d->path) {
            guest_remove_disk(g, from->devid);
            return no_memory(f);
        }
    }
    *disk = d;
    return 0;
}

static int copy_interface(char *to, const char *from, const char *what,
                          struct fault *f)
{
    if (strlen(from) >= IFNAMSIZ)
        return fault_set(f, -EINVAL, FAULT_CONFIG,
                         "%s \"%s\" is too long for an interface's name", what,
                         from);
    strcpy(to, from);
    return 0;
}

int guest_add_nic(struct guest *g, const struct nic_config *from,
                  const char *default_bridge, struct guest_nic **nic,
                  struct fault *f)
{
    struct guest_nic new = {.devid = from->devid};
    struct guest_nic *n;
    int rc;

    if (guest_nic(g, from->devid))
        return fault_set(f, -EEXIST, FAULT_EXISTS,
                         "guest %s has a network card %u already", g->name,
                         from->devid);
    if (from->backend && strcmp(from->backend, "0") &&
        strcmp(from->backend, "Domain-0"))
        return fault_set(f, -EOPNOTSUPP, FAULT_CONFIG,
                         "network card %u: only domain 0 serves network cards",
                         from->devid);
    if (from->mac_given)
        memcpy(new.mac, from->mac, sizeof(new.mac));
    else
        nic_mac_derive(g->uuid, from->devid, new.mac);
    rc = copy_interface(
        new.bridge, from->bridge ? from->bridge : default_bridge, "bridge", f);
    if (!rc && from->vifname)
        rc = copy_interface(new.vifname, from->vifname, "vifname", f);
    if (rc)
        return rc;
    new.mtu = from->mtu;
    new.vlan = from->vlan;
    new.isolated = from->isolated;
    new.antispoof = from->antispoof;
    new.rate_bytes = from->rate_bytes;
    new.rate_interval_us = from->rate_interval_us;
    n = append_nic(g);
    if (!n)
        return no_memory(f);
    *n = new;
    *nic = n;
    return 0;
}

int guest_take_devices(struct guest *g, const char *default_bridge,
                       struct fault *f)
{
    struct guest_disk *d;
    struct guest_nic *n;
    unsigned i;
    int rc;

    for (i = 0; i < g->cfg->nr_disks; i++) {
        rc = guest_add_disk(g, &g->cfg->disks[i], &d, f);
        if (rc)
            return rc;
    }
    for (i = 0; i < g->cfg->nr_nics; i++) {
        rc = guest_add_nic(g, &g->cfg->nics[i], default_bridge, &n, f);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- the record ------------------------------------------------------------*/

json_t *guest_disk_json(const struct guest_disk *d)
{
    return json_pack("{s:I,s:s,s:s*,s:s,s:b,s:b,s:b,s:b,s:I,s:I,s:I,s:I}",
                     "devid", (json_int_t)d->devid, "vdev", d->vdev, "path",
                     d->path, "format", disk_format_name(d->format), "writable",
                     d->writable, "cdrom", d->cdrom, "direct_io",
                     d->direct_io_safe, "discard", d->discard, "limit_bytes",
                     (json_int_t)d->bytes.per_second, "burst_bytes",
                     (json_int_t)d->bytes.burst, "limit_requests",
                     (json_int_t)d->requests.per_second, "burst_requests",
                     (json_int_t)d->requests.burst);
}

json_t *guest_nic_json(const struct guest_nic *n)
{
    char mac[18];

    nic_mac_print(n->mac, mac);
    return json_pack("{s:I,s:s,s:s,s:s,s:I,s:I,s:b,s:b,s:I,s:I}", "devid",
                     (json_int_t)n->devid, "mac", mac, "bridge", n->bridge,
                     "vifname", n->vifname, "mtu", (json_int_t)n->mtu, "vlan",
                     (json_int_t)n->vlan, "isolated", n->isolated, "antispoof",
                     n->antispoof, "rate_bytes", (json_int_t)n->rate_bytes,
                     "rate_interval_us", (json_int_t)n->rate_interval_us);
}

json_t *guest_to_json(const struct guest *g)
{
    json_t *disks = json_array(), *nics = json_array();
    char uuid[37];
    size_t i;

    for (i = 0; i < g->nr_disks; i++)
        json_array_append_new(disks, guest_disk_json(&g->disks[i]));
    for (i = 0; i < g->nr_nics; i++)
        json_array_append_new(nics, guest_nic_json(&g->nics[i]));
    domconfig_uuid_print(g->uuid, uuid);
    return json_pack("{s:s,s:s,s:I,s:s,s:s,s:s,s:I,s:o,s:o}", "name", g->name,
                     "uuid", uuid, "domid", (json_int_t)g->domid, "state",
                     state_names[g->state], "config", g->config, "source",
                     g->source, "started", (json_int_t)g->started, "disks",
                     disks, "nics", nics);
}

static int read_disk(struct guest *g, json_t *o)
{
    const char *vdev = NULL, *path = NULL;
    const char *format = "raw"; /* older records have none */
    int writable, cdrom, direct, discard;
    json_int_t devid;
    json_int_t bytes[2] = {0}, requests[2] = {0}; /* not in older records */
    struct guest_disk *d;

    if (json_unpack(o, "{s:I,s:s,s?s,s?s,s:b,s:b,s:b,s:b,s?I,s?I,s?I,s?I}",
                    "devid", &devid, "vdev", &vdev, "path", &path, "format",
                    &format, "writable", &writable, "cdrom", &cdrom,
                    "direct_io", &direct, "discard", &discard, "limit_bytes",
                    &bytes[0], "burst_bytes", &bytes[1], "limit_requests",
                    &requests[0], "burst_requests", &requests[1]) ||
        strlen(vdev) >= sizeof(d->vdev))
        return -EINVAL;
    d = append_disk(g);
    if (!d)
        return -ENOMEM;
    d->devid = (uint32_t)devid;
    strcpy(d->vdev, vdev);
    if (disk_format_parse(format, &d->format))
        return -EINVAL;
    d->path = path ? strdup(path) : NULL;
    d->writable = writable;
    d->cdrom = cdrom;
    d->direct_io_safe = direct;
    d->discard = discard;
    d->bytes = (struct disk_limit){(uint64_t)bytes[0], (uint64_t)bytes[1]};
    d->requests =
        (struct disk_limit){(uint64_t)requests[0], (uint64_t)requests[1]};
    return path && !d->path ? -ENOMEM : 0;
}

static int read_nic(struct guest *g, json_t *o)
{
    const char *mac, *bridge, *vifname;
    json_int_t devid, mtu, vlan = 0, rate, interval;
    int isolated = 0, antispoof = 0; /* not in older records */
    struct guest_nic *n;

    if (json_unpack(o, "{s:I,s:s,s:s,s:s,s:I,s?I,s?b,s?b,s:I,s:I}", "devid",
                    &devid, "mac", &mac, "bridge", &bridge, "vifname", &vifname,
                    "mtu", &mtu, "vlan", &vlan, "isolated", &isolated,
                    "antispoof", &antispoof, "rate_bytes", &rate,
                    "rate_interval_us", &interval) ||
        strlen(bridge) >= IFNAMSIZ || strlen(vifname) >= IFNAMSIZ)
        return -EINVAL;
    n = append_nic(g);
    if (!n)
        return -ENOMEM;
    n->devid = (uint32_t)devid;
    strcpy(n->bridge, bridge);
    strcpy(n->vifname, vifname);
    n->mtu = (uint32_t)mtu;
    n->vlan = (uint32_t)vlan;
    n->isolated = isolated;
    n->antispoof = antispoof;
    n->rate_bytes = (uint64_t)rate;
    n->rate_interval_us = (uint32_t)interval;
    return nic_mac_parse(mac, n->mac);
}

static int read_devices(struct guest *g, json_t *disks, json_t *nics)
{
    json_t *o;
    size_t i;
    int rc;

    json_array_foreach(disks, i, o)
    {
        rc = read_disk(g, o);
        if (rc)
            return rc;
    }
    json_array_foreach(nics, i, o)
    {
        rc = read_nic(g, o);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_state(const char *name, enum guest_state *state)
{
    size_t i;

    for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
        if (!strcmp(name, state_names[i])) {
            *state = (enum guest_state)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* The configuration was understood once; it is again, under the same uuid. */
static struct guest *from_text(const char *name, const char *uuid_text,
                               const char *config, const char *source)
{
    struct domconfig *cfg = NULL;
    struct report report;
    struct guest *g = NULL;
    uint8_t uuid[16];
    char *copy;

    if (domconfig_uuid_parse(uuid_text, uuid))
        return NULL;
    report_init(&report, source);
    if (!domconfig_parse(config, strlen(config), uuid, &report, &cfg)) {
        memcpy(cfg->uuid, uuid, sizeof(uuid));
        copy = strdup(name);
        if (copy) {
            free(cfg->name);
            cfg->name = copy;
        }
        g = guest_new(cfg, config, source);
    }
    report_free(&report);
    return g;
}

struct guest *guest_from_json(const json_t *record, struct fault *f)
{
    const char *name, *uuid, *state, *config, *source;
    json_t *disks, *nics;
    json_int_t domid, started;
    struct guest *g = NULL;

    if (json_unpack((json_t *)record, "{s:s,s:s,s:I,s:s,s:s,s:s,s:I,s:o,s:o}",
                    "name", &name, "uuid", &uuid, "domid", &domid, "state",
                    &state, "config", &config, "source", &source, "started",
                    &started, "disks", &disks, "nics", &nics)) {
        fault_set(f, -EINVAL, FAULT_FAILED, "the record is not complete");
        return NULL;
    }
    g = from_text(name, uuid, config, source);
    if (!g || read_state(state, &g->state) || read_devices(g, disks, nics)) {
        fault_set(f, -EINVAL, FAULT_FAILED, "the record does not make sense");
        guest_free(g);
        return NULL;
    }
    g->domid = (uint32_t)domid;
    g->started = started;
    return g;
}
