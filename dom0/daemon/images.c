#include "dom0/daemon/images.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/store.h"
#include "dom0/libs/opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- one question, in a thread -----------------------------------------------
 */

struct asking {
    struct daemon *d;
    int sock;
};

/* Is it the process that serves this domain's disks? */
static bool may_ask(struct daemon *d, int sock, uint32_t domid)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    char name[32];

    snprintf(name, sizeof(name), "pvblkd-%u", domid);
    return !getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
           peer.pid == helpers_pid(d, name);
}

/* Looked at before, for the opening of anything else may have an effect. */
static int open_image(const char *path, bool writable, int *fd, struct fault *f)
{
    int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY;
    struct stat st;

    if (stat(path, &st))
        return fault_set(f, -errno, FAULT_DEVICE, "%s: %s", path,
                         strerror(errno));
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return fault_set(f, -EINVAL, FAULT_DEVICE,
                         "%s is neither a file nor a block device", path);
    /* On a device it keeps mounts and other writers away. */
    if (S_ISBLK(st.st_mode) && writable)
        flags |= O_EXCL;
    *fd = open(path, flags);
    if (*fd >= 0)
        return 0;
    if (errno == EBUSY)
        return fault_set(f, -errno, FAULT_DEVICE,
                         "%s is mounted or in use on this host", path);
    return fault_set(f, -errno, FAULT_DEVICE, "cannot open %s: %s", path,
                     strerror(errno));
}

static int open_named(struct kit *k, const struct opener_request *rq, int *fd,
                      struct fault *f)
{
    char back[96], *params, *mode;
    int rc;

    snprintf(back, sizeof(back), "/local/domain/0/backend/pvblk/%u/%u",
             rq->domid, rq->devid);
    params = store_read(k->xs, XBT_NULL, "%s/params", back);
    mode = store_read(k->xs, XBT_NULL, "%s/mode", back);
    if (!params || !mode || strcmp(params, rq->path))
        rc = fault_set(f, -EBUSY, FAULT_DEVICE,
                       "%s is not what the store names now", rq->path);
    else
        rc = open_image(params, !strcmp(mode, "w"), fd, f);
    free(params);
    free(mode);
    return rc;
}

static int open_for(struct daemon *d, int sock, int *fd, struct fault *f)
{
    struct opener_request rq;
    struct kit *k;
    int rc = opener_receive(sock, &rq);

    if (rc)
        return fault_set(f, rc, FAULT_REQUEST, "that is no question");
    if (!may_ask(d, sock, rq.domid))
        return fault_set(f, -EPERM, FAULT_REQUEST,
                         "that is another guest's disk");
    k = kit_get(d->kits, f);
    if (!k)
        return -EBUSY;
    rc = open_named(k, &rq, fd, f);
    kit_put(d->kits, k);
    return rc;
}

static void answer(void *arg)
{
    struct asking a = *(struct asking *)arg;
    struct fault f = {0};
    int fd = -1, rc;

    free(arg);
    rc = open_for(a.d, a.sock, &fd, &f);
    opener_answer(a.sock, rc, fd, f.text); /* it may have gone: no matter */
    if (fd >= 0)
        close(fd);
    close(a.sock);
}

/* --- the socket, in the loop -------------------------------------------------
 */

static void on_ask(evutil_socket_t fd, short what, void *arg)
{
    struct asking *a = malloc(sizeof(*a));

    (void)what;
    if (!a)
        return;
    a->d = arg;
    a->sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (a->sock >= 0 && !daemon_work(a->d, answer, a))
        return;
    /* It asks again. */
    if (a->sock >= 0)
        close(a->sock);
    free(a);
}

static int listen_at(struct daemon *d, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int sock, rc = 0;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    strcpy(addr.sun_path, path);
    unlink(path);
    sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0)
        return -errno;
    if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
        lchown(path, 0, d->block_gid) || chmod(path, 0660) || listen(sock, 64))
        rc = -errno;
    if (rc) {
        close(sock);
        return rc;
    }
    return sock;
}

int images_listen(struct daemon *d)
{
    struct event *e;
    char path[256];
    int sock;

    if (!d->block_uid)
        return 0;
    sock = listen_at(d, daemon_path(d, IMAGES_SOCKET, path, sizeof(path)));
    if (sock < 0)
        return sock;
    e = event_new(loop_base(d->loop), sock, EV_READ | EV_PERSIST, on_ask, d);
    return e && !event_add(e, NULL) ? 0 : -ENOMEM;
}
