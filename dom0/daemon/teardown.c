#include "dom0/daemon/teardown.h"
#include "dom0/builder/nodes.h"
#include "dom0/daemon/devices.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/storage.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GONE_MS 3000 /* for the last mapping of its memory to end */

struct roots {
    uint32_t domid;
    const uint8_t *uuid;
};

static int remove_step(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct roots *r = arg;
    struct domain_paths p;

    device_domain_paths(&p, r->domid, r->uuid);
    return store_replace(xs, t, p.paths, p.nr, NULL);
}

/* Its nodes, even if the store has to come back first. */
static void remove_nodes(struct kit *k, const struct guest *g, uint32_t domid)
{
    struct roots r = {domid, g->uuid};
    int rc = store_transaction(k->xs, remove_step, &r);

    if (rc == -EIO && !kit_reconnect(k, 5000, NULL))
        rc = store_transaction(k->xs, remove_step, &r);
    if (rc)
        log_error("guest %s: nodes of domain %u stay in the store: %s", g->name,
                  domid, strerror(-rc));
}

static void wait_gone(struct kit *k, const struct guest *g, uint32_t domid)
{
    struct xen_domctl_getdomaininfo info;
    int64_t deadline = now_ms() + GONE_MS;

    while (!hv_domain_info(k->hv, domid, &info) && info.domain == domid) {
        if (now_ms() > deadline) {
            log_warn(
                "guest %s: domain %u is dead, but somebody still maps %llu "
                "pages of it",
                g->name, domid, (unsigned long long)info.tot_pages);
            return;
        }
        usleep(2000);
    }
}

/* One domain, or what is left of one that is gone already. */
static int end_domain(struct daemon *d, struct kit *k, const struct guest *g,
                      uint32_t domid, bool exists, bool wait)
{
    int rc = 0;

    if (exists)
        hv_domain_pause(k->hv, domid); /* fails if it is dying, no matter */
    /* With their directories gone the backends let go at once: nobody is left
     * for them to shake hands with. */
    remove_nodes(k, g, domid);
    if (exists) {
        rc = hv_domain_destroy(k->hv, domid);
        if (rc == -ESRCH)
            rc = 0;
    }
    helpers_stop_block(d, domid);
    storage_stop(d, domid);
    if (exists && !rc && wait)
        wait_gone(k, g, domid);
    if (rc)
        log_error("guest %s: domain %u cannot be destroyed: %s", g->name, domid,
                  strerror(-rc));
    return rc;
}

/*
 * The number in our record may be nobody's or, in theory, somebody else's by
 * now; the uuid inside the hypervisor's own list tells.
 */
int teardown(struct daemon *d, struct kit *k, struct guest *g, bool wait)
{
    struct xen_domctl_getdomaininfo list[64];
    uint32_t first = 1, known = g->domid;
    bool seen = false, stranger = false;
    int n, i, rc = 0;

    while ((n = hv_domain_list(k->hv, first, 64, list)) > 0) {
        for (i = 0; i < n; i++) {
            if (!memcmp(list[i].handle, g->uuid, sizeof(g->uuid))) {
                int one = end_domain(d, k, g, list[i].domain, true, wait);

                rc = rc ? rc : one;
                seen |= list[i].domain == known;
            } else if (list[i].domain == known) {
                stranger = true;
            }
        }
        first = list[n - 1].domain + 1u;
    }
    if (known && !seen && !stranger)
        end_domain(d, k, g, known, false, false);
    if (!rc)
        registry_set_state(d->registry, g, GUEST_ENDING, 0);
    return rc;
}
