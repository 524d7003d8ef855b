#include "pv-backends/net/queue.h"

#include "pv-backends/net/tap.h"
#include "pv-backends/runtime/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

/*
 * How long frames wait for a guest that posts no buffers, then how often its
 * queue is emptied; how long another guest's frames wait for it.
 */
enum { STALL_MS = 1000, DROP_MS = 100, HOLD_MS = 20 };

/* --- turns ------------------------------------------------------------------
 */

static void set_timer(struct event *timer, uint64_t us)
{
    struct timeval tv = {us / 1000000, us % 1000000};

    evtimer_add(timer, &tv);
}

static void receive(struct netqueue *q)
{
    bool was_full = q->full;

    q->full = netback_rx_push(&q->back) == NETBACK_RX_FULL;
    if (q->full == was_full)
        return;
    if (q->full) {
        event_del(q->readable);
        set_timer(q->stalled, STALL_MS * 1000);
    } else {
        evtimer_del(q->stalled);
        event_add(q->readable, NULL);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    receive(arg); /* level-triggered: more is another turn */
}

static void on_stalled(evutil_socket_t fd, short what, void *arg)
{
    struct netqueue *q = arg;

    (void)fd, (void)what;
    netback_rx_drop(&q->back);
    set_timer(q->stalled, DROP_MS * 1000);
}

/* A sender that waits keeps its port open: an event more does no harm. */
static enum loop_turn transmit(struct netqueue *q)
{
    uint64_t wait_ns = 0;

    q->paced = false;
    switch (netback_tx_poll(&q->back, &wait_ns)) {
    case NETBACK_TX_MORE:
        return LOOP_MORE;
    case NETBACK_TX_WAITS:
        set_timer(q->sender, HOLD_MS * 1000);
        return LOOP_DONE;
    case NETBACK_TX_LIMITED:
        q->paced = true;
        set_timer(q->sender, wait_ns / 1000 + 1);
        return LOOP_DONE;
    default:
        return LOOP_DONE;
    }
}

static enum loop_turn on_tx_event(void *arg)
{
    struct netqueue *q = arg;

    q->back.polled = spin_touch(q->be->loop->spin, &q->source);
    return transmit(q);
}

/* While it is polled. */
static bool work(void *arg)
{
    struct netqueue *q = arg;

    if (q->paced || !netback_tx_wanted(&q->back))
        return false;
    transmit(q);
    return true;
}

static void rest(void *arg)
{
    struct netqueue *q = arg;

    q->back.polled = false;
    if (transmit(q) == LOOP_MORE)
        loop_kick(q->be->loop, q->tx_port);
}

/* The sender's wait is over: for another card, or for its rate. */
static void on_sender(evutil_socket_t fd, short what, void *arg)
{
    struct netqueue *q = arg;

    (void)fd, (void)what;
    netback_tx_give_up(&q->back);
    loop_kick(q->be->loop, q->tx_port);
}

static void wake_tx(void *arg)
{
    struct netqueue *q = arg;

    evtimer_del(q->sender);
    loop_kick(q->be->loop, q->tx_port);
}

static enum loop_turn on_rx_event(void *arg)
{
    struct netqueue *q = arg;

    if (netback_rx_ready(&q->back) && q->full)
        receive(q);
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
    struct netqueue *q = arg;

    loop_notify(q->be->loop, q->tx_port);
}

static void notify_rx(void *arg)
{
    struct netqueue *q = arg;

    loop_notify(q->be->loop, q->rx_port ? q->rx_port : q->tx_port);
}

/* --- beginning and end ------------------------------------------------------
 */

static int bind_one(struct netqueue *q, const char *key, loop_port_fn *fn,
                    struct loop_port **port, uint32_t *remote)
{
    int rc = ringmap_read_port(q->be, q->directory, key, remote);

    if (!rc)
        rc = loop_bind(q->be->loop, q->be->domid, *remote, fn, q, port);
    return rc;
}

static int bind_ports(struct netqueue *q, uint32_t *first,
                      struct backend_why *why)
{
    uint32_t second;
    int rc = bind_one(q, "event-channel-tx", on_tx_event, &q->tx_port, first);

    if (rc == -ENOENT)
        rc = bind_one(q, "event-channel", on_event, &q->tx_port, first);
    else if (!rc)
        rc = bind_one(q, "event-channel-rx", on_rx_event, &q->rx_port, &second);
    if (rc)
        backend_fail(why, rc, "cannot bind the event channels: %s",
                     strerror(-rc));
    return rc;
}

static int name_things(struct netqueue *q, const struct netqueue_setup *s)
{
    const struct backend *be = q->be;
    int rc;

    rc = s->alone
             ? asprintf(&q->directory, "%s", be->frontend)
             : asprintf(&q->directory, "%s/queue-%u", be->frontend, s->index);
    if (rc < 0) {
        q->directory = NULL;
        return -ENOMEM;
    }
    if (asprintf(&q->journal, "%s/%u-%u-%u.answers", s->run_dir, be->domid,
                 be->devid, s->index) < 0) {
        q->journal = NULL;
        return -ENOMEM;
    }
    if (asprintf(&q->latency_path, "%s/%u-%u-%u.latency", s->run_dir, be->domid,
                 be->devid, s->index) < 0) {
        q->latency_path = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int take_tap(struct netqueue *q, const struct netqueue_setup *s,
                    struct backend_why *why)
{
    int rc;

    q->tap_fd = s->tap_fd;
    if (!s->index)
        return 0;
    rc = tap_more(s->tap, &q->tap_fd);
    q->own_fd = !rc;
    return rc ? backend_fail(why, rc, "%s has no queue %u: %s", s->tap,
                             s->index, strerror(-rc))
              : 0;
}

static int make_events(struct netqueue *q)
{
    struct event_base *base = q->be->loop->base;

    q->readable =
        event_new(base, q->tap_fd, EV_READ | EV_PERSIST, on_readable, q);
    q->stalled = evtimer_new(base, on_stalled, q);
    q->sender = evtimer_new(base, on_sender, q);
    return q->readable && q->stalled && q->sender ? 0 : -ENOMEM;
}

static void open_rings(struct netqueue *q, const struct netqueue_setup *s)
{
    const struct net_abilities *a = s->can;
    const struct netback_config cfg = {
        .name = q->be->path,
        .domid = q->be->domid,
        .gnttab = q->be->loop->gnttab,
        .tap_fd = q->tap_fd,
        .tx_page = q->tx_ring.pages,
        .rx_page = q->rx_ring.pages,
        .journal = q->answers,
        .port = s->port,
        .limit = s->limit,
        .sent = latency_way(q->latency, 0),
        .received = latency_way(q->latency, 1),
        .scatter = a->scatter,
        .csum = !a->no_csum,
        .ipv6_csum = a->ipv6_csum,
        .tso4 = a->scatter && a->tso4,
        .tso6 = a->scatter && a->tso6,
        .notify_tx = notify_tx,
        .notify_rx = notify_rx,
        .wake_tx = wake_tx,
        .arg = q,
    };

    netback_open(&q->back, &cfg);
}

static int open_all(struct netqueue *q, const struct netqueue_setup *s,
                    struct backend_why *why)
{
    uint32_t port;
    int rc = name_things(q, s);

    if (!rc)
        rc = take_tap(q, s, why);
    if (!rc)
        rc = make_events(q);
    if (!rc)
        rc = ringmap_open(&q->tx_ring, q->be, q->directory, "tx-ring-ref", NULL,
                          why);
    if (!rc)
        rc = ringmap_open(&q->rx_ring, q->be, q->directory, "rx-ring-ref", NULL,
                          why);
    if (!rc)
        rc = bind_ports(q, &port, why);
    if (rc)
        return rc;
    rc = netjournal_open(&q->answers, q->journal,
                         (uint64_t)port << 32 | q->tx_ring.refs[0],
                         q->be->adopting);
    if (rc)
        return backend_fail(why, rc, "%s: %s", q->journal, strerror(-rc));
    q->latency = latency_create(q->latency_path, q->be->adopting);
    open_rings(q, s);
    event_add(q->readable, NULL);
    return 0;
}

int netqueue_open(struct netqueue **out, struct backend *be,
                  const struct netqueue_setup *setup, struct backend_why *why)
{
    struct netqueue *q = calloc(1, sizeof(*q));
    int rc;

    backend_fail(why, 0, "out of memory");
    if (!q)
        return -ENOMEM;
    q->be = be;
    q->source = (struct spin_source){.work = work, .rest = rest, .arg = q};
    rc = open_all(q, setup, why);
    if (rc) {
        netqueue_close(q);
        return rc;
    }
    *out = q;
    return 0;
}

void netqueue_nudge(struct netqueue *q)
{
    notify_tx(q);
    notify_rx(q);
}

static void free_event(struct event *e)
{
    if (e)
        event_free(e);
}

void netqueue_close(struct netqueue *q)
{
    if (!q)
        return;
    spin_forget(q->be->loop->spin, &q->source);
    if (q->back.cfg.arg) /* it was opened */
        netback_close(&q->back);
    free_event(q->readable);
    free_event(q->stalled);
    free_event(q->sender);
    loop_unbind(q->be->loop, q->tx_port);
    loop_unbind(q->be->loop, q->rx_port);
    ringmap_close(&q->rx_ring, q->be);
    ringmap_close(&q->tx_ring, q->be);
    if (q->journal)
        netjournal_close(q->answers, q->journal, !q->be->leaving);
    if (q->own_fd)
        close(q->tap_fd);
    latency_destroy(q->latency, q->latency_path, !q->be->leaving);
    free(q->latency_path);
    free(q->journal);
    free(q->directory);
    free(q);
}
