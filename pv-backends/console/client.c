#include "pv-backends/console/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

enum { BACKLOG_BYTES = 256 << 10, TYPED_BYTES = 1024, FINISH_S = 1 };

/* Those that are about to go: no console knows them any more. */
static struct client_list finishing = LIST_HEAD_INITIALIZER(finishing);

/* Hand on what was typed; stop reading while the guest does not. */
static void pass_on(struct client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    char buf[TYPED_BYTES];
    ev_ssize_t n;
    size_t taken;

    while ((n = evbuffer_copyout(in, buf, sizeof(buf))) > 0) {
        taken = c->typed(c->arg, buf, n);
        evbuffer_drain(in, taken);
        if (taken < (size_t)n) {
            bufferevent_disable(c->bev, EV_READ);
            return;
        }
    }
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    pass_on(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct client *c = arg;

    (void)bev;
    if (c->closing)
        client_free(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev, (void)what;
    client_free(arg); /* it hung up */
}

struct client *client_new(struct client_list *list, struct event_base *base,
                          int fd, bool is_pty,
                          size_t (*typed)(void *arg, const char *buf, size_t n),
                          void *arg)
{
    struct client *c = calloc(1, sizeof(*c));

    evutil_make_socket_nonblocking(fd);
    if (c)
        c->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!c || !c->bev) {
        free(c);
        close(fd);
        return NULL;
    }
    c->is_pty = is_pty;
    c->typed = typed;
    c->arg = arg;
    LIST_INSERT_HEAD(list, c, link);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, TYPED_BYTES);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    return c;
}

void client_free(struct client *c)
{
    LIST_REMOVE(c, link);
    bufferevent_free(c->bev);
    free(c);
}

void client_finish(struct client *c)
{
    const struct timeval patience = {FINISH_S, 0};

    if (!evbuffer_get_length(bufferevent_get_output(c->bev))) {
        client_free(c);
        return;
    }
    LIST_REMOVE(c, link);
    LIST_INSERT_HEAD(&finishing, c, link);
    c->closing = true;
    bufferevent_disable(c->bev, EV_READ);
    bufferevent_set_timeouts(c->bev, NULL, &patience);
}

void client_write(struct client *c, const char *buf, size_t n)
{
    size_t waiting = evbuffer_get_length(bufferevent_get_output(c->bev));
    char note[64];

    if (waiting + n > BACKLOG_BYTES) {
        c->lost_bytes += n;
        return;
    }
    if (c->lost_bytes) {
        snprintf(note, sizeof(note), "\r\n[%zu bytes lost]\r\n", c->lost_bytes);
        bufferevent_write(c->bev, note, strlen(note));
        c->lost_bytes = 0;
    }
    bufferevent_write(c->bev, buf, n);
}

void client_resume(struct client *c)
{
    pass_on(c);
    if (!evbuffer_get_length(bufferevent_get_input(c->bev)))
        bufferevent_enable(c->bev, EV_READ);
}
