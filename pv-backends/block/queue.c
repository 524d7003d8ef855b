#include "pv-backends/block/queue.h"

#include "pv-backends/runtime/grantcache.h"
#include "pv-backends/runtime/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

/* Pages kept mapped per ring page: a ring full of Linux's usual requests. */
enum { PERSISTENT_PAGES = 1056 };

/* --- turns ------------------------------------------------------------------
 */

static enum loop_turn on_event(void *arg)
{
    struct blkqueue *q = arg;

    q->active(q->be);
    q->back.polled = spin_touch(q->be->loop->spin, &q->source);
    blkback_poll(&q->back);
    return LOOP_DONE;
}

/* While it is polled. */
static bool work(void *arg)
{
    struct blkqueue *q = arg;

    if (!blkback_wanted(&q->back))
        return false;
    blkback_poll(&q->back);
    return true;
}

static void rest(void *arg)
{
    struct blkqueue *q = arg;

    q->active(q->be);
    q->back.polled = false;
    blkback_poll(&q->back);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    struct blkqueue *q = arg;

    (void)fd, (void)what;
    blkback_poll(&q->back);
}

static void wait_ns(void *arg, uint64_t ns)
{
    struct blkqueue *q = arg;
    struct timeval tv = {ns / 1000000000, ns % 1000000000 / 1000 + 1};

    evtimer_add(q->later, &tv);
}

static void notify(void *arg)
{
    struct blkqueue *q = arg;

    loop_notify(q->be->loop, q->port);
}

/* --- beginning --------------------------------------------------------------
 */

static int name_things(struct blkqueue *q, const struct blkqueue_setup *s)
{
    const struct backend *be = q->be;

    q->directory = q->journal = q->latency_path = NULL;
    if ((s->alone ? asprintf(&q->directory, "%s", be->frontend)
                  : asprintf(&q->directory, "%s/queue-%u", be->frontend,
                             s->index)) < 0) {
        q->directory = NULL;
        return -ENOMEM;
    }
    if ((s->index ? asprintf(&q->journal, "%s/%u-%u-%u.inflight", s->state_dir,
                             be->domid, be->devid, s->index)
                  : asprintf(&q->journal, "%s/%u-%u.inflight", s->state_dir,
                             be->domid, be->devid)) < 0) {
        q->journal = NULL;
        return -ENOMEM;
    }
    if (asprintf(&q->latency_path, "%s/%u-%u-%u.latency", s->state_dir,
                 be->domid, be->devid, s->index) < 0) {
        q->latency_path = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int take_ring(struct blkqueue *q, uint32_t *port,
                     struct backend_why *why)
{
    struct backend *be = q->be;
    int rc = ringmap_read_port(be, q->directory, "event-channel", port);

    if (rc)
        return backend_fail(why, rc, "the frontend's event-channel is missing");
    rc = ringmap_open(&q->rings, be, q->directory, "ring-ref",
                      "ring-page-order", why);
    if (rc)
        return rc;
    rc = loop_bind(be->loop, be->domid, *port, on_event, q, &q->port);
    if (rc)
        backend_fail(why, rc, "cannot bind event channel %u: %s", *port,
                     strerror(-rc));
    return rc;
}

static int open_ring(struct blkqueue *q, const struct blkqueue_setup *s,
                     uint32_t port)
{
    const struct blkback_config cfg = {
        .name = q->be->path,
        .domid = q->be->domid,
        .gnttab = q->be->loop->gnttab,
        .persistent = q->persistent,
        .io = s->io,
        .image_fd = s->image_fd,
        .disk = s->disk,
        .rate = s->rate,
        .latency = latency_way(q->latency, 0),
        .ring_pages = q->rings.pages,
        .nr_ring_pages = q->rings.nr_pages,
        .journal = q->journal,
        /* What tells this connection from an earlier one of the device. */
        .connection = (uint64_t)port << 32 | q->rings.refs[0],
        .adopt = q->be->adopting,
        .notify = notify,
        .wait = wait_ns,
        .arg = q,
    };
    int rc = blkback_open(&q->back, &cfg);

    q->opened = !rc;
    return rc;
}

static int open_all(struct blkqueue *q, const struct blkqueue_setup *s,
                    struct backend_why *why)
{
    struct backend *be = q->be;
    uint32_t port;
    int rc;

    q->later = evtimer_new(be->loop->base, on_later, q);
    if (!q->later || name_things(q, s))
        return backend_fail(why, -ENOMEM, "out of memory");
    rc = take_ring(q, &port, why);
    if (rc)
        return rc;
    if (s->persistent)
        rc = grantcache_open(&q->persistent, be->loop->gnttab, be->domid,
                             PERSISTENT_PAGES * q->rings.nr_pages);
    q->latency = latency_create(q->latency_path, be->adopting);
    if (!rc)
        rc = open_ring(q, s, port);
    if (rc)
        return backend_fail(why, rc, "cannot serve the ring: %s",
                            strerror(-rc));
    /* Events sent while nobody was bound are lost: so are ours. */
    if (be->adopting)
        loop_notify(be->loop, q->port);
    return 0;
}

int blkqueue_open(struct blkqueue **out, struct backend *be,
                  const struct blkqueue_setup *setup, struct backend_why *why)
{
    struct blkqueue *q = calloc(1, sizeof(*q));
    int rc;

    if (!q)
        return backend_fail(why, -ENOMEM, "out of memory");
    q->be = be;
    q->active = setup->active;
    q->source = (struct spin_source){.work = work, .rest = rest, .arg = q};
    rc = open_all(q, setup, why);
    if (rc) {
        blkqueue_close(q);
        return rc;
    }
    *out = q;
    return 0;
}

void blkqueue_close(struct blkqueue *q)
{
    if (!q)
        return;
    spin_forget(q->be->loop->spin, &q->source);
    if (q->opened)
        blkback_close(&q->back, !q->be->leaving);
    if (q->later)
        event_free(q->later);
    loop_unbind(q->be->loop, q->port);
    grantcache_close(q->persistent);
    ringmap_close(&q->rings, q->be);
    latency_destroy(q->latency, q->latency_path, !q->be->leaving);
    free(q->latency_path);
    free(q->journal);
    free(q->directory);
    free(q);
}
