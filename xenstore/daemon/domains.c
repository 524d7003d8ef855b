#include "xenstore/daemon/domains.h"
#include "dom0/libs/hypercall/hypercall.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/log.h"
#include "xenstore/transport/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/grant_table.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#define PAGE_BYTES 4096
/* Output that waits before we stop taking requests. */
#define OUT_MAX 65536

/* A ring we serve. */
struct ring {
    struct peer peer; /* first */
    struct domain *d;
    struct xenstore_domain_interface *page;
    evtchn_port_t port; /* ours */
    bool has_port;
    bool parked; /* it broke the rules: ignored until it starts over */
    bool is_kernel;
    bool is_queued;
    struct ring *next_work;
};

struct domains {
    struct hv *hv;
    xenevtchn_handle *evtchn;
    xengnttab_handle *gnttab;
    struct event *evtchn_event, *work_event;
    evtchn_port_t virq;
    struct ring **by_port;
    size_t nr_ports;
    struct ring *work, **work_end;
    bool in_round; /* the rings of `work` have their turns */
};

/* --- turns: each ring with something to do gets one, in order ---------------
 */

/* What is queued during a round waits for the next one, and that until the
 * sockets have been looked at: libevent would go on with us as long as there is
 * work. */
static void queue(struct ring *r)
{
    static const struct timeval next_round;
    struct domains *ds = r->peer.server->domains;

    if (r->is_queued)
        return;
    r->is_queued = true;
    r->next_work = NULL;
    *ds->work_end = r;
    ds->work_end = &r->next_work;
    if (ds->in_round)
        event_add(ds->work_event, &next_round);
    else
        event_active(ds->work_event, EV_TIMEOUT, 0);
}

static void unqueue(struct ring *r)
{
    struct domains *ds = r->peer.server->domains;
    struct ring **link = &ds->work;

    if (!r->is_queued)
        return;
    while (*link != r)
        link = &(*link)->next_work;
    *link = r->next_work;
    if (!*link)
        ds->work_end = link;
    r->is_queued = false;
}

static void park(struct ring *r, uint32_t error, const char *why)
{
    r->parked = true;
    ring_fail(r->page, error);
    log_line(LOG_WARN, "domain %u is ignored until it reconnects: %s",
             r->d->domid, why);
}

static void notify(struct ring *r)
{
    if (!r->has_port)
        return;
    if (xenevtchn_notify(r->peer.server->domains->evtchn, r->port))
        log_line(LOG_WARN, "domain %u cannot be notified: %s", r->d->domid,
                 strerror(errno));
}

static void ring_flush(struct peer *p)
{
    struct ring *r = (struct ring *)p;
    int rc;

    if (r->parked || !r->page)
        return;
    if (ring_publish(p->client, r->page, &rc))
        notify(r);
    if (rc)
        park(r, XENSTORE_ERROR_RINGIDX, "its response index is impossible");
    else if (ring_has_input(p->client, r->page))
        queue(r);
}

/* The ring is the new owner's from scratch. The journal goes first. */
static void start_over(struct ring *r)
{
    struct server *sv = r->peer.server;

    client_reset(r->peer.client, 0, 0);
    state_commit(sv->state, sv->store);
    ring_reset(r->page);
    r->parked = false;
    notify(r);
}

static void serve(struct ring *r)
{
    struct client *c = r->peer.client;
    size_t waiting;
    int rc;

    if (ring_wants_reset(r->page))
        start_over(r);
    if (r->parked)
        return;
    client_out(c, &waiting);
    if (waiting < OUT_MAX && client_may_request(c)) {
        rc = ring_take(c, r->page);
        if (rc < 0) {
            park(r,
                 rc == -ERANGE ? XENSTORE_ERROR_RINGIDX : XENSTORE_ERROR_PROTO,
                 rc == -ERANGE ? "its request index is impossible"
                               : "its message is too long");
            return;
        }
        waiting += (size_t)rc;
    }
    if (waiting)
        server_mark(&r->peer);
}

static void on_work(evutil_socket_t fd, short what, void *arg)
{
    struct server *sv = arg;
    struct domains *ds = sv->domains;
    struct ring *r;
    size_t turns = 0;

    (void)fd;
    (void)what;
    for (r = ds->work; r; r = r->next_work)
        turns++;
    ds->in_round = true;
    while (turns-- && (r = ds->work)) {
        unqueue(r);
        serve(r);
        server_settle(sv);
    }
    ds->in_round = false;
}

static void ring_resume_requests(struct peer *p)
{
    queue((struct ring *)p);
}

/* --- event channels ---------------------------------------------------------
 */

static void check_domain(struct server *sv, struct domain *d)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(sv->domains->hv, d->domid, &info);

    if (rc == -ESRCH || (!rc && (info.flags & XEN_DOMINF_dying))) {
        log_line(LOG_NOTE, "domain %u is gone", d->domid);
        store_domain_gone(sv->store, d);
    } else if (!rc && (info.flags & XEN_DOMINF_shutdown)) {
        store_domain_shutdown(sv->store, d);
    }
}

/* The hypervisor says that some domain changed, not which. */
static void check_domains(struct server *sv)
{
    struct domain *d = store_next_domain(sv->store, NULL);

    for (; d; d = store_next_domain(sv->store, d))
        if (d->domid)
            check_domain(sv, d);
}

static void on_evtchn(evutil_socket_t fd, short what, void *arg)
{
    struct server *sv = arg;
    struct domains *ds = sv->domains;
    xenevtchn_port_or_error_t port = xenevtchn_pending(ds->evtchn);

    (void)fd;
    (void)what;
    if (port < 0)
        return;
    xenevtchn_unmask(ds->evtchn, (evtchn_port_t)port);
    if ((evtchn_port_t)port == ds->virq)
        check_domains(sv);
    else if ((size_t)port < ds->nr_ports && ds->by_port[port])
        queue(ds->by_port[port]);
    server_settle(sv);
}

static void remember_port(struct domains *ds, evtchn_port_t port,
                          struct ring *r)
{
    size_t nr = ds->nr_ports ? ds->nr_ports : 64;

    while (nr <= port)
        nr *= 2;
    if (nr != ds->nr_ports) {
        ds->by_port = mem_resize(ds->by_port, nr * sizeof(struct ring *));
        memset(ds->by_port + ds->nr_ports, 0,
               (nr - ds->nr_ports) * sizeof(struct ring *));
        ds->nr_ports = nr;
    }
    ds->by_port[port] = r;
}

static void unbind(struct ring *r)
{
    struct domains *ds = r->peer.server->domains;

    if (!r->has_port)
        return;
    ds->by_port[r->port] = NULL;
    xenevtchn_unbind(ds->evtchn, r->port);
    r->has_port = false;
}

static int bind_port(struct ring *r, uint32_t remote)
{
    struct domains *ds = r->peer.server->domains;
    xenevtchn_port_or_error_t port;

    port = xenevtchn_bind_interdomain(ds->evtchn, r->d->domid, remote);
    if (port < 0)
        return -errno;
    r->port = (evtchn_port_t)port;
    r->has_port = true;
    remember_port(ds, r->port, r);
    return 0;
}

/* --- pages ------------------------------------------------------------------
 */

/* dom0's kernel gives its page and port to whoever reads these. */
static void *map_kernel_page(uint32_t *port)
{
    FILE *f = fopen("/proc/xen/xsd_port", "re");
    void *page = NULL;
    int fd, n;

    if (!f)
        return NULL;
    n = fscanf(f, "%u", port);
    fclose(f);
    fd = n == 1 ? open("/proc/xen/xsd_kva", O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return NULL;
    page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

static void *map_page(struct server *sv, struct domain *d)
{
    return xengnttab_map_grant_ref(sv->domains->gnttab, d->domid,
                                   GNTTAB_RESERVED_XENSTORE,
                                   PROT_READ | PROT_WRITE);
}

static void unmap_page(struct ring *r)
{
    if (r->page && r->is_kernel)
        munmap(r->page, PAGE_BYTES);
    else if (r->page)
        xengnttab_unmap(r->peer.server->domains->gnttab, r->page, 1);
    r->page = NULL;
}

/* --- rings ------------------------------------------------------------------
 */

static struct ring *ring_new(struct server *sv, struct domain *d, void *page)
{
    struct ring *r = mem_zalloc(sizeof(*r));

    r->peer.server = sv;
    r->peer.flush = ring_flush;
    r->peer.resume = ring_resume_requests;
    r->d = d;
    r->page = page;
    return r;
}

static void ring_adopt(struct ring *r, struct client *c)
{
    r->peer.client = c;
    client_set_user(c, &r->peer);
}

static void ring_free(struct ring *r)
{
    unqueue(r);
    server_unmark(&r->peer);
    unbind(r);
    unmap_page(r);
    free(r);
}

static int rebind(struct ring *r, struct domain *d)
{
    unbind(r);
    start_over(r);
    return bind_port(r, d->port);
}

int domains_introduce(void *ctx, struct domain *d, bool again)
{
    struct server *sv = ctx;
    struct ring *r;
    void *page;
    int rc;

    if (!sv->domains)
        return -ENODEV;
    if (again && d->client)
        return rebind(client_user(d->client), d);
    page = map_page(sv, d);
    if (!page)
        return -errno;
    r = ring_new(sv, d, page);
    rc = bind_port(r, d->port);
    if (rc) {
        ring_free(r);
        return rc;
    }
    ring_announce(r->page);
    if (ring_wants_reset(r->page))
        ring_reset(r->page);
    ring_adopt(r, client_open_ring(sv->store, d, r->page->req_cons,
                                   r->page->rsp_prod));
    notify(r);
    queue(r);
    return 0;
}

void domains_release(void *ctx, struct domain *d)
{
    struct server *sv = ctx;

    if (!sv->domains || !d->client || !client_user(d->client))
        return;
    ring_free(client_user(d->client));
    client_set_user(d->client, NULL);
}

bool domains_exists(void *ctx, unsigned int domid)
{
    struct xen_domctl_getdomaininfo info;
    struct server *sv = ctx;

    return !sv->domains || !hv_domain_info(sv->domains->hv, domid, &info);
}

/* --- starting ---------------------------------------------------------------
 */

/* Go on with a ring a former daemon served. */
static void take_over(struct ring *r, struct client *c, uint32_t port)
{
    int rc = ring_resume(c, r->page);

    ring_adopt(r, c);
    if (rc && !r->is_kernel) {
        park(r, XENSTORE_ERROR_RINGIDX, "its ring is not as it was left");
        return;
    }
    if (rc) {
        log_line(LOG_WARN, "dom0's kernel was served by another daemon: its "
                           "watches are lost");
        client_reset(c, r->page->req_cons, r->page->rsp_prod);
    }
    rc = bind_port(r, port);
    if (rc) {
        park(r, XENSTORE_ERROR_COMM, strerror(-rc));
        return;
    }
    notify(r);
    server_mark(&r->peer);
    queue(r);
}

static void start_kernel(struct server *sv)
{
    struct domain *d = store_domain(sv->store, 0);
    struct ring *r;
    uint32_t port;
    void *page = map_kernel_page(&port);

    if (!page) {
        log_line(LOG_NOTE, "dom0's kernel has no ring for us: %s",
                 strerror(errno));
        return;
    }
    r = ring_new(sv, d, page);
    r->is_kernel = true;
    if (d->client) {
        take_over(r, d->client, port);
        return;
    }
    ring_adopt(r, client_open_ring(sv->store, d, r->page->req_cons,
                                   r->page->rsp_prod));
    if (bind_port(r, port)) {
        log_line(LOG_ERR, "dom0's kernel cannot be reached: %s",
                 strerror(errno));
        return;
    }
    notify(r);
    queue(r);
}

static void start_guest(struct server *sv, struct domain *d)
{
    void *page = map_page(sv, d);

    if (!page) {
        log_line(LOG_WARN, "domain %u: its ring cannot be mapped: %s", d->domid,
                 strerror(errno));
        return;
    }
    take_over(ring_new(sv, d, page), d->client, d->port);
}

void domains_start(struct server *sv)
{
    struct domain *d;

    start_kernel(sv);
    check_domains(sv);
    for (d = store_next_domain(sv->store, NULL); d;
         d = store_next_domain(sv->store, d))
        if (d->domid && d->client)
            start_guest(sv, d);
}

static void bind_virq(struct domains *ds)
{
    xenevtchn_port_or_error_t port =
        xenevtchn_bind_virq(ds->evtchn, VIRQ_DOM_EXC);

    if (port < 0)
        log_line(LOG_ERR, "domains' ends will not be noticed: %s",
                 strerror(errno));
    else
        ds->virq = (evtchn_port_t)port;
}

/* The devices an open hypervisor needs; says which one is missing. */
static int open_devices(struct domains *ds)
{
    ds->evtchn = xenevtchn_open(NULL, 0);
    if (!ds->evtchn) {
        log_line(LOG_ERR, "/dev/xen/evtchn: %s (modprobe xen-evtchn?)",
                 strerror(errno));
        return -ENXIO;
    }
    ds->gnttab = xengnttab_open(NULL, 0);
    if (!ds->gnttab) {
        log_line(LOG_ERR, "/dev/xen/gntdev: %s (modprobe xen-gntdev?)",
                 strerror(errno));
        return -ENXIO;
    }
    return 0;
}

int domains_open(struct server *sv)
{
    struct domains *ds = mem_zalloc(sizeof(*ds));
    int rc;

    sv->domains = ds;
    ds->virq = UINT32_MAX;
    ds->work_end = &ds->work;
    rc = hv_open(&ds->hv) ? -ENODEV : 0;
    if (rc)
        ds->hv = NULL;
    else
        rc = open_devices(ds);
    if (rc) {
        domains_close(sv);
        return rc;
    }
    bind_virq(ds);
    ds->work_event = event_new(sv->base, -1, 0, on_work, sv);
    ds->evtchn_event = event_new(sv->base, xenevtchn_fd(ds->evtchn),
                                 EV_READ | EV_PERSIST, on_evtchn, sv);
    event_add(ds->evtchn_event, NULL);
    return 0;
}

void domains_close(struct server *sv)
{
    struct domains *ds = sv->domains;
    struct client *c;

    if (!ds)
        return;
    for (c = sv->store ? store_next_client(sv->store, NULL) : NULL; c;
         c = store_next_client(sv->store, c))
        if (client_is_ring(c) && client_user(c)) {
            ring_free(client_user(c));
            client_set_user(c, NULL);
        }
    if (ds->evtchn_event)
        event_free(ds->evtchn_event);
    if (ds->work_event)
        event_free(ds->work_event);
    if (ds->gnttab)
        xengnttab_close(ds->gnttab);
    if (ds->evtchn)
        xenevtchn_close(ds->evtchn);
    hv_close(ds->hv);
    free(ds->by_port);
    free(ds);
    sv->domains = NULL;
}
