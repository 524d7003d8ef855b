/* The library's connection: opening it, and one request at a time over it. */
#include "xenstore/client/internal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *xs_daemon_rundir(void)
{
    const char *dir = getenv("XENSTORED_RUNDIR");

    return dir ? dir : "/run/xenstored";
}

const char *xs_daemon_socket(void)
{
    static char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const char *whole = getenv("XENSTORED_PATH");

    if (whole)
        return whole;
    if (snprintf(path, sizeof(path), "%s/socket", xs_daemon_rundir()) >=
        (int)sizeof(path))
        return NULL;
    return path;
}

const char *xs_daemon_socket_ro(void)
{
    return xs_daemon_socket();
}

static int open_socket(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, rc;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path) + 1);

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        rc = -errno;
        close(fd);
        return rc;
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

static int open_device(const char *path)
{
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* A path that names something other than a socket is opened as it is. */
static int open_any(unsigned long flags)
{
    const char *path = xs_daemon_socket();
    struct stat st;
    int fd, rc;

    if (!path)
        return -ENAMETOOLONG;
    if (!stat(path, &st) && !S_ISSOCK(st.st_mode))
        return open_device(path);
    rc = open_socket(path);
    if (rc >= 0 || (flags & XS_OPEN_SOCKETONLY) || getenv("XENSTORED_PATH"))
        return rc;
    fd = open_device("/dev/xen/xenbus");
    if (fd < 0)
        fd = open_device("/proc/xen/xenbus");
    return fd < 0 ? rc : fd;
}

static int poll_add(int poll_fd, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN};

    return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int xs_connect(struct xs_handle *h)
{
    int rc;

    h->poll_fd = h->wake_fd = -1;
    h->fd = open_any(h->flags);
    if (h->fd < 0)
        return h->fd;

    rc = -EMFILE;
    h->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->poll_fd < 0 || h->wake_fd < 0)
        return rc;
    rc = poll_add(h->poll_fd, h->fd);
    return rc ? rc : poll_add(h->poll_fd, h->wake_fd);
}

/* --- bytes ------------------------------------------------------------------
 */

static int broken(struct xs_handle *h)
{
    h->broken = true;
    return -EIO;
}

static int wait_for(struct xs_handle *h, short events)
{
    struct pollfd p = {.fd = h->fd, .events = events};

    while (poll(&p, 1, -1) < 0)
        if (errno != EINTR)
            return broken(h);
    return 0;
}

/* The device wants a message in one write(); a socket may take it in bits. */
static int send_all(struct xs_handle *h, const char *data, size_t len)
{
    ssize_t n;

    while (len) {
        n = send(h->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK)
            n = write(h->fd, data, len);
        if (n < 0 && errno == EAGAIN) {
            if (wait_for(h, POLLOUT))
                return -EIO;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return broken(h);
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int fill(struct xs_handle *h, bool wait)
{
    ssize_t n;

    memmove(h->in, h->in + h->in_start, h->in_end - h->in_start);
    h->in_end -= h->in_start;
    h->in_start = 0;
    for (;;) {
        n = read(h->fd, h->in + h->in_end, sizeof(h->in) - h->in_end);
        if (n > 0) {
            h->in_end += (size_t)n;
            return 0;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || errno != EAGAIN)
            return broken(h);
        if (!wait)
            return -EAGAIN;
        if (wait_for(h, POLLIN))
            return -EIO;
    }
}

/* The whole message at the front of the buffer, which stays there. -EAGAIN:
 * there is none yet. */
static int peek(struct xs_handle *h, struct xsd_sockmsg *msg,
                const char **payload)
{
    size_t have = h->in_end - h->in_start;

    if (h->broken)
        return -EIO;
    if (have < sizeof(*msg))
        return -EAGAIN;
    memcpy(msg, h->in + h->in_start, sizeof(*msg));
    if (msg->len > XENSTORE_PAYLOAD_MAX)
        return broken(h);
    *payload = h->in + h->in_start + sizeof(*msg);
    return have < sizeof(*msg) + msg->len ? -EAGAIN : 0;
}

/* The next whole message: its header in *msg, its payload in the buffer. */
static int take(struct xs_handle *h, bool wait, struct xsd_sockmsg *msg,
                const char **payload)
{
    int rc;

    while ((rc = peek(h, msg, payload)) == -EAGAIN) {
        rc = fill(h, wait);
        if (rc)
            return rc;
    }
    if (!rc)
        h->in_start += sizeof(*msg) + msg->len;
    return rc;
}

/* Events that came with a reply: the descriptor says nothing of them any more,
 * the queue does. */
static void queue_what_came_along(struct xs_handle *h)
{
    struct xsd_sockmsg msg;
    const char *payload;

    while (!peek(h, &msg, &payload) && msg.type == XS_WATCH_EVENT) {
        h->in_start += sizeof(msg) + msg.len;
        xs_queue_event(h, payload, msg.len);
    }
}

/* --- messages ---------------------------------------------------------------
 */

static int send_request(struct xs_handle *h, const struct xs_request *req,
                        uint32_t id)
{
    struct xsd_sockmsg msg = {
        .type = req->type, .req_id = id, .tx_id = req->tx};
    char buf[XS_MESSAGE_MAX];
    size_t len = 0;
    unsigned int i;

    for (i = 0; i < req->nr_parts; i++) {
        if (req->part[i].iov_len > XENSTORE_PAYLOAD_MAX - len)
            return -E2BIG;
        memcpy(buf + sizeof(msg) + len, req->part[i].iov_base,
               req->part[i].iov_len);
        len += req->part[i].iov_len;
    }
    msg.len = (uint32_t)len;
    memcpy(buf, &msg, sizeof(msg));
    return send_all(h, buf, sizeof(msg) + len);
}

static int error_number(const char *payload, size_t len)
{
    size_t i;

    for (i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        if (len == strlen(xsd_errors[i].errstring) + 1 &&
            !memcmp(payload, xsd_errors[i].errstring, len))
            return xsd_errors[i].errnum;
    return EINVAL;
}

static void *copy_payload(const char *payload, uint32_t payload_len,
                          unsigned int *len)
{
    char *copy = malloc(payload_len + 1);

    if (!copy)
        return NULL;
    memcpy(copy, payload, payload_len);
    copy[payload_len] = '\0';
    if (len)
        *len = payload_len;
    return copy;
}

void *xs_talk(struct xs_handle *h, const struct xs_request *req,
              unsigned int *len)
{
    uint32_t id = ++h->next_id;
    struct xsd_sockmsg msg;
    const char *payload;
    int rc;

    rc = h->broken ? -EIO : send_request(h, req, id);
    while (!rc) {
        rc = take(h, true, &msg, &payload);
        if (rc || msg.type != XS_WATCH_EVENT)
            break;
        xs_queue_event(h, payload, msg.len);
    }
    if (!rc)
        queue_what_came_along(h);
    if (!rc && msg.req_id != id)
        rc = broken(h);
    else if (!rc && msg.type == XS_ERROR)
        rc = -error_number(payload, msg.len);
    else if (!rc && msg.type != req->type)
        rc = broken(h);
    if (rc) {
        errno = -rc;
        return NULL;
    }
    return copy_payload(payload, msg.len, len);
}

int xs_send(struct xs_handle *h, const struct xs_request *req)
{
    return h->broken ? -EIO : send_request(h, req, ++h->next_id);
}

int xs_receive(struct xs_handle *h, uint32_t id, uint32_t type)
{
    struct xsd_sockmsg msg;
    const char *payload;
    int rc;

    while (!(rc = take(h, true, &msg, &payload)) && msg.type == XS_WATCH_EVENT)
        xs_queue_event(h, payload, msg.len);
    if (rc)
        return rc;
    queue_what_came_along(h);
    if (msg.req_id != id)
        return broken(h);
    if (msg.type == XS_ERROR)
        return -error_number(payload, msg.len);
    return msg.type == type ? 0 : broken(h);
}

int xs_take_event(struct xs_handle *h, bool wait)
{
    struct xsd_sockmsg msg;
    const char *payload;
    int rc = take(h, wait, &msg, &payload);

    if (rc)
        return rc;
    if (msg.type != XS_WATCH_EVENT)
        return broken(h);
    xs_queue_event(h, payload, msg.len);
    return 0;
}
