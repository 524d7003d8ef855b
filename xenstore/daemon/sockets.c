#include "xenstore/daemon/sockets.h"
#include "xenstore/core/mem.h"
#include "xenstore/daemon/held.h"
#include "xenstore/daemon/holder.h"
#include "xenstore/daemon/log.h"
#include "xenstore/transport/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client that does not read its replies is not read from either. */
#define OUT_MAX (1u << 20)

struct sock {
    struct peer peer; /* first */
    int fd;
    uint32_t key; /* the holder's, if it is held */
    struct event *readable, *writable;
    bool waits_to_write, reads_no_more;
};

static void sock_close(struct sock *k)
{
    struct server *sv = k->peer.server;

    server_unmark(&k->peer);
    gate_forget(sv, &k->peer);
    client_close(k->peer.client);
    if (sv->held) {
        /* Its key may be another's at once: the end is stored first. */
        state_commit(sv->state, sv->store);
        shutdown(k->fd, SHUT_RDWR); /* even if the holder does not hear us */
        holder_send(sv->holder, HOLDER_DROP, k->key);
    }
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

static int send_waiting(struct sock *k)
{
    struct held *held = k->peer.server->held;
    int rc;

    if (k->waits_to_write)
        return 0;
    rc = held ? held_flush(held, k->peer.client, k->fd)
              : sock_flush(k->peer.client, k->fd);
    if (rc == -EAGAIN) {
        event_add(k->writable, NULL);
        k->waits_to_write = true;
    }
    return rc;
}

static void flush_sock(struct peer *p)
{
    struct sock *k = (struct sock *)p;

    if (send_waiting(k) == -EPIPE) {
        sock_close(k);
        return;
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

/*
 * Bytes are announced once, when they come: looking again, each time, whether
 * there are more would cost a tenth of what a request does. So what one turn
 * leaves, and the end of the stream behind it, is to be announced again.
 */
#define ANNOUNCED (EV_READ | EV_CLOSED | EV_PERSIST | EV_ET)

static void announce_again(struct sock *k)
{
    event_del(k->readable);
    event_add(k->readable, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct sock *k = arg;
    struct server *sv = k->peer.server;
    int rc;

    if (!gate_admits(sv, &k->peer)) {
        event_del(k->readable);
        return;
    }
    rc = sv->held ? held_readable(sv->held, k->peer.client, fd)
                  : sock_readable(k->peer.client, fd);
    if (rc == -EPIPE) {
        sock_close(k);
    } else {
        if (rc || (what & EV_CLOSED))
            announce_again(k);
        gate_passed(sv, &k->peer);
    }
    server_settle(sv);
}

static void admit_sock(struct peer *p)
{
    struct sock *k = (struct sock *)p;

    if (!k->reads_no_more)
        event_add(k->readable, NULL);
}

static void nothing_to_resume(struct peer *p)
{
    (void)p; /* sockets have no quotas */
}

static struct sock *sock_new(struct server *sv, int fd, struct client *c)
{
    struct sock *k = mem_zalloc(sizeof(*k));

    k->fd = fd;
    k->key = client_key(c);
    k->peer.server = sv;
    k->peer.client = c;
    k->peer.flush = flush_sock;
    k->peer.resume = nothing_to_resume;
    k->peer.admit = admit_sock;
    client_set_user(k->peer.client, &k->peer);
    k->readable = event_new(sv->base, fd, ANNOUNCED, on_readable, k);
    k->writable = event_new(sv->base, fd, EV_WRITE | EV_ET, on_writable, k);
    event_add(k->readable, NULL);
    return k;
}

static void on_client(evutil_socket_t fd, short what, void *arg)
{
    struct server *sv = arg;
    int client = sock_accept(fd);

    (void)what;
    if (client >= 0)
        sock_new(sv, client, client_open(sv->store));
    else if (client != -EAGAIN)
        log_line(LOG_WARN, "a client cannot be accepted: %s",
                 strerror(-client));
}

/* --- held clients -----------------------------------------------------------
 */

static void welcome_held(struct server *sv, uint32_t key, int fd)
{
    struct client *c = client_open_held(sv->store, key);

    sock_new(sv, fd, c);
    held_begin(sv->held, c);
}

/* A client of a former daemon's, and its socket if the holder has it. */
static void go_on(struct server *sv, struct client *c, int fd)
{
    struct sock *k;

    if (fd < 0) {
        client_close(c);
        return;
    }
    k = sock_new(sv, fd, c);
    if (held_resume(sv->held, c)) {
        log_line(LOG_WARN,
                 "client %u is cut off: the journal and what it was told are "
                 "out of step",
                 client_id(c));
        sock_close(k);
    } else {
        server_mark(&k->peer);
    }
}

static void on_holder(evutil_socket_t fd, short what, void *arg)
{
    struct server *sv = arg;
    struct holder_message m;
    int passed, rc;

    (void)what;
    rc = holder_receive(fd, &m, &passed);
    if (rc == -EPIPE) {
        log_line(LOG_ERR, "the holder of the clients' connections is gone");
        event_base_loopbreak(sv->base);
        return;
    }
    if (!rc && m.op == HOLDER_CLIENT && passed >= 0 && m.key < HOLDER_KEYS)
        welcome_held(sv, m.key, passed);
    else if (!rc && passed >= 0)
        close(passed);
    server_settle(sv);
}

/* What the holder has: clients by key. */
struct held_fds {
    int client[HOLDER_KEYS];
};

static int collect(int holder, struct held_fds *fds)
{
    struct holder_message m;
    int passed, rc, i;

    for (i = 0; i < HOLDER_KEYS; i++)
        fds->client[i] = -1;
    do {
        rc = holder_receive(holder, &m, &passed);
        if (rc == -EPIPE)
            return rc;
        if (rc)
            continue;
        if (m.op == HOLDER_CLIENT && m.key < HOLDER_KEYS)
            fds->client[m.key] = passed;
        else if (passed >= 0)
            close(passed);
    } while (rc || m.op != HOLDER_READY);
    return 0;
}

/* A client by socket that nobody serves yet. */
static bool is_waiting(const struct client *c)
{
    return !client_is_ring(c) && !client_user(c) && client_key(c) < HOLDER_KEYS;
}

static void adopt(struct server *sv, struct held_fds *fds)
{
    struct client *c = store_next_client(sv->store, NULL), *next, *last = NULL;
    uint32_t key;

    for (; c; c = next) {
        next = store_next_client(sv->store, c);
        if (!is_waiting(c))
            continue;
        if (held_has_input(sv->held, c)) {
            last = c;
            continue;
        }
        key = client_key(c);
        go_on(sv, c, fds->client[key]);
        fds->client[key] = -1;
    }
    if (last) {
        key = client_key(last);
        go_on(sv, last, fds->client[key]);
        fds->client[key] = -1;
    }
    for (key = 0; key < HOLDER_KEYS; key++)
        if (fds->client[key] >= 0 && state_is_new(sv->state))
            holder_send(sv->holder, HOLDER_DROP, key);
        else if (fds->client[key] >= 0)
            welcome_held(sv, key, fds->client[key]);
}

static int start_holder(const char *path, int listener)
{
    int rc = holder_start(path, listener);

    close(listener);
    return rc ? rc : holder_connect(path);
}

int sockets_hold(struct server *sv, const char *state_path,
                 int (*listen)(const char *path), const char *socket_path)
{
    static struct held_fds fds;
    char path[4096], table[4096];
    int rc;

    snprintf(path, sizeof(path), "%s.holder", state_path);
    snprintf(table, sizeof(table), "%s.io", state_path);
    sv->holder = holder_connect(path);
    if (sv->holder < 0) {
        rc = listen(socket_path);
        if (rc >= 0)
            rc = sv->holder = start_holder(path, rc);
        if (rc < 0)
            return rc;
    }
    rc = collect(sv->holder, &fds);
    if (!rc)
        rc = held_open(&sv->held, table);
    if (rc)
        return rc;
    adopt(sv, &fds);
    return fcntl(sv->holder, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

int sockets_start(struct server *sv, int listener)
{
    sv->listener =
        event_new(sv->base, sv->held ? sv->holder : listener,
                  EV_READ | EV_PERSIST, sv->held ? on_holder : on_client, sv);
    return sv->listener && !event_add(sv->listener, NULL) ? 0 : -ENOMEM;
}

/* Without a word to the holder, as if we were killed. */
static void sock_abandon(struct sock *k)
{
    server_unmark(&k->peer);
    gate_forget(k->peer.server, &k->peer);
    client_set_user(k->peer.client, NULL);
    event_free(k->readable);
    event_free(k->writable);
    close(k->fd);
    free(k);
}

void sockets_stop(struct server *sv)
{
    struct client *c = store_next_client(sv->store, NULL), *next;

    for (; c; c = next) {
        next = store_next_client(sv->store, c);
        if (!client_is_ring(c) && client_user(c))
            sock_abandon(client_user(c));
    }
    if (sv->listener)
        event_free(sv->listener);
    sv->listener = NULL;
    if (!sv->held)
        return;
    if (!sv->leave)
        holder_send(sv->holder, HOLDER_EXIT, 0);
    held_close(sv->held);
    sv->held = NULL;
    close(sv->holder);
}
