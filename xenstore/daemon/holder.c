#include "xenstore/daemon/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- messages ---------------------------------------------------------------
 */

static int send_fd(int fd, enum holder_op op, uint32_t key, int passed)
{
    struct holder_message m = {op, key};
    struct iovec iov = {&m, sizeof(m)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c;

    if (passed >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &passed, sizeof(passed));
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int holder_send(int fd, enum holder_op op, uint32_t key)
{
    return send_fd(fd, op, key, -1);
}

int holder_receive(int fd, struct holder_message *m, int *passed)
{
    struct iovec iov = {m, sizeof(*m)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c;
    ssize_t n;

    *passed = -1;
    n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    if (n != sizeof(*m))
        return -EPIPE;
    c = CMSG_FIRSTHDR(&msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(passed, CMSG_DATA(c), sizeof(*passed));
    return 0;
}

/* --- the process ------------------------------------------------------------
 */

struct holder {
    int control;             /* where daemons call */
    int listener;            /* where clients do */
    int daemon;              /* the one that is there, or -1 */
    int client[HOLDER_KEYS]; /* by key, or -1 */
    uint32_t next_key;
};

static void act(struct holder *h, const struct holder_message *m)
{
    if (m->op == HOLDER_EXIT)
        _exit(0);
    if (m->op == HOLDER_DROP && m->key < HOLDER_KEYS &&
        h->client[m->key] >= 0) {
        close(h->client[m->key]);
        h->client[m->key] = -1;
    }
}

static int hear(int daemon, struct holder_message *m)
{
    int passed, rc = holder_receive(daemon, m, &passed);

    if (!rc && passed >= 0)
        close(passed);
    return rc;
}

/*
 * It is gone, but what it still said counts. If it had not read all of ours
 * there is an error before that.
 */
static void hang_up(struct holder *h)
{
    struct holder_message m;
    int daemon = h->daemon;

    h->daemon = -1;
    fcntl(daemon, F_SETFL, O_NONBLOCK);
    while (!hear(daemon, &m) || !hear(daemon, &m))
        act(h, &m);
    close(daemon);
}

static void pass(struct holder *h, enum holder_op op, uint32_t key, int fd)
{
    if (h->daemon >= 0 && send_fd(h->daemon, op, key, fd))
        hang_up(h);
}

/* A new daemon: it gets all there is. */
static void greet(struct holder *h)
{
    uint32_t key;

    h->daemon = accept4(h->control, NULL, NULL, SOCK_CLOEXEC);
    if (h->daemon < 0)
        return;
    for (key = 0; key < HOLDER_KEYS; key++)
        if (h->client[key] >= 0)
            pass(h, HOLDER_CLIENT, key, h->client[key]);
    pass(h, HOLDER_READY, 0, -1);
}

/* A key that was not in use for as long as possible. */
static bool free_key(struct holder *h, uint32_t *key)
{
    uint32_t i;

    for (i = 0; i < HOLDER_KEYS; i++) {
        *key = (h->next_key + i) % HOLDER_KEYS;
        if (h->client[*key] < 0) {
            h->next_key = *key + 1;
            return true;
        }
    }
    return false;
}

static void welcome(struct holder *h)
{
    int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    uint32_t key;

    if (fd < 0)
        return;
    if (!free_key(h, &key)) {
        close(fd);
        return;
    }
    h->client[key] = fd;
    pass(h, HOLDER_CLIENT, key, fd);
}

static void obey(struct holder *h)
{
    struct holder_message m;

    if (hear(h->daemon, &m))
        hang_up(h);
    else
        act(h, &m);
}

/*
 * Clients wait in the listening socket's queue while no daemon is there; what
 * a dead daemon still said is heard before the next one is.
 */
static void hold(struct holder *h)
{
    struct pollfd p[2];

    for (;;) {
        p[0].fd = h->daemon >= 0 ? h->daemon : h->control;
        p[1].fd = h->daemon >= 0 ? h->listener : -1;
        p[0].events = p[1].events = POLLIN;
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[0].revents && h->daemon >= 0)
            obey(h);
        else if (p[0].revents)
            greet(h);
        if (p[1].revents && h->daemon >= 0)
            welcome(h);
    }
}

#define KEPT_FROM 100 /* descriptors of the holder's own */

static int keep(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, KEPT_FROM);
}

/* Nothing of the daemon's stays open but what the holder is for. */
static void close_others(struct holder *h)
{
    int last;

    h->control = keep(h->control);
    last = h->listener = keep(h->listener);
    close_range(0, KEPT_FROM - 1, 0);
    close_range((unsigned int)last + 1, ~0u, 0);
}

static void become_holder(int control, int listener)
{
    static struct holder h;
    int i;

    setsid();
    if (fork())
        _exit(0);
    prctl(PR_SET_NAME, "pvstore-holder");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    h.control = control;
    h.listener = listener;
    h.daemon = -1;
    for (i = 0; i < HOLDER_KEYS; i++)
        h.client[i] = -1;
    close_others(&h);
    hold(&h);
}

/* --- for the daemon ---------------------------------------------------------
 */

static int make_address(const char *path, struct sockaddr_un *addr)
{
    memset(addr, 0, sizeof(*addr));
    addr->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(addr->sun_path))
        return -ENAMETOOLONG;
    memcpy(addr->sun_path, path, strlen(path) + 1);
    return 0;
}

int holder_connect(const char *path)
{
    struct sockaddr_un addr;
    int rc = make_address(path, &addr), fd;

    if (rc)
        return rc;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int holder_start(const char *path, int listener)
{
    struct sockaddr_un addr;
    int rc = make_address(path, &addr), fd;
    mode_t old;
    pid_t pid;

    if (rc)
        return rc;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    unlink(path);
    old = umask(0177);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4))
        rc = -errno;
    umask(old);
    pid = rc ? -1 : fork();
    if (!pid)
        become_holder(fd, listener);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    else if (!rc)
        rc = -errno;
    close(fd);
    return rc;
}
