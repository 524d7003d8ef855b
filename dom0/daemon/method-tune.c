/* A running guest's share of the machine. */
#include "dom0/daemon/method.h"
#include "dom0/daemon/room.h"
#include "dom0/daemon/store.h"

#include <errno.h>
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
