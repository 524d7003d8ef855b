#include "xenstore/daemon/server.h"
#include "xenstore/core/journal.h"
#include "xenstore/daemon/domains.h"
#include "xenstore/daemon/log.h"
#include "xenstore/daemon/sockets.h"

#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

void server_mark(struct peer *p)
{
    if (p->is_dirty)
        return;
    p->is_dirty = true;
    p->next_dirty = p->server->dirty;
    p->server->dirty = p;
}

void server_unmark(struct peer *p)
{
    struct peer **link = &p->server->dirty;

    if (!p->is_dirty)
        return;
    while (*link != p)
        link = &(*link)->next_dirty;
    *link = p->next_dirty;
    p->is_dirty = false;
}

/* Nothing may show outside before it is stored. */
void server_settle(struct server *sv)
{
    struct peer *p;

    do {
        state_commit(sv->state, sv->store);
        p = sv->dirty;
        if (!p)
            return;
        server_unmark(p);
        p->flush(p);
    } while (true);
}

static void tell_time(struct server *sv)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    store_tick(sv->store,
               (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    uint64_t times;

    (void)what;
    if (read(fd, &times, sizeof(times)) != sizeof(times))
        return;
    tell_time(arg);
    server_settle(arg);
}

/*
 * A descriptor rather than one of libevent's timers: with a timer pending each
 * wait for requests would set up and take down one of the kernel's.
 */
static int start_ticking(struct server *sv)
{
    const struct itimerspec second = {{1, 0}, {1, 0}};

    sv->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (sv->clock < 0 || timerfd_settime(sv->clock, 0, &second, NULL))
        return -errno;
    sv->tick =
        event_new(sv->base, sv->clock, EV_READ | EV_PERSIST, on_tick, sv);
    event_add(sv->tick, NULL);
    tell_time(sv);
    return 0;
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    struct server *sv = arg;

    (void)what;
    log_line(LOG_NOTE, "stopped by signal %d", (int)fd);
    event_base_loopbreak(sv->base);
}

static void on_leave(evutil_socket_t fd, short what, void *arg)
{
    struct server *sv = arg;

    (void)fd;
    (void)what;
    log_line(LOG_NOTE, "making room for another daemon");
    sv->leave = true;
    event_base_loopbreak(sv->base);
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    log_reopen();
}

struct event_base *server_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (!config)
        return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    /* What sockets.c stands on. */
    event_config_require_features(config,
                                  EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void add_signals(struct server *sv)
{
    sv->term = evsignal_new(sv->base, SIGTERM, on_stop, sv);
    sv->intr = evsignal_new(sv->base, SIGINT, on_stop, sv);
    sv->hup = evsignal_new(sv->base, SIGHUP, on_hup, sv);
    event_add(sv->term, NULL);
    event_add(sv->intr, NULL);
    sv->usr2 = evsignal_new(sv->base, SIGUSR2, on_leave, sv);
    event_add(sv->hup, NULL);
    event_add(sv->usr2, NULL);
}

static void free_events(struct server *sv)
{
    event_free(sv->term);
    event_free(sv->intr);
    event_free(sv->hup);
    event_free(sv->usr2);
    if (sv->tick)
        event_free(sv->tick);
    if (sv->clock >= 0)
        close(sv->clock);
}

int server_run(struct server *sv, int listener)
{
    int rc;

    signal(SIGPIPE, SIG_IGN);
    add_signals(sv);
    gate_open(sv);
    rc = start_ticking(sv);
    if (!rc)
        rc = sockets_start(sv, listener);
    if (rc)
        goto out;
    if (sv->domains)
        domains_start(sv);
    server_settle(sv);
    event_base_dispatch(sv->base);

out:
    /* What is stored is for the next daemon: nobody is told good-bye. */
    store_journal(sv->store, false);
    domains_close(sv);
    sockets_stop(sv);
    gate_close(sv);
    free_events(sv);
    return rc;
}
