#include "dom0/daemon/method.h"
#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX (256 * 1024)
#define TIMEOUT                                                                \
    {                                                                          \
        "timeout", RPC_INT, false, 0, 86400                                    \
    }
#define GUEST                                                                  \
    {                                                                          \
        "guest", RPC_STRING, true, 1, 256                                      \
    }
#define END                                                                    \
    {                                                                          \
        NULL, RPC_END, false, 0, 0                                             \
    }

static const struct rpc_param none[] = {END};
static const struct rpc_param guest_only[] = {GUEST, END};
static const struct rpc_param create_params[] = {
    {"config", RPC_STRING, true, 1, CONFIG_MAX},
    {"source", RPC_STRING, false, 1, 4096},
    {"paused", RPC_BOOL, false, 0, 0},
    END,
};
static const struct rpc_param shutdown_params[] = {
    GUEST, {"wait", RPC_BOOL, false, 0, 0}, TIMEOUT, END};
static const struct rpc_param vcpu_params[] = {
    GUEST, {"vcpus", RPC_INT, true, 1, 4096}, END};
static const struct rpc_param mem_params[] = {
    GUEST, {"kib", RPC_INT, true, 1024, 1LL << 40}, END};
static const struct rpc_param sched_params[] = {
    {"guest", RPC_STRING, false, 1, 256},
    {"weight", RPC_INT, false, 1, 65535},
    {"cap", RPC_INT, false, 0, 65535},
    {"vcpu", RPC_INT, false, 0, 4095},
    {"hard", RPC_STRING, false, 1, 4096},
    {"soft", RPC_STRING, false, 1, 4096},
    END};
static const struct rpc_param attach_params[] = {
    GUEST, {"device", RPC_STRING, true, 0, 4096}, END};
static const struct rpc_param detach_params[] = {
    GUEST,
    {"device", RPC_STRING, true, 1, 64},
    {"force", RPC_BOOL, false, 0, 0},
    END};
#define LIMIT(name)                                                            \
    {                                                                          \
        name, RPC_INT, false, 0, 1LL << 40                                     \
    }
static const struct rpc_param limit_params[] = {
    GUEST,
    {"device", RPC_STRING, true, 1, 64},
    LIMIT("bytes"),
    LIMIT("bytes_burst"),
    LIMIT("requests"),
    LIMIT("requests_burst"),
    END};
static const struct rpc_param dmesg_params[] = {
    {"clear", RPC_BOOL, false, 0, 0}, END};
static const struct rpc_param keys_params[] = {
    {"keys", RPC_STRING, true, 1, 64}, END};

static const struct method methods[] = {
    {"version", none, method_version},
    {"list", none, method_list},
    {"info", guest_only, method_info},
    {"host", none, method_host},
    {"networks", none, method_networks},
    {"console", guest_only, method_console},
    {"dmesg", dmesg_params, method_dmesg},
    {"debug-keys", keys_params, method_debug_keys},
    {"create", create_params, method_create},
    {"destroy", guest_only, method_destroy},
    {"pause", guest_only, method_pause},
    {"unpause", guest_only, method_unpause},
    {"shutdown", shutdown_params, method_shutdown},
    {"reboot", shutdown_params, method_reboot},
    {"vcpu-set", vcpu_params, method_vcpu_set},
    {"mem-set", mem_params, method_mem_set},
    {"sched", sched_params, method_sched},
    {"block-attach", attach_params, method_block_attach},
    {"block-detach", detach_params, method_block_detach},
    {"block-limit", limit_params, method_block_limit},
    {"network-attach", attach_params, method_network_attach},
    {"network-detach", detach_params, method_network_detach},
};

const struct method *method_find(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (!strcmp(methods[i].name, name))
            return &methods[i];
    return NULL;
}

/* --- from a call's thread back to its client -------------------------------*/

struct outgoing {
    struct daemon *d;
    uint64_t client;
    char *line;
    bool final;
};

static void deliver(void *arg)
{
    struct outgoing *o = arg;

    server_send(o->d->server, o->client, o->line, o->final);
    free(o);
}

static void post_line(struct call *c, char *line, bool final)
{
    struct outgoing *o = malloc(sizeof(*o));

    if (o)
        *o = (struct outgoing){c->d, c->client, line, final};
    if (!o || loop_post(c->d->loop, deliver, o)) {
        free(line);
        free(o);
    }
}

void call_progress(struct call *c, const char *text)
{
    char *line = rpc_progress(c->req.id, text);

    if (line)
        post_line(c, line, false);
}

static void say(void *ctx, const char *text)
{
    call_progress(ctx, text);
}

struct progress call_progress_of(struct call *c)
{
    return (struct progress){say, c};
}

/* --- running ---------------------------------------------------------------*/

static int run(struct call *c)
{
    int rc;

    c->kit = kit_get(c->d->kits, &c->fault);
    if (!c->kit)
        return -EIO;
    rc = c->method->run(c);
    kit_put(c->d->kits, c->kit);
    return rc;
}

static void call_free(struct call *c)
{
    rpc_release(&c->req);
    json_decref(c->result);
    free(c);
}

static void run_call(void *arg)
{
    struct call *c = arg;
    int rc = run(c);

    if (rc) {
        fault_set(&c->fault, rc, FAULT_FAILED, "%s: %s", c->method->name,
                  strerror(-rc));
        post_line(c, rpc_error(c->req.id, &c->fault), true);
    } else {
        post_line(c, rpc_result(c->req.id, c->result), true);
        c->result = NULL;
    }
    /* A guest may have ended while it was busy with this. */
    lifecycle_poke(c->d);
    call_free(c);
}

void method_request(void *daemon, uint64_t client, struct rpc_request *req)
{
    struct daemon *d = daemon;
    struct fault f = {0};
    const struct method *m = method_find(req->method);
    struct call *c = NULL;
    json_int_t id = req->id;
    int rc = 0;

    if (!m)
        rc = fault_set(&f, -ENOSYS, FAULT_REQUEST, "there is no method \"%s\"",
                       req->method);
    if (!rc)
        rc = rpc_check(req->params, m->params, &f);
    if (!rc && !(c = calloc(1, sizeof(*c))))
        rc = -ENOMEM;
    if (!rc) {
        *c = (struct call){.d = d, .method = m, .req = *req, .client = client};
        rc = daemon_work(d, run_call, c);
        if (rc)
            fault_set(&f, rc, FAULT_BUSY, "too many requests at once");
    }
    if (rc) {
        free(c);
        rpc_release(req);
        fault_set(&f, rc, FAULT_FAILED, "%s", strerror(-rc));
        server_send(d->server, client, rpc_error(id, &f), true);
    }
}

/* --- what several methods need ---------------------------------------------*/

bool call_is_dom0(const struct call *c)
{
    const char *key = rpc_string(c->req.params, "guest");

    return !strcmp(key, "0") || !strcmp(key, "Domain-0");
}

struct guest *call_guest(struct call *c)
{
    const char *key = rpc_string(c->req.params, "guest");

    if (call_is_dom0(c)) {
        fault_set(&c->fault, -EPERM, FAULT_PARAMS,
                  "domain 0 is the host itself");
        return NULL;
    }
    return registry_find(c->d->registry, key, &c->fault);
}

/* A domain somebody else made: by number, or by its name in the store. */
static int foreign_domain(struct call *c, const char *key, uint32_t *domid)
{
    struct xen_domctl_getdomaininfo list[64];
    uint32_t first = 1;
    char text[16], *name;
    int n, i;

    while ((n = hv_domain_list(c->kit->hv, first, 64, list)) > 0) {
        for (i = 0; i < n; i++) {
            *domid = list[i].domain;
            snprintf(text, sizeof(text), "%u", *domid);
            name = store_read(c->kit->xs, XBT_NULL, "/local/domain/%u/name",
                              *domid);
            if (!strcmp(text, key) || (name && !strcmp(name, key))) {
                free(name);
                return 0;
            }
            free(name);
        }
        first = list[n - 1].domain + 1u;
    }
    return -ENOENT;
}

int call_domain(struct call *c, uint32_t *domid, struct guest **g)
{
    const char *key = rpc_string(c->req.params, "guest");
    struct fault f = {0};

    *g = call_guest(c);
    if (!*g) {
        if (strcmp(c->fault.code, FAULT_ABSENT))
            return -EPERM;
        if (foreign_domain(c, key, domid))
            return -ENOENT;
        c->fault = f;
        return 0;
    }
    *domid = (*g)->domid;
    if (*domid)
        return 0;
    registry_put(c->d->registry, *g);
    return fault_set(&c->fault, -EBUSY, FAULT_BUSY, "guest %s is not running",
                     key);
}

char *call_domain_name(struct call *c, uint32_t domid)
{
    struct guest *g = registry_find_domid(c->d->registry, domid);
    char *name =
        g ? strdup(g->name)
          : store_read(c->kit->xs, XBT_NULL, "/local/domain/%u/name", domid);

    registry_put(c->d->registry, g);
    return name;
}
