#include "pv-backends/console/console.h"

#include "pv-backends/console/client.h"
#include "pv-backends/console/conslog.h"
#include "pv-backends/console/consring.h"
#include "pv-backends/console/pty.h"
#include "pv-backends/console/scroll.h"
#include "pv-backends/console/page.h"
#include "pv-backends/runtime/log.h"
#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/store.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

/*
 * A guest may say a ring's worth (2 KiB) a tick, and after a silence BURST of
 * them at once; then it waits. So typing is answered and a kernel's boot is
 * written without delay, and one who never stops costs us 20 turns a second.
 */
enum { TICK_MS = 50, BURST = 32, MAX_CLIENTS = 16 };

struct console {
    struct loop *loop;
    const struct console_dirs *dirs;
    uint32_t domid;
    char path[64]; /* in the store */
    char socket_path[108];
    struct scroll scroll;
    struct conslog log;
    struct pty pty;
    struct client_list clients;
    struct evconnlistener *listener;
    struct event *tick; /* runs while it may not say all of BURST */
    unsigned int turns; /* left to it */
    bool held;          /* it has more to say */

    /* The connection; page.address is NULL without one. */
    struct page page;
    struct log_limit log_limit;
    uint32_t ring_ref, remote_port;
    struct loop_port *port;
};

/* --- guest to people -------------------------------------------------------*/

static void spread(struct console *c, const char *buf, size_t n)
{
    struct client *client;

    scroll_add(&c->scroll, buf, n);
    conslog_add(&c->log, buf, n);
    LIST_FOREACH(client, &c->clients, link)
    client_write(client, buf, n);
}

/* At least `max` bytes if there are; consumed when they are safely in the
 * scrollback. */
static size_t take_output(struct console *c, size_t max)
{
    struct xencons_interface *page = c->page.address;
    char buf[sizeof(page->out)];
    size_t total = 0, n;

    while (total < max && (n = consring_peek(page, buf, sizeof(buf)))) {
        spread(c, buf, n);
        consring_consume(page, n);
        total += n;
    }
    return total;
}

static void resume_typing(struct console *c)
{
    struct client *client, *next;

    for (client = LIST_FIRST(&c->clients); client; client = next) {
        next = LIST_NEXT(client, link);
        client_resume(client);
    }
}

static void start_tick(struct console *c)
{
    const struct timeval tv = {0, TICK_MS * 1000};

    if (c->turns < BURST && !evtimer_pending(c->tick, NULL))
        evtimer_add(c->tick, &tv);
}

static enum loop_turn on_event(void *arg)
{
    struct console *c = arg;

    resume_typing(c);
    if (!c->turns) {
        c->held = true;
        return LOOP_HOLD;
    }
    c->turns--; /* an event with nothing behind it counts as well */
    start_tick(c);
    if (take_output(c, 1))
        loop_notify(c->loop, c->port); /* there is room again */
    return LOOP_DONE;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct console *c = arg;

    (void)fd, (void)what;
    c->turns++;
    start_tick(c);
    if (c->held && c->port)
        loop_kick(c->loop, c->port);
    c->held = false;
}

/* --- people to guest ------------------------------------------------------*/

static size_t typed(void *arg, const char *buf, size_t n)
{
    struct console *c = arg;
    size_t taken;

    if (!c->page.address)
        return 0;
    taken = consring_write(c->page.address, buf, n);
    if (taken)
        loop_notify(c->loop, c->port);
    return taken;
}

static void on_connect(struct evconnlistener *listener, evutil_socket_t fd,
                       struct sockaddr *addr, int len, void *arg)
{
    struct console *c = arg;
    struct scroll_piece pieces[2];
    struct client *client;
    unsigned int nr = 0;

    (void)listener, (void)addr, (void)len;
    LIST_FOREACH(client, &c->clients, link)
    nr++;
    if (nr >= MAX_CLIENTS) {
        close(fd);
        return;
    }
    client = client_new(&c->clients, c->loop->base, fd, false, typed, c);
    if (!client)
        return;
    scroll_pieces(&c->scroll, pieces);
    client_write(client, pieces[0].bytes, pieces[0].n);
    client_write(client, pieces[1].bytes, pieces[1].n);
}

/* --- the socket and the pty -----------------------------------------------*/

static int listen_at(struct console *c)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    mode_t mask;

    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", c->socket_path);
    unlink(c->socket_path);
    mask = umask(0117); /* 0660 from its first moment on */
    c->listener =
        evconnlistener_new_bind(c->loop->base, on_connect, c,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                8, (struct sockaddr *)&sun, sizeof(sun));
    umask(mask);
    if (!c->listener)
        return -errno;
    if (c->dirs->group >= 0 && chown(c->socket_path, -1, (gid_t)c->dirs->group))
        log_warning("%s: %s", c->socket_path, strerror(errno));
    return 0;
}

/*
 * Tools that know consoles as terminals wait for this node. In one transaction
 * with a look whether the console is still there: a write alone would make its
 * directory again.
 */
static int write_tty(struct console *c)
{
    struct store *s = c->loop->store;
    store_txn_t t;
    char *ref;
    int rc = store_begin(s, &t);

    if (rc)
        return rc;
    ref = store_read(s, t, c->path, "ring-ref");
    rc = ref ? store_write(s, t, c->path, "tty", "%s", c->pty.name) : -ENOENT;
    free(ref);
    if (!rc)
        return store_commit(s, t);
    store_abort(s, t);
    return rc;
}

static void offer_pty(struct console *c)
{
    struct client *client;
    int rc;

    if (c->pty.keeper < 0) {
        rc = pty_open(&c->pty);
        if (rc) {
            log_warning("domain %u: no pseudo-terminal: %s", c->domid,
                        strerror(-rc));
            return;
        }
        client = client_new(&c->clients, c->loop->base, c->pty.master, true,
                            typed, c);
        c->pty.master = -1;
        if (!client)
            return;
    }
    do {
        rc = write_tty(c);
    } while (rc == -EAGAIN);
}

/* --- the connection -------------------------------------------------------*/

static void disconnect(struct console *c)
{
    if (!c->page.address)
        return;
    take_output(c, SCROLL_BYTES); /* its last words */
    loop_unbind(c->loop, c->port);
    c->port = NULL;
    page_unmap(&c->page, c->loop->gnttab);
}

static void connect_ring(struct console *c, uint64_t ring_ref, uint32_t port)
{
    int rc = page_map(&c->page, c->loop->gnttab, c->domid, ring_ref);

    if (rc) {
        log_limited(&c->log_limit, LOG_LEVEL_WARNING,
                    "domain %u: cannot map its console: %s", c->domid,
                    strerror(-rc));
        return;
    }
    rc = loop_bind(c->loop, c->domid, port, on_event, c, &c->port);
    if (rc) {
        log_limited(&c->log_limit, LOG_LEVEL_WARNING,
                    "domain %u: cannot bind its console's port %u: %s",
                    c->domid, port, strerror(-rc));
        page_unmap(&c->page, c->loop->gnttab);
        return;
    }
    c->ring_ref = ring_ref;
    c->remote_port = port;
    offer_pty(c);
    loop_notify(c->loop, c->port); /* what was sent to nobody is lost */
    log_limited(&c->log_limit, LOG_LEVEL_INFO, "domain %u: console connected",
                c->domid);
}

/* Another daemon's console, such as the device model's? */
static bool is_ours(struct console *c)
{
    char *type = store_read(c->loop->store, 0, c->path, "type");
    bool ours = !type || strcmp(type, "ioemu") != 0;

    free(type);
    return ours;
}

void console_look(struct console *c)
{
    struct store *s = c->loop->store;
    uint64_t ring_ref, port;

    if (store_read_uint(s, c->path, "ring-ref", UINT64_MAX, &ring_ref) ||
        store_read_uint(s, c->path, "port", UINT32_MAX, &port) || !port ||
        !is_ours(c))
        return;
    if (c->page.address) {
        if (c->ring_ref == (uint32_t)ring_ref && c->remote_port == port)
            return;
        disconnect(c);
    }
    connect_ring(c, ring_ref, port);
}

/* --- beginning and end ----------------------------------------------------*/

static int open_files(struct console *c, const char *name)
{
    char scroll_path[128];
    int rc;

    snprintf(scroll_path, sizeof(scroll_path), "%s.scroll", c->socket_path);
    rc = scroll_open(&c->scroll, scroll_path);
    if (!rc)
        rc = conslog_init(&c->log, c->dirs->logs, name);
    if (!rc)
        rc = listen_at(c);
    return rc;
}

struct console *console_new(struct loop *loop, const struct console_dirs *dirs,
                            uint32_t domid, const char *name)
{
    struct console *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return NULL;
    c->loop = loop;
    c->dirs = dirs;
    c->domid = domid;
    c->pty.master = c->pty.keeper = -1;
    c->log.fd = -1;
    c->turns = BURST;
    LIST_INIT(&c->clients);
    snprintf(c->path, sizeof(c->path), "/local/domain/%u/console", domid);
    snprintf(c->socket_path, sizeof(c->socket_path), "%.80s/%u", dirs->sockets,
             domid);
    c->tick = evtimer_new(loop->base, on_tick, c);
    rc = c->tick ? open_files(c, name) : -ENOMEM;
    if (rc) {
        log_error("domain %u: no console: %s", domid, strerror(-rc));
        console_free(c);
        return NULL;
    }
    return c;
}

static void release(struct console *c)
{
    struct client *client;

    disconnect(c);
    while ((client = LIST_FIRST(&c->clients)))
        client_finish(client);
    pty_close(&c->pty);
    if (c->listener)
        evconnlistener_free(c->listener);
    if (c->tick)
        event_free(c->tick);
    conslog_destroy(&c->log);
    scroll_close(&c->scroll);
    free(c);
}

void console_leave(struct console *c)
{
    release(c);
}

void console_free(struct console *c)
{
    char scroll_path[128];

    snprintf(scroll_path, sizeof(scroll_path), "%s.scroll", c->socket_path);
    unlink(c->socket_path);
    unlink(scroll_path);
    release(c);
}

void console_reopen_log(struct console *c)
{
    conslog_reopen(&c->log);
}
