#include "pv-backends/net/device.h"

#include "pv-backends/net/link.h"
#include "pv-backends/net/queue.h"
#include "pv-backends/net/tap.h"
#include "pv-backends/runtime/bucket.h"
#include "pv-backends/runtime/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VLAN = 4094, DEFAULT_MTU = 1500 };

struct netdev {
    struct backend be; /* first */
    struct tap tap;
    struct netport port;
    struct bucket limit; /* of what the guest sends */
    struct netqueue *queues[NET_MAX_QUEUES];
    struct netback *rings[NET_MAX_QUEUES]; /* the queues', for others */
    unsigned int nr_queues;
};

static struct net_settings settings;

void net_device_setup(const struct net_settings *s)
{
    settings = *s;
}

static struct netdev *netdev_of(struct backend *be)
{
    return (struct netdev *)be;
}

/* --- what the toolstack wants -----------------------------------------------
 */

/* A number of our directory; what is wrong there counts as not there. */
static unsigned int wish(struct backend *be, const char *key, uint64_t max)
{
    uint64_t value;

    if (store_read_uint_or(be->loop->store, be->path, key, max, 0, &value))
        value = 0;
    return (unsigned int)value;
}

/* "BYTES,MICROSECONDS": so much in each such interval. */
static void read_limit(struct netdev *nd)
{
    char *text = store_read(nd->be.loop->store, 0, nd->be.path, "rate");
    unsigned long long bytes = 0, us = 0;

    if (!text || sscanf(text, "%llu,%llu", &bytes, &us) != 2 || !us ||
        bytes > UINT32_MAX)
        bytes = 0, us = 1;
    bucket_set(&nd->limit, bytes * 1000000 / us, bytes);
    free(text);
}

static int read_mac(struct netdev *nd)
{
    char *text = store_read(nd->be.loop->store, 0, nd->be.path, "mac");
    uint8_t *m = nd->port.place.mac;
    int n = text ? sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1,
                          m + 2, m + 3, m + 4, m + 5)
                 : 0;

    free(text);
    if (n != NET_MAC_BYTES)
        memset(m, 0, NET_MAC_BYTES);
    return n == NET_MAC_BYTES ? 0 : -ENOENT;
}

static int read_place(struct netdev *nd, struct backend_why *why)
{
    struct backend *be = &nd->be;
    struct netplace *place = &nd->port.place;
    char *bridge = store_read(be->loop->store, 0, be->path, "bridge");
    int rc = 0;

    memset(place, 0, sizeof(*place));
    if (bridge && strlen(bridge) >= sizeof(place->bridge))
        rc = backend_fail(why, -EINVAL, "no name for a bridge: %s", bridge);
    else
        snprintf(place->bridge, sizeof(place->bridge), "%s",
                 bridge ? bridge : "");
    free(bridge);
    if (rc)
        return rc;
    place->vlan = wish(be, "vlan", MAX_VLAN);
    place->isolated = wish(be, "isolated", 1);
    place->filtered = wish(be, "antispoof", 1);
    place->mtu = wish(be, "mtu", UINT16_MAX);
    if (read_mac(nd) && place->filtered)
        return backend_fail(why, -EINVAL,
                            "antispoof is wanted, but no address is given "
                            "(mac)");
    return 0;
}

/* --- the tap ----------------------------------------------------------------
 */

static int net_start(struct backend *be, struct backend_why *why)
{
    struct netdev *nd = netdev_of(be);
    char *name = store_read(be->loop->store, 0, be->path, "vifname");
    char standard[32];
    int rc;

    nd->tap.fd = -1;
    snprintf(standard, sizeof(standard), "vif%u.%u", be->domid, be->devid);
    rc = read_place(nd, why);
    if (!rc)
        rc = tap_open(&nd->tap, name && *name ? name : standard,
                      &nd->port.place, be->domid, be->devid, why);
    free(name);
    if (rc)
        return rc;
    nd->port.place.mtu = link_mtu(nd->tap.name);
    if (!nd->port.place.mtu)
        nd->port.place.mtu = DEFAULT_MTU;
    read_limit(nd);
    if (!be->adopting)
        tap_set_carrier(&nd->tap, false);
    return 0;
}

static void net_stop(struct backend *be)
{
    tap_close(&netdev_of(be)->tap, !be->leaving);
}

static int net_features(struct backend *be, store_txn_t t)
{
    const struct {
        const char *key;
        unsigned int value;
    } features[] = {
        {"feature-rx-copy", 1},
        {"feature-rx-flip", 0},
        {"feature-sg", 1},
        {"feature-gso-tcpv4", 1},
        {"feature-gso-tcpv6", 1},
        {"feature-ipv6-csum-offload", 1},
        {"feature-split-event-channels", 1},
        {"feature-multicast-control", 0},
        {"multi-queue-max-queues", settings.max_queues},
    };

    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        int rc = store_write(be->loop->store, t, be->path, features[i].key,
                             "%u", features[i].value);

        if (rc)
            return rc;
    }
    return store_write(be->loop->store, t, be->path, "vifname", "%s",
                       netdev_of(be)->tap.name);
}

/* Nodes of ours that may change while the card is in use. */
static void net_changed(struct backend *be, const char *key)
{
    if (!strcmp(key, "rate"))
        read_limit(netdev_of(be));
}

/* --- the rings --------------------------------------------------------------
 */

static int read_abilities(struct backend *be, struct net_abilities *a)
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

static int check_abilities(struct backend *be, struct net_abilities *a,
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

/* How many queues the frontend has chosen, of those we had offered. */
static int read_queues(struct backend *be, unsigned int *nr,
                       struct backend_why *why)
{
    uint64_t offered, chosen;
    int rc =
        store_read_uint_or(be->loop->store, be->path, "multi-queue-max-queues",
                           NET_MAX_QUEUES, 1, &offered);

    if (!rc)
        rc = store_read_uint_or(be->loop->store, be->frontend,
                                "multi-queue-num-queues", offered, 1, &chosen);
    if (rc || !chosen)
        return backend_fail(why, rc ? rc : -EINVAL,
                            "the frontend's number of queues is wrong");
    *nr = (unsigned int)chosen;
    return 0;
}

static void close_queues(struct netdev *nd)
{
    netport_connect(&nd->port, NULL, 0);
    netport_unlist(&nd->port);
    while (nd->nr_queues)
        netqueue_close(nd->queues[--nd->nr_queues]);
}

static int open_queues(struct netdev *nd, const struct net_abilities *a,
                       unsigned int nr, struct backend_why *why)
{
    int rc;

    for (unsigned int i = 0; i < nr; i++) {
        const struct netqueue_setup setup = {
            .index = i,
            .alone = nr == 1,
            .tap = nd->tap.name,
            .tap_fd = nd->tap.fd,
            .run_dir = settings.state_dir,
            .can = a,
            .port = &nd->port,
            .limit = &nd->limit,
        };

        rc = netqueue_open(&nd->queues[i], &nd->be, &setup, why);
        if (rc) {
            close_queues(nd);
            return rc;
        }
        nd->rings[i] = &nd->queues[i]->back;
        nd->nr_queues = i + 1;
    }
    if (settings.switching)
        netport_list(&nd->port);
    netport_connect(&nd->port, nd->rings, nr);
    return 0;
}

static int net_connect(struct backend *be, struct backend_why *why)
{
    struct netdev *nd = netdev_of(be);
    struct tap_offloads offloads;
    struct net_abilities a;
    unsigned int nr = 0;
    int rc = check_abilities(be, &a, why);

    if (!rc)
        rc = read_queues(be, &nr, why);
    if (rc)
        return rc;
    offloads = (struct tap_offloads){.csum = !a.no_csum,
                                     .tso4 = a.scatter && a.tso4,
                                     .tso6 = a.scatter && a.tso6};
    rc = tap_set_offloads(&nd->tap, &offloads);
    if (rc)
        return backend_fail(why, rc, "%s: TUNSETOFFLOAD: %s", nd->tap.name,
                            strerror(-rc));
    rc = open_queues(nd, &a, nr, why);
    if (rc)
        return rc;
    tap_set_carrier(&nd->tap, true);
    for (unsigned int i = 0; be->adopting && i < nr; i++)
        netqueue_nudge(nd->queues[i]); /* events meanwhile were lost */
    return 0;
}

/* --- the end ----------------------------------------------------------------
 */

static void add_stats(struct netback_stats *sum, const struct netback_stats *s)
{
    sum->tx_frames += s->tx_frames;
    sum->tx_bytes += s->tx_bytes;
    sum->tx_errors += s->tx_errors;
    sum->tx_spoofed += s->tx_spoofed;
    sum->tx_switched += s->tx_switched;
    sum->copied_bytes += s->copied_bytes;
    sum->rx_frames += s->rx_frames;
    sum->rx_dropped += s->rx_dropped;
}

static void log_stats(struct netdev *nd)
{
    struct netback_stats s = {0};

    for (unsigned int i = 0; i < nd->nr_queues; i++)
        add_stats(&s, &nd->queues[i]->back.stats);
    log_limited(
        &nd->be.log_limit, LOG_LEVEL_INFO,
        "%s: sent %llu frames of %llu bytes by copying %llu bytes "
        "(%llu frames straight to other guests, %llu refused, %llu "
        "of them from false addresses), received %llu (%llu dropped)",
        nd->be.path, (unsigned long long)s.tx_frames,
        (unsigned long long)s.tx_bytes, (unsigned long long)s.copied_bytes,
        (unsigned long long)s.tx_switched, (unsigned long long)s.tx_errors,
        (unsigned long long)s.tx_spoofed, (unsigned long long)s.rx_frames,
        (unsigned long long)s.rx_dropped);
}

static void net_disconnect(struct backend *be)
{
    struct netdev *nd = netdev_of(be);

    log_stats(nd);
    if (!be->leaving)
        tap_set_carrier(&nd->tap, false);
    close_queues(nd);
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
    .changed = net_changed,
    .settled = net_settled,
};
