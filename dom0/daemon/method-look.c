/* Methods that only look. */
#include "dom0/daemon/method.h"

#include "dom0/daemon/helpers.h"
#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/store.h"
#include "dom0/libs/latency/latency.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <time.h>

#define DMESG_MAX (256 * 1024)

/* --- one domain ------------------------------------------------------------*/

static const char *run_state(const struct xen_domctl_getdomaininfo *i)
{
    if (i->flags & XEN_DOMINF_dying)
        return "dying";
    if (i->flags & XEN_DOMINF_shutdown)
        return ((i->flags >> XEN_DOMINF_shutdownshift) &
                XEN_DOMINF_shutdownmask) == SHUTDOWN_crash
                   ? "crashed"
                   : "shutdown";
    if (i->flags & XEN_DOMINF_paused)
        return "paused";
    if (i->flags & XEN_DOMINF_running)
        return "running";
    return "blocked";
}

static json_t *domain_json(struct call *c,
                           const struct xen_domctl_getdomaininfo *i)
{
    struct guest *g = registry_find_domid(c->d->registry, i->domain);
    char *name = call_domain_name(c, i->domain);
    char uuid[37];
    json_t *o;

    domconfig_uuid_print(i->handle, uuid);
    o = json_pack(
        "{s:I,s:s,s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I}", "domid",
        (json_int_t)i->domain, "name", name ? name : "", "uuid", uuid, "state",
        run_state(i), "ours", g != NULL, "memory_kib",
        (json_int_t)i->tot_pages * 4, "max_kib", (json_int_t)i->max_pages * 4,
        "vcpus", (json_int_t)i->nr_online_vcpus, "max_vcpus",
        (json_int_t)i->max_vcpu_id + 1, "cpu_ns", (json_int_t)i->cpu_time);
    if (!o) /* a name that is no UTF-8 */
        o = json_pack("{s:I,s:s,s:s}", "domid", (json_int_t)i->domain, "name",
                      "?", "uuid", uuid);
    free(name);
    registry_put(c->d->registry, g);
    return o;
}

/* Guests between two domains, or while their first is made. */
static void add_unbuilt(struct call *c, json_t *list)
{
    struct guest *g;
    char uuid[37];

    registry_lock(c->d->registry);
    for (g = registry_first(c->d->registry); g; g = g->next) {
        if (g->domid && g->state != GUEST_BUILDING)
            continue;
        domconfig_uuid_print(g->uuid, uuid);
        json_array_append_new(
            list, json_pack("{s:n,s:s,s:s,s:s,s:b,s:i,s:i,s:i,s:i,s:i}",
                            "domid", "name", g->name, "uuid", uuid, "state",
                            guest_state_name(g->state), "ours", 1, "memory_kib",
                            0, "max_kib", 0, "vcpus", 0, "max_vcpus",
                            (int)g->cfg->max_vcpus, "cpu_ns", 0));
    }
    registry_unlock(c->d->registry);
}

static bool is_building(struct call *c, uint32_t domid)
{
    struct guest *g = registry_find_domid(c->d->registry, domid);
    bool building = g && g->state == GUEST_BUILDING;

    registry_put(c->d->registry, g);
    return building;
}

int method_list(struct call *c)
{
    struct xen_domctl_getdomaininfo infos[64];
    json_t *list = json_array();
    uint32_t first = 0;
    int n, i;

    while ((n = hv_domain_list(c->kit->hv, first, 64, infos)) > 0) {
        for (i = 0; i < n; i++)
            if (!is_building(c, infos[i].domain))
                json_array_append_new(list, domain_json(c, &infos[i]));
        first = infos[n - 1].domain + 1u;
    }
    add_unbuilt(c, list);
    c->result = json_pack("{s:o,s:I}", "guests", list, "now_ns",
                          (json_int_t)now_ms() * 1000000);
    return n < 0 ? n : 0;
}

/* --- one guest, in depth ---------------------------------------------------*/

static const char *backend_state(long state)
{
    static const char *const names[] = {
        "unknown",     "initialising",  "waiting for the guest",
        "initialised", "connected",     "closing",
        "closed",      "reconfiguring", "reconfigured",
    };

    return state >= 0 && state < 9 ? names[state] : "unknown";
}

static void add_backend_state(struct call *c, json_t *o, const char *class,
                              uint32_t domid, uint32_t devid)
{
    long state = store_read_number(c->kit->xs, XBT_NULL, 0,
                                   "/local/domain/0/backend/%s/%u/%u/state",
                                   class, domid, devid);

    json_object_set_new(o, "state", json_string(backend_state(state)));
}

static void add_latency(json_t *list, const struct latency *l, unsigned ring,
                        const char *way)
{
    struct latency_summary s;

    latency_summarize(l, &s);
    json_array_append_new(
        list, json_pack("{s:i,s:s*,s:I,s:I,s:I,s:I}", "ring", (int)ring, "way",
                        way, "answers", (json_int_t)s.answers, "p50_us",
                        (json_int_t)s.p50_us, "p99_us", (json_int_t)s.p99_us,
                        "max_us", (json_int_t)s.max_us));
}

#define MAX_RINGS 64

/* How long the rings of a device take, as its backend counts it. */
static void add_latencies(struct call *c, json_t *o, bool vbd, uint32_t domid)
{
    json_t *list = json_array();
    struct latency_file file;
    unsigned ring;
    char path[300];

    for (ring = 0; ring < MAX_RINGS; ring++) {
        snprintf(path, sizeof(path), "%s/%s/%u-%u-%u.latency", c->d->o.run_dir,
                 vbd ? "pvblkd" : "pvnetd", domid,
                 (uint32_t)rpc_int(o, "devid", 0), ring);
        if (latency_read(path, &file))
            break;
        add_latency(list, &file.ways[0], ring, vbd ? NULL : "sent");
        if (!vbd)
            add_latency(list, &file.ways[1], ring, "received");
    }
    json_object_set_new(o, "latency", list);
}

/* Devices as the registry has them, then what the store says of each. */
static void add_devices(struct call *c, json_t *o, struct guest *g)
{
    json_t *disks = json_array(), *nics = json_array(), *one;
    uint32_t domid;
    size_t i;

    registry_lock(c->d->registry);
    domid = g->domid;
    for (i = 0; i < g->nr_disks; i++)
        json_array_append_new(disks, guest_disk_json(&g->disks[i]));
    for (i = 0; i < g->nr_nics; i++)
        json_array_append_new(nics, guest_nic_json(&g->nics[i]));
    registry_unlock(c->d->registry);
    json_array_foreach(disks, i, one) add_backend_state(
        c, one, "pvblk", domid, (uint32_t)rpc_int(one, "devid", 0));
    json_array_foreach(nics, i, one) add_backend_state(
        c, one, "pvif", domid, (uint32_t)rpc_int(one, "devid", 0));
    json_array_foreach(disks, i, one) add_latencies(c, one, true, domid);
    json_array_foreach(nics, i, one) add_latencies(c, one, false, domid);
    json_object_set_new(o, "disks", disks);
    json_object_set_new(o, "nics", nics);
}

static void add_config(struct call *c, json_t *o, struct guest *g)
{
    const struct domconfig *cfg = g->cfg;
    json_t *more;

    registry_lock(c->d->registry);
    more =
        json_pack("{s:s,s:s,s:s*,s:s*,s:s,s:s,s:s,s:s,s:I,s:s*}", "type",
                  domconfig_type_name(cfg->type), "source", g->source, "kernel",
                  cfg->kernel, "ramdisk", cfg->ramdisk, "cmdline", cfg->cmdline,
                  "on_poweroff", domconfig_action_name(cfg->on_poweroff),
                  "on_reboot", domconfig_action_name(cfg->on_reboot),
                  "on_crash", domconfig_action_name(cfg->on_crash), "started",
                  (json_int_t)g->started, "busy", g->busy);
    registry_unlock(c->d->registry);
    if (more)
        json_object_update(o, more);
    json_decref(more);
}

int method_info(struct call *c)
{
    struct xen_domctl_getdomaininfo info;
    struct guest *g;
    uint32_t domid;
    long target;
    int rc = call_domain(c, &domid, &g);

    if (rc)
        return rc;
    rc = hv_domain_info(c->kit->hv, domid, &info);
    if (!rc) {
        c->result = domain_json(c, &info);
        target = store_read_number(c->kit->xs, XBT_NULL, 0,
                                   "/local/domain/%u/memory/target", domid);
        json_object_set_new(c->result, "target_kib", json_integer(target));
        if (info.flags & XEN_DOMINF_shutdown)
            json_object_set_new(c->result, "ended",
                                json_string(lifecycle_reason_name(
                                    (info.flags >> XEN_DOMINF_shutdownshift) &
                                    XEN_DOMINF_shutdownmask)));
    }
    if (!rc && g) {
        add_config(c, c->result, g);
        add_devices(c, c->result, g);
    }
    registry_put(c->d->registry, g);
    return rc;
}

/* --- the host --------------------------------------------------------------*/

int method_host(struct call *c)
{
    struct xen_sysctl_physinfo p;
    struct hv_version *v = calloc(1, sizeof(*v));
    char name[256] = "", version[64];
    int rc;

    if (!v)
        return -ENOMEM;
    rc = hv_version(c->kit->hv, v);
    if (!rc)
        rc = hv_physinfo(c->kit->hv, &p);
    gethostname(name, sizeof(name) - 1);
    if (!rc) {
        snprintf(version, sizeof(version), "%u.%u%s", v->major, v->minor,
                 v->extra);
        c->result = json_pack(
            "{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:o}", "host",
            name, "hypervisor", version, "changeset", v->changeset, "caps",
            v->caps, "commandline", v->commandline, "cpus",
            (json_int_t)p.nr_cpus, "cores_per_socket",
            (json_int_t)p.cores_per_socket, "threads_per_core",
            (json_int_t)p.threads_per_core, "cpu_khz", (json_int_t)p.cpu_khz,
            "memory_kib", (json_int_t)p.total_pages * 4, "free_kib",
            (json_int_t)(p.free_pages + p.scrub_pages) * 4, "nodes",
            (json_int_t)p.nr_nodes, "hvm",
            (p.capabilities & XEN_SYSCTL_PHYSCAP_hvm) != 0, "daemons",
            helpers_list(c->d));
        if (!c->result)
            rc = -EINVAL;
    }
    free(v);
    return rc;
}

int method_version(struct call *c)
{
    c->result = json_pack("{s:s,s:i,s:I}", "pvnd", PARAVANE_VERSION, "pid",
                          (int)getpid(), "up_seconds",
                          (json_int_t)(now_ms() - c->d->started_ms) / 1000);
    return 0;
}

int method_networks(struct call *c)
{
    json_t *list = json_array();
    size_t i;

    pthread_mutex_lock(&c->d->lock);
    for (i = 0; i < c->d->networks.nr; i++) {
        const struct network *n = &c->d->networks.list[i];
        char text[16];

        inet_ntop(AF_INET, &n->address, text, sizeof(text));
        json_array_append_new(
            list,
            json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:b}", "name", n->name, "type",
                      network_type_name(n->type), "bridge", n->bridge, "uplink",
                      n->uplink, "address", n->address.s_addr ? text : "",
                      "prefix", (json_int_t)n->prefix_len, "dhcp", n->dhcp));
    }
    pthread_mutex_unlock(&c->d->lock);
    c->result = json_pack("{s:o}", "networks", list);
    return 0;
}

/* Where the console can be reached: our daemon's socket, and the terminal
 * that any console daemon writes into the store. */
int method_console(struct call *c)
{
    char path[300], dir[256];
    struct guest *g;
    uint32_t domid;
    char *tty;
    int rc = call_domain(c, &domid, &g);

    if (rc)
        return rc;
    snprintf(path, sizeof(path), "%s/%u",
             daemon_path(c->d, "console", dir, sizeof(dir)), domid);
    tty =
        store_read(c->kit->xs, XBT_NULL, "/local/domain/%u/console/tty", domid);
    c->result = json_pack("{s:s,s:s,s:I}", "socket",
                          c->d->o.external_console ? "" : path, "tty",
                          tty ? tty : "", "domid", (json_int_t)domid);
    free(tty);
    registry_put(c->d->registry, g);
    return c->result ? 0 : -ENOMEM;
}

/* --- the hypervisor's log --------------------------------------------------*/

/* It is bytes; JSON wants text. */
static void only_text(char *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!s[i] || s[i] & 0x80)
            s[i] = '?';
}

int method_dmesg(struct call *c)
{
    bool clear = rpc_bool(c->req.params, "clear");
    char *log = malloc(DMESG_MAX);
    uint32_t index = 0, len = 0, count;
    int rc = log ? 0 : -ENOMEM;

    while (!rc && len < DMESG_MAX) {
        count = DMESG_MAX - len;
        rc =
            hv_console_read(c->kit->hv, log + len, &count, &index, true, false);
        if (!count)
            break;
        len += count;
    }
    if (!rc && clear) {
        count = 0; /* what was read, and no more, is thrown away */
        rc = hv_console_read(c->kit->hv, NULL, &count, &index, true, true);
    }
    if (!rc) {
        only_text(log, len);
        c->result = json_pack("{s:s#}", "log", log, (int)len);
    }
    free(log);
    return rc;
}

int method_debug_keys(struct call *c)
{
    return hv_debug_keys(c->kit->hv, rpc_string(c->req.params, "keys"));
}
