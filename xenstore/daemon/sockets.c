#include "xenstore/daemon/sockets.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/log.h"
#include "xenstore/transport/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A client that does not read its replies is not read from either. */
#define OUT_MAX (1u << 20)

struct sock {
    struct peer peer; /* first */
    int fd;
    struct event *readable, *writable;
    bool waits_to_write, reads_no_more;
};

static void sock_close(struct sock *k)
{
    server_unmark(&k->peer);
    client_close(k->peer.client);
    event_free(k->readable);
    event_free(k->writable);
    close(k->fd);
    free(k);
}

static void limit_reading(struct sock *k)
{
    size_t waiting;

    client_out(k->peer.client, &waiting);
    if (waiting > OUT_MAX && !k->reads_no_more)
        event_del(k->readable);
    else if (waiting <= OUT_MAX && k->reads_no_more)
        event_add(k->readable, NULL);
    k->reads_no_more = waiting > OUT_MAX;
}

static void flush_sock(struct peer *p)
{
    struct sock *k = (struct sock *)p;
    int rc;

    if (k->waits_to_write)
        return;
    rc = sock_flush(p->client, k->fd);
    if (rc == -EPIPE) {
        sock_close(k);
        return;
    }
    if (rc == -EAGAIN) {
        event_add(k->writable, NULL);
        k->waits_to_write = true;
    }
    limit_reading(k);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct sock *k = arg;
    struct server *sv = k->peer.server;

    (void)fd;
    (void)what;
    k->waits_to_write = false;
    server_mark(&k->peer);
    server_settle(sv);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct sock *k = arg;
    struct server *sv = k->peer.server;
    int rc = sock_readable(k->peer.client, fd);

    (void)what;
    if (rc == -EPIPE)
        sock_close(k);
    server_settle(sv);
}

static void nothing_to_resume(struct peer *p)
{
    (void)p; /* sockets have no quotas */
}

static void welcome(struct server *sv, int fd)
{
    struct sock *k = mem_zalloc(sizeof(*k));

    k->fd = fd;
    k->peer.server = sv;
    k->peer.client = client_open(sv->store);
    k->peer.flush = flush_sock;
    k->peer.resume = nothing_to_resume;
    client_set_user(k->peer.client, &k->peer);
    k->readable = event_new(sv->base, fd, EV_READ | EV_PERSIST, on_readable, k);
    k->writable = event_new(sv->base, fd, EV_WRITE, on_writable, k);
    event_add(k->readable, NULL);
}

static void on_client(evutil_socket_t fd, short what, void *arg)
{
    int client = sock_accept(fd);

    (void)what;
    if (client >= 0)
        welcome(arg, client);
    else if (client != -EAGAIN)
        log_line(LOG_WARN, "a client cannot be accepted: %s",
                 strerror(-client));
}

int sockets_start(struct server *sv, int listener)
{
    sv->listener =
        event_new(sv->base, listener, EV_READ | EV_PERSIST, on_client, sv);
    return sv->listener && !event_add(sv->listener, NULL) ? 0 : -ENOMEM;
}

void sockets_stop(struct server *sv)
{
    struct client *c = store_next_client(sv->store, NULL), *next;

    for (; c; c = next) {
        next = store_next_client(sv->store, c);
        if (!client_is_ring(c) && client_user(c))
            sock_close(client_user(c));
    }
    if (sv->listener)
        event_free(sv->listener);
    sv->listener = NULL;
}
