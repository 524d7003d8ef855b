#include "dom0/daemon/server.h"
#include "dom0/daemon/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* What one client, and all of them, may have us hold. */
#define CLIENTS_MAX 128
#define PENDING_MAX 16
#define OUTPUT_MAX  (8u << 20)

struct client {
    struct client *next;
    struct server *server;
    struct bufferevent *bev;
    uint64_t id;
    unsigned pending;
    bool eof;     /* it sends no more, but still waits for answers */
    bool closing; /* nothing more is read; gone when the output is out */
};

struct server {
    struct event_base *base;
    struct evconnlistener *listener;
    struct client *clients;
    unsigned nr_clients;
    uint64_t last_id;
    gid_t gid;
    char *path;
    server_request_fn request;
    void *ctx;
};

static void client_free(struct client *c)
{
    struct client **p = &c->server->clients;

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    c->server->nr_clients--;
    bufferevent_free(c->bev);
    free(c);
}

static struct client *client_find(struct server *s, uint64_t id)
{
    struct client *c;

    for (c = s->clients; c && c->id != id; c = c->next)
        ;
    return c;
}

/* False when the client had to go. */
static bool client_write(struct client *c, const char *line)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);

    if (evbuffer_get_length(out) > OUTPUT_MAX ||
        bufferevent_write(c->bev, line, strlen(line))) {
        log_warn("a client does not read its answers: dropped");
        client_free(c);
        return false;
    }
    return true;
}

static bool client_refuse(struct client *c, json_int_t id,
                          const struct fault *f)
{
    char *line = rpc_error(id, f);
    bool there;

    there = line ? client_write(c, line) : (client_free(c), false);
    free(line);
    return there;
}

/* A client that broke the framing hears why and is closed. */
static void client_end(struct client *c, const struct fault *f)
{
    if (!client_refuse(c, 0, f))
        return;
    c->closing = true;
    bufferevent_disable(c->bev, EV_READ);
}

/* One line, a copy nobody can change. False when the client is gone. */
static bool client_line(struct client *c, const char *line, size_t len)
{
    struct rpc_request req;
    struct fault f = {0};

    if (rpc_parse(line, len, &req, &f))
        return client_refuse(c, req.id, &f);
    if (c->pending >= PENDING_MAX) {
        fault_set(&f, -EBUSY, FAULT_BUSY,
                  "%d requests of this connection are not answered yet",
                  PENDING_MAX);
        json_int_t id = req.id;
        rpc_release(&req);
        return client_refuse(c, id, &f);
    }
    c->pending++;
    c->server->request(c->server->ctx, c->id, &req);
    return true;
}

static void client_readable(struct bufferevent *bev, void *arg)
{
    struct client *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    struct fault f = {0};
    uint64_t id = c->id;
    struct server *s = c->server;
    size_t len;
    char *line;
    bool there;

    while (!c->closing &&
           (line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF)) != NULL) {
        there = client_line(c, line, len);
        free(line);
        /* A request may be answered, and its client dropped, at once. */
        if (!there || !client_find(s, id))
            return;
    }
    if (evbuffer_get_length(in) > RPC_LINE_MAX) {
        evbuffer_drain(in, evbuffer_get_length(in));
        fault_set(&f, -EMSGSIZE, FAULT_REQUEST,
                  "the request is longer than %u bytes", RPC_LINE_MAX);
        client_end(c, &f);
    }
}

static void client_written(struct bufferevent *bev, void *arg)
{
    (void)bev;
    if (((struct client *)arg)->closing)
        client_free(arg);
}

static void client_event(struct bufferevent *bev, short what, void *arg)
{
    struct client *c = arg;

    (void)bev;
    if (what & BEV_EVENT_ERROR || (what & BEV_EVENT_EOF && !c->pending))
        client_free(c);
    /* Half closed, as `echo ... | nc` does: its answers still go out. */
    else if (what & BEV_EVENT_EOF) {
        c->eof = true;
        bufferevent_disable(bev, EV_READ);
    }
}

/* Does the process at the other end belong to root or to our group? */
static bool peer_may(int fd, gid_t gid, uid_t *uid)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    gid_t groups[256];
    size_t i;

    *uid = (uid_t)-1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
        return false;
    *uid = cred.uid;
    if (cred.uid == 0 || cred.gid == gid)
        return true;
    len = sizeof(groups);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
        return false;
    for (i = 0; i < len / sizeof(groups[0]); i++)
        if (groups[i] == gid)
            return true;
    return false;
}

static void client_accept(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *addr, int addr_len, void *arg)
{
    struct server *s = arg;
    struct client *c;
    uid_t uid;

    (void)listener, (void)addr, (void)addr_len;
    if (!peer_may(fd, s->gid, &uid)) {
        log_warn("control socket: uid %u is neither root nor in the group",
                 (unsigned)uid);
        close(fd);
        return;
    }
    c = s->nr_clients < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
    if (!c) {
        close(fd);
        return;
    }
    c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev) {
        close(fd);
        free(c);
        return;
    }
    c->server = s;
    c->id = ++s->last_id;
    c->next = s->clients;
    s->clients = c;
    s->nr_clients++;
    bufferevent_setcb(c->bev, client_readable, client_written, client_event, c);
    /* Never more than one line and a bit in memory. */
    bufferevent_setwatermark(c->bev, EV_READ, 0, RPC_LINE_MAX + 4096);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static int listen_at(const char *path, gid_t gid)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    mode_t mask;
    int fd, rc;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(path);
    /* Until it has its group nobody but root gets through. */
    mask = umask(0177);
    rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
    umask(mask);
    if (!rc && chown(path, (uid_t)-1, gid))
        rc = errno == EPERM ? 0 : -errno; /* tests do not run as root */
    if (!rc && chmod(path, 0660))
        rc = -errno;
    if (!rc && listen(fd, 64))
        rc = -errno;
    if (rc) {
        close(fd);
        return rc;
    }
    return fd;
}

int server_open(struct server **server, struct event_base *base,
                const char *path, gid_t gid, server_request_fn request,
                void *ctx)
{
    struct server *s = calloc(1, sizeof(*s));
    int fd;

    if (!s)
        return -ENOMEM;
    fd = listen_at(path, gid);
    if (fd < 0) {
        free(s);
        return fd;
    }
    s->base = base;
    s->gid = gid;
    s->request = request;
    s->ctx = ctx;
    s->path = strdup(path);
    s->listener = evconnlistener_new(
        base, client_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
        0, fd);
    if (!s->listener || !s->path) {
        if (!s->listener)
            close(fd);
        server_close(s);
        return -ENOMEM;
    }
    *server = s;
    return 0;
}

void server_close(struct server *s)
{
    if (!s)
        return;
    while (s->clients)
        client_free(s->clients);
    if (s->listener)
        evconnlistener_free(s->listener);
    if (s->path)
        unlink(s->path);
    free(s->path);
    free(s);
}

void server_send(struct server *s, uint64_t client, char *line, bool final)
{
    struct client *c = client_find(s, client);

    if (c && final)
        c->pending--;
    if (c && c->eof && !c->pending)
        c->closing = true;
    if (c && line)
        client_write(c, line);
    else if (c && final)
        client_free(c); /* no memory for an answer: let it see that */
    free(line);
}
