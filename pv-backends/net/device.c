#include "pv-backends/net/device.h"

#include "pv-backends/net/netback.h"
#include "pv-backends/net/tap.h"
#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/ringmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

/* How long frames wait for a guest that posts no buffers, then how often its
 * queue is emptied. */
enum { STALL_MS = 1000, DROP_MS = 100 };

struct netdev {
    struct backend be; /* first */
    struct tap tap;
    struct event *readable, *stalled;
    struct ringmap tx_ring, rx_ring;
    struct loop_port *tx_port, *rx_port; /* the same when not split */
    bool full;                           /* waiting for buffers */
    struct netback back;
};

static struct netdev *netdev_of(struct backend *be)
{
    return (struct netdev *)be;
}

/* --- turns ------------------------------------------------------------------
 */

static void set_timer(struct event *timer, unsigned int ms)
{
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};

    evtimer_add(timer, &tv);
}

static void receive(struct netdev *nd)
{
    bool was_full = nd->full;

    nd->full = netback_rx_push(&nd->back) == NETBACK_RX_FULL;
    if (nd->full == was_full)
        return;
    if (nd->full) {
        event_del(nd->readable);
        set_timer(nd->stalled, STALL_MS);
    } else {
        evtimer_del(nd->stalled);
        event_add(nd->readable, NULL);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    receive(arg); /* level-triggered: more is another turn */
}

static void on_stalled(evutil_socket_t fd, short what, void *arg)
{
    struct netdev *nd = arg;

    (void)fd, (void)what;
    netback_rx_drop(&nd->back);
    set_timer(nd->stalled, DROP_MS);
}

static enum loop_turn on_tx_event(void *arg)
{
    struct netdev *nd = arg;

    return netback_tx_poll(&nd->back) ? LOOP_MORE : LOOP_DONE;
}

static enum loop_turn on_rx_event(void *arg)
{
    struct netdev *nd = arg;

    if (nd->full && netback_rx_ready(&nd->back))
        receive(nd);
    return LOOP_DONE;
}

/* A frontend with one channel for both rings. */
static enum loop_turn on_event(void *arg)
{
    on_rx_event(arg);
    return on_tx_event(arg);
}

static void notify_tx(void *arg)
{
    struct netdev *nd = arg;

    loop_notify(nd->be.loop, nd->tx_port);
}

static void notify_rx(void *arg)
{
    struct netdev *nd = arg;

    loop_notify(nd->be.loop, nd->rx_port ? nd->rx_port : nd->tx_port);
}

/* --- the tap ----------------------------------------------------------------
 */

static int net_start(struct backend *be, struct backend_why *why)
{
    struct netdev *nd = netdev_of(be);
    struct store *s = be->loop->store;
    char *name = store_read(s, 0, be->path, "vifname");
    char *bridge = store_read(s, 0, be->path, "bridge");
    char standard[32];
    int rc;

    snprintf(standard, sizeof(standard), "vif%u.%u", be->domid, be->devid);
    rc = tap_open(&nd->tap, name && *name ? name : standard,
                  bridge ? bridge : "", be->domid, be->devid, why);
    free(name);
    free(bridge);
    if (rc)
        return rc;
    nd->readable = event_new(be->loop->base, nd->tap.fd, EV_READ | EV_PERSIST,
                             on_readable, nd);
    nd->stalled = evtimer_new(be->loop->base, on_stalled, nd);
    if (!nd->readable || !nd->stalled)
        return backend_fail(why, -ENOMEM, "out of memory");
    if (!be->adopting)
        tap_set_carrier(&nd->tap, false);
    return 0;
}

static void net_stop(struct backend *be)
{
    struct netdev *nd = netdev_of(be);

    if (nd->readable)
        event_free(nd->readable);
    if (nd->stalled)
        event_free(nd->stalled);
    nd->readable = nd->stalled = NULL;
    tap_close(&nd->tap, !be->leaving);
}

static int net_features(struct backend *be, store_txn_t t)
{
    static const struct {
        const char *key;
        int value;
    } features[] = {
        {"feature-rx-copy", 1},
        {"feature-rx-flip", 0},
        {"feature-sg", 1},
        {"feature-gso-tcpv4", 1},
        {"feature-gso-tcpv6", 1},
        {"feature-ipv6-csum-offload", 1},
        {"feature-split-event-channels", 1},
        {"feature-multicast-control", 0},
        {"multi-queue-max-queues", 1},
    };

    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        int rc = store_write(be->loop->store, t, be->path, features[i].key,
                             "%d", features[i].value);

        if (rc)
            return rc;
    }
    return store_write(be->loop->store, t, be->path, "vifname", "%s",
                       netdev_of(be)->tap.name);
}

/* --- the rings --------------------------------------------------------------
 */

/* What the frontend says it can do; what it does not say it cannot. */
struct abilities {
    uint64_t rx_copy, rx_notify, scatter, tso4, tso6, no_csum, ipv6_csum;
};

static int read_abilities(struct backend *be, struct abilities *a)
{
    const struct {
        const char *key;
        uint64_t *value;
    } keys[] = {
        {"request-rx-copy", &a->rx_copy},
        {"feature-rx-notify", &a->rx_notify},
        {"feature-sg", &a->scatter},
        {"feature-gso-tcpv4", &a->tso4},
        {"feature-gso-tcpv6", &a->tso6},
        {"feature-no-csum-offload", &a->no_csum},
        {"feature-ipv6-csum-offload", &a->ipv6_csum},
    };
    int rc = 0;

    for (size_t i = 0; !rc && i < sizeof(keys) / sizeof(keys[0]); i++)
        rc = store_read_uint_or(be->loop->store, be->frontend, keys[i].key, 1,
                                0, keys[i].value);
    return rc;
}

static int check_abilities(struct backend *be, struct abilities *a,
                           struct backend_why *why)
{
    int rc = read_abilities(be, a);

    if (rc)
        return backend_fail(why, rc, "the frontend's features are unreadable");
    if (!a->rx_copy)
        return backend_fail(why, -EOPNOTSUPP,
                            "the frontend does not take copies "
                            "(request-rx-copy)");
    if (!a->rx_notify)
        return backend_fail(why, -EOPNOTSUPP,
                            "the frontend does not say when it has posted "
                            "buffers (feature-rx-notify)");
    return 0;
}

static int bind_one(struct netdev *nd, const char *key, loop_port_fn *fn,
                    struct loop_port **port)
{
    uint32_t remote;
    int rc = ringmap_read_port(&nd->be, key, &remote);

    if (!rc)
        rc = loop_bind(nd->be.loop, nd->be.domid, remote, fn, nd, port);
    return rc;
}

static void unbind_ports(struct netdev *nd)
{
    loop_unbind(nd->be.loop, nd->tx_port);
    loop_unbind(nd->be.loop, nd->rx_port);
    nd->tx_port = nd->rx_port = NULL;
}

static int bind_ports(struct netdev *nd, struct backend_why *why)
{
    int rc = bind_one(nd, "event-channel-tx", on_tx_event, &nd->tx_port);

    if (rc == -ENOENT)
        rc = bind_one(nd, "event-channel", on_event, &nd->tx_port);
    else if (!rc)
        rc = bind_one(nd, "event-channel-rx", on_rx_event, &nd->rx_port);
    if (rc) {
        unbind_ports(nd);
        return backend_fail(why, rc, "cannot bind the event channels: %s",
                            strerror(-rc));
    }
    return 0;
}

static void open_rings(struct netdev *nd, const struct abilities *a)
{
    const struct netback_config cfg = {
        .name = nd->be.path,
        .domid = nd->be.domid,
        .gnttab = nd->be.loop->gnttab,
        .tap_fd = nd->tap.fd,
        .tx_page = nd->tx_ring.pages,
        .rx_page = nd->rx_ring.pages,
        .scatter = a->scatter,
        .ipv6_csum = a->ipv6_csum,
        .notify_tx = notify_tx,
        .notify_rx = notify_rx,
        .arg = nd,
    };

    netback_open(&nd->back, &cfg);
}

static int net_connect(struct backend *be, struct backend_why *why)
{
    struct netdev *nd = netdev_of(be);
    struct tap_offloads offloads;
    struct abilities a;
    int rc = check_abilities(be, &a, why);

    if (rc)
        return rc;
    rc = ringmap_open(&nd->tx_ring, be, "tx-ring-ref", NULL, why);
    if (rc)
        return rc;
    rc = ringmap_open(&nd->rx_ring, be, "rx-ring-ref", NULL, why);
    if (rc)
        goto unmap_tx;
    rc = bind_ports(nd, why);
    if (rc)
        goto unmap_rx;
    offloads = (struct tap_offloads){.csum = !a.no_csum,
                                     .tso4 = a.scatter && a.tso4,
                                     .tso6 = a.scatter && a.tso6};
    rc = tap_set_offloads(&nd->tap, &offloads);
    if (rc) {
        backend_fail(why, rc, "%s: TUNSETOFFLOAD: %s", nd->tap.name,
                     strerror(-rc));
        goto unbind;
    }
    open_rings(nd, &a);
    nd->full = false;
    event_add(nd->readable, NULL);
    tap_set_carrier(&nd->tap, true);
    if (be->adopting) { /* events meanwhile were lost, both ways */
        notify_tx(nd);
        notify_rx(nd);
    }
    return 0;

unbind:
    unbind_ports(nd);
unmap_rx:
    ringmap_close(&nd->rx_ring, be);
unmap_tx:
    ringmap_close(&nd->tx_ring, be);
    return rc;
}

static void net_disconnect(struct backend *be)
{
    struct netdev *nd = netdev_of(be);
    const struct netback_stats *st = &nd->back.stats;

    event_del(nd->readable);
    evtimer_del(nd->stalled);
    if (!be->leaving)
        tap_set_carrier(&nd->tap, false);
    unbind_ports(nd);
    ringmap_close(&nd->rx_ring, be);
    ringmap_close(&nd->tx_ring, be);
    log_limited(&be->log_limit, LOG_LEVEL_INFO,
                "%s: sent %llu frames (%llu refused), received %llu "
                "(%llu dropped)",
                be->path, (unsigned long long)st->tx_frames,
                (unsigned long long)st->tx_errors,
                (unsigned long long)st->rx_frames,
                (unsigned long long)st->rx_dropped);
}

static bool device_lives(void *arg, uint32_t domid, uint32_t devid)
{
    return backend_find(arg, domid, devid);
}

static void net_settled(struct backend_host *host)
{
    tap_remove_orphans(device_lives, host);
}

const struct backend_class net_class = {
    .type = "pvif",
    .size = sizeof(struct netdev),
    .start = net_start,
    .features = net_features,
    .connect = net_connect,
    .disconnect = net_disconnect,
    .stop = net_stop,
    .settled = net_settled,
};
