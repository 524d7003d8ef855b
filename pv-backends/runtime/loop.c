#include "pv-backends/runtime/loop.h"

#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/spin.h"
#include "pv-backends/runtime/store.h"
#include "dom0/libs/evtchn/evtchn.h"
#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

enum { PORTS_PER_READ = 64 };

struct loop_port {
    TAILQ_ENTRY(loop_port) link;
    uint32_t port;
    bool queued, running, masked, dead;
    loop_port_fn *fn;
    void *arg;
};

struct loop_private {
    struct event *evtchn_readable, *turn, *sigterm, *sigint;
    struct loop_port **ports; /* by local port */
    uint32_t nr_ports;
    TAILQ_HEAD(loop_queue, loop_port) queue; /* ports that wait for a turn */
};

static void enqueue(struct loop_private *lp, struct loop_port *p)
{
    if (p->queued || p->dead)
        return;
    TAILQ_INSERT_TAIL(&lp->queue, p, link);
    p->queued = true;
    event_active(lp->turn, EV_TIMEOUT, 0);
}

static void unmask(struct loop *loop, struct loop_port *p)
{
    if (!p->masked)
        return;
    p->masked = false;
    evtchn_unmask(loop->evtchn, &p->port, 1);
}

static void take_turn(struct loop *loop, struct loop_port *p)
{
    enum loop_turn turn;

    p->running = true;
    turn = p->fn(p->arg);
    p->running = false;
    if (p->dead) {
        free(p);
        return;
    }
    if (turn == LOOP_DONE && !p->queued)
        unmask(loop, p);
    else if (turn == LOOP_MORE)
        enqueue(loop->priv, p);
}

/* Everybody who waits now gets one turn; who queues again waits for the next.
 */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    struct loop_queue round = TAILQ_HEAD_INITIALIZER(round);
    struct loop_port *p;

    (void)fd, (void)what;
    TAILQ_CONCAT(&round, &loop->priv->queue, link);
    while ((p = TAILQ_FIRST(&round))) {
        TAILQ_REMOVE(&round, p, link);
        p->queued = false;
        if (p->dead)
            free(p);
        else
            take_turn(loop, p);
    }
}

static void on_evtchn(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    struct loop_private *lp = loop->priv;
    uint32_t fired[PORTS_PER_READ];
    int n;

    (void)fd, (void)what;
    n = evtchn_pending(loop->evtchn, fired, PORTS_PER_READ);
    for (int i = 0; i < n; i++) {
        struct loop_port *p =
            fired[i] < lp->nr_ports ? lp->ports[fired[i]] : NULL;

        if (!p)
            continue; /* unbound since */
        p->masked = true;
        enqueue(lp, p);
    }
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    loop_stop(arg);
}

/* A few descriptors per device, and there may be thousands of devices. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        log_warning("cannot raise the limit of open files: %s",
                    strerror(errno));
}

static int open_store(struct loop *loop, unsigned int wait_s)
{
    int rc;

    for (unsigned int tries = wait_s * 10;; tries--) {
        rc = store_open(&loop->store, loop->base);
        if (!rc || !tries)
            return rc;
        usleep(100000);
    }
}

static int add_events(struct loop *loop)
{
    struct loop_private *lp = loop->priv;

    lp->evtchn_readable = event_new(loop->base, evtchn_fd(loop->evtchn),
                                    EV_READ | EV_PERSIST, on_evtchn, loop);
    lp->turn = event_new(loop->base, -1, 0, on_turn, loop);
    lp->sigterm = evsignal_new(loop->base, SIGTERM, on_signal, loop);
    lp->sigint = evsignal_new(loop->base, SIGINT, on_signal, loop);
    if (!lp->evtchn_readable || !lp->turn || !lp->sigterm || !lp->sigint ||
        event_add(lp->evtchn_readable, NULL) || event_add(lp->sigterm, NULL) ||
        event_add(lp->sigint, NULL))
        return -ENOMEM;
    return 0;
}

int loop_open(struct loop **out, unsigned int wait_s, unsigned int poll_us)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    const char *what = "memory";
    int rc = -ENOMEM;

    if (!loop || !(loop->priv = calloc(1, sizeof(*loop->priv))))
        goto fail;
    TAILQ_INIT(&loop->priv->queue);
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    loop->base = event_base_new();
    if (!loop->base || event_base_priority_init(loop->base, 3))
        goto fail;
    rc = spin_open(&loop->spin, loop->base, poll_us);
    if (rc)
        goto fail;

    what = "the event-channel device";
    rc = evtchn_open(&loop->evtchn);
    if (rc)
        goto fail;
    what = "the grant device";
    rc = gnttab_open(&loop->gnttab);
    if (rc)
        goto fail;
    what = "the store";
    rc = open_store(loop, wait_s);
    if (rc)
        goto fail;
    what = "the event loop";
    rc = add_events(loop);
    if (rc)
        goto fail;
    *out = loop;
    return 0;

fail:
    log_error("cannot open %s: %s", what, strerror(-rc));
    loop_close(loop);
    return rc;
}

static void free_event(struct event *e)
{
    if (e)
        event_free(e);
}

void loop_close(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->priv) {
        free_event(loop->priv->evtchn_readable);
        free_event(loop->priv->turn);
        free_event(loop->priv->sigterm);
        free_event(loop->priv->sigint);
        free(loop->priv->ports);
    }
    spin_close(loop->spin);
    store_close(loop->store);
    gnttab_close(loop->gnttab);
    evtchn_close(loop->evtchn);
    if (loop->base)
        event_base_free(loop->base);
    free(loop->priv);
    free(loop);
}

int loop_run(struct loop *loop)
{
    return event_base_dispatch(loop->base) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *loop)
{
    event_base_loopbreak(loop->base);
}

static int reserve(struct loop_private *lp, uint32_t port)
{
    uint32_t nr = lp->nr_ports ? lp->nr_ports : 64;
    struct loop_port **more;

    if (port < lp->nr_ports)
        return 0;
    while (nr <= port)
        nr *= 2;
    more = realloc(lp->ports, nr * sizeof(*more));
    if (!more)
        return -ENOMEM;
    memset(more + lp->nr_ports, 0, (nr - lp->nr_ports) * sizeof(*more));
    lp->ports = more;
    lp->nr_ports = nr;
    return 0;
}

int loop_bind(struct loop *loop, uint32_t domid, uint32_t remote_port,
              loop_port_fn *fn, void *arg, struct loop_port **out)
{
    struct loop_port *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return -ENOMEM;
    rc = evtchn_bind(loop->evtchn, domid, remote_port, &p->port);
    if (rc) {
        free(p);
        return rc;
    }
    rc = reserve(loop->priv, p->port);
    if (rc) {
        evtchn_unbind(loop->evtchn, p->port);
        free(p);
        return rc;
    }
    p->fn = fn;
    p->arg = arg;
    loop->priv->ports[p->port] = p;
    enqueue(loop->priv, p);
    *out = p;
    return 0;
}

void loop_unbind(struct loop *loop, struct loop_port *p)
{
    if (!p)
        return;
    loop->priv->ports[p->port] = NULL;
    evtchn_unbind(loop->evtchn, p->port);
    p->dead = true;
    if (!p->queued && !p->running)
        free(p); /* else the queue or the handler's turn frees it */
}

void loop_notify(struct loop *loop, struct loop_port *p)
{
    evtchn_notify(loop->evtchn, p->port);
}

void loop_kick(struct loop *loop, struct loop_port *p)
{
    enqueue(loop->priv, p);
}
