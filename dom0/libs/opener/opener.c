#include "dom0/libs/opener/opener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

struct reply {
    int32_t rc;
    char why[OPENER_WHY];
};

/* Room for one descriptor beside a message. */
union beside {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static int be_quick(int sock)
{
    const struct timeval second = {1, 0};

    return setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)) ||
                   setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &second,
                              sizeof(second))
               ? -errno
               : 0;
}

static int connect_to(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int sock, rc;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    strcpy(addr.sun_path, path);
    sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return -errno;
    rc = be_quick(sock);
    if (!rc && connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
        rc = -errno;
    if (rc) {
        close(sock);
        return rc;
    }
    return sock;
}

/* The descriptor that came along, or -1. */
static int take_fd(struct msghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    int fd = -1;

    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(fd)))
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    return fd;
}

static int receive_reply(int sock, struct reply *reply, int *fd)
{
    union beside beside;
    struct iovec iov = {reply, sizeof(*reply)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = beside.bytes,
                       .msg_controllen = sizeof(beside.bytes)};
    ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);

    if (n < 0)
        return -errno;
    *fd = take_fd(&m);
    reply->why[sizeof(reply->why) - 1] = 0;
    if (n != sizeof(*reply) || reply->rc > 0 || (reply->rc < 0) != (*fd < 0)) {
        if (*fd >= 0)
            close(*fd);
        return -EPROTO;
    }
    return 0;
}

int opener_ask(const char *socket, const struct opener_request *rq, int *fd,
               char why[OPENER_WHY])
{
    int sock = connect_to(socket), rc = sock < 0 ? sock : 0;
    struct reply reply = {0};

    if (!rc && send(sock, rq, sizeof(*rq), MSG_NOSIGNAL) != sizeof(*rq))
        rc = -errno;
    if (!rc)
        rc = receive_reply(sock, &reply, fd);
    if (sock >= 0)
        close(sock);
    if (rc) {
        snprintf(why, OPENER_WHY, "nobody opens images now: %s", strerror(-rc));
        return -EBUSY;
    }
    snprintf(why, OPENER_WHY, "%s", reply.why);
    return reply.rc;
}

int opener_receive(int sock, struct opener_request *rq)
{
    ssize_t n;
    int rc = be_quick(sock);

    if (rc)
        return rc;
    n = recv(sock, rq, sizeof(*rq), 0);
    if (n < 0)
        return -errno;
    return n == sizeof(*rq) && memchr(rq->path, 0, sizeof(rq->path)) ? 0
                                                                     : -EPROTO;
}

int opener_answer(int sock, int rc, int fd, const char *why)
{
    struct reply reply = {.rc = rc};
    union beside beside = {{0}};
    struct iovec iov = {&reply, sizeof(reply)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c;

    snprintf(reply.why, sizeof(reply.why), "%s", why);
    if (!rc) {
        m.msg_control = beside.bytes;
        m.msg_controllen = sizeof(beside.bytes);
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
