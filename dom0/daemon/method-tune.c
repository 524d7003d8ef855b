/* A running guest's share of the machine. */
#include "dom0/daemon/method.h"
#include "dom0/daemon/room.h"
#include "dom0/daemon/share.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room a balloon driver needs above its target, as every toolstack gives. */
#define SLACK_KIB 1024

struct vcpus {
    uint32_t domid;
    unsigned online, max;
};

static int vcpus_step(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    const struct vcpus *v = arg;
    unsigned i;
    int rc = 0;

    for (i = 0; i < v->max && !rc; i++)
        rc = store_write(xs, t, i < v->online ? "online" : "offline",
                         "/local/domain/%u/cpu/%u/availability", v->domid, i);
    return rc;
}

int method_vcpu_set(struct call *c)
{
    struct vcpus v = {
        .online = (unsigned)rpc_int(c->req.params, "vcpus", 1),
    };
    struct guest *g = call_guest(c);
    int rc;

    if (!g)
        return -ENOENT;
    rc =
        registry_begin(c->d->registry, g, "its vcpus are being set", &c->fault);
    if (rc)
        goto put;
    v.domid = g->domid;
    v.max = g->cfg->max_vcpus;
    if (v.online > v.max)
        rc =
            fault_set(&c->fault, -EINVAL, FAULT_PARAMS,
                      "guest %s was made for at most %u vcpus", g->name, v.max);
    else
        rc = store_transaction(c->kit->xs, vcpus_step, &v);
    registry_end(c->d->registry, g);
put:
    registry_put(c->d->registry, g);
    return rc;
}

/* The limit goes up before the guest is told it may grow, so that it finds
 * what it asks for; going down, a guest that does not listen keeps what it
 * has but gets no more. */
static int set_memory(struct call *c, const struct guest *g, uint64_t kib)
{
    char text[24];
    int rc;

    if (kib > g->cfg->maxmem_kib)
        return fault_set(&c->fault, -EINVAL, FAULT_PARAMS,
                         "guest %s was made for at most %llu MiB (maxmem)",
                         g->name,
                         (unsigned long long)g->cfg->maxmem_kib / 1024);
    rc = hv_domain_set_max_mem(c->kit->hv, g->domid, kib + SLACK_KIB);
    if (rc)
        return rc;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)kib);
    return store_write(c->kit->xs, XBT_NULL, text,
                       "/local/domain/%u/memory/target", g->domid);
}

int method_mem_set(struct call *c)
{
    uint64_t kib = (uint64_t)rpc_int(c->req.params, "kib", 0);
    struct guest *g;
    int rc;

    if (call_is_dom0(c))
        return room_set_dom0(c->d, c->kit, kib, &c->fault);
    g = call_guest(c);
    if (!g)
        return -ENOENT;
    rc =
        registry_begin(c->d->registry, g, "its memory is being set", &c->fault);
    if (!rc) {
        rc = set_memory(c, g, kib);
        registry_end(c->d->registry, g);
    }
    registry_put(c->d->registry, g);
    return rc;
}

/* --- shares of the processors ----------------------------------------------*/

static int add_share(struct call *c, uint32_t domid, json_t *list)
{
    char *name = call_domain_name(c, domid);
    json_t *share;
    int rc = share_get(c->kit->hv, domid, &share);

    if (!rc) {
        json_object_set_new(share, "name", json_string(name ? name : "?"));
        json_array_append_new(list, share);
    }
    free(name);
    return rc;
}

/* One that ends meanwhile is left out. */
static int add_all_shares(struct call *c, json_t *list)
{
    struct xen_domctl_getdomaininfo infos[64];
    uint32_t first = 0;
    int n, i;

    while ((n = hv_domain_list(c->kit->hv, first, 64, infos)) > 0) {
        for (i = 0; i < n; i++)
            if (!(infos[i].flags & XEN_DOMINF_dying))
                (void)add_share(c, infos[i].domain, list);
        first = infos[n - 1].domain + 1u;
    }
    return n;
}

static int change_share(struct call *c, uint32_t domid, struct guest *g)
{
    const json_t *p = c->req.params;
    struct share_change change = {
        .weight = (int)rpc_int(p, "weight", -1),
        .cap = (int)rpc_int(p, "cap", -1),
        .vcpu = (int)rpc_int(p, "vcpu", -1),
        .hard = rpc_string(p, "hard"),
        .soft = rpc_string(p, "soft"),
    };
    int rc = g ? registry_begin(c->d->registry, g, "its share is being set",
                                &c->fault)
               : 0;

    if (rc)
        return rc;
    rc = share_set(c->kit->hv, domid, &change, &c->fault);
    if (g)
        registry_end(c->d->registry, g);
    return rc;
}

/* Whose share: domain 0 has one, too. */
static int sched_domain(struct call *c, uint32_t *domid, struct guest **g)
{
    *domid = 0;
    *g = NULL;
    return call_is_dom0(c) ? 0 : call_domain(c, domid, g);
}

int method_sched(struct call *c)
{
    json_t *list = json_array();
    struct guest *g = NULL;
    uint32_t domid;
    int rc;

    if (!rpc_string(c->req.params, "guest")) {
        rc = json_object_size(c->req.params)
                 ? fault_set(&c->fault, -EINVAL, FAULT_PARAMS,
                             "whose share is to change?")
                 : add_all_shares(c, list);
    } else {
        rc = sched_domain(c, &domid, &g);
        if (!rc && json_object_size(c->req.params) > 1)
            rc = change_share(c, domid, g);
        if (!rc)
            rc = add_share(c, domid, list);
        registry_put(c->d->registry, g);
    }
    c->result = json_pack("{s:o}", "domains", list);
    return rc;
}
