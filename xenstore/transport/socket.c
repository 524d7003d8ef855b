#include "xenstore/transport/socket.h"
#include "xenstore/transport/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 8192 /* a client's turn */

static int make_address(const char *path, struct sockaddr_un *addr)
{
    memset(addr, 0, sizeof(*addr));
    addr->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(addr->sun_path))
        return -ENAMETOOLONG;
    memcpy(addr->sun_path, path, strlen(path) + 1);
    return 0;
}

/* Whether a daemon answers there already. */
static bool is_alive(const struct sockaddr_un *addr, int *pid)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    bool alive;

    if (fd < 0)
        return false;
    alive = !connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
    if (alive && !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
        *pid = peer.pid;
    close(fd);
    return alive;
}

static int bind_and_listen(int fd, const struct sockaddr_un *addr)
{
    mode_t old;
    int rc = 0;

    unlink(addr->sun_path);
    old = umask(0177);
    if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ||
        listen(fd, 128))
        rc = -errno;
    umask(old);
    return rc;
}

int sock_listen(const char *path, int *pid)
{
    struct sockaddr_un addr;
    int fd, rc;

    *pid = 0;
    rc = make_address(path, &addr);
    if (rc)
        return rc;
    if (is_alive(&addr, pid))
        return -EADDRINUSE;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    rc = bind_and_listen(fd, &addr);
    if (rc) {
        close(fd);
        return rc;
    }
    return fd;
}

int sock_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

int sock_readable(struct client *c, int fd)
{
    char data[READ_BYTES];
    ssize_t n = recv(fd, data, sizeof(data), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    if (n <= 0)
        return -EPIPE;
    if (conn_feed(c, data, (size_t)n))
        return -EPIPE;
    return n == sizeof(data);
}

int sock_flush(struct client *c, int fd)
{
    const char *data;
    size_t len;
    ssize_t n;

    for (;;) {
        data = client_out(c, &len);
        if (!len)
            return 0;
        n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -EAGAIN : -EPIPE;
        client_sent(c, (size_t)n);
    }
}
