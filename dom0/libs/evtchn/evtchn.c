#include "dom0/libs/evtchn/evtchn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <xenevtchn.h>

struct evtchn {
    xenevtchn_handle *handle;
    int fd;
};

int evtchn_open(struct evtchn **out)
{
    struct evtchn *ec = calloc(1, sizeof(*ec));
    int rc, flags;

    if (!ec)
        return -ENOMEM;

    ec->handle = xenevtchn_open(NULL, 0);
    if (!ec->handle) {
        rc = -errno;
        free(ec);
        return rc;
    }
    ec->fd = xenevtchn_fd(ec->handle);

    /* The device honours this; the library alone would read port by port. */
    flags = fcntl(ec->fd, F_GETFL);
    fcntl(ec->fd, F_SETFL, flags | O_NONBLOCK);
    *out = ec;
    return 0;
}

void evtchn_close(struct evtchn *ec)
{
    if (!ec)
        return;
    xenevtchn_close(ec->handle);
    free(ec);
}

int evtchn_restrict(struct evtchn *ec, uint32_t domid)
{
    return xenevtchn_restrict(ec->handle, (domid_t)domid) ? -errno : 0;
}

int evtchn_fd(struct evtchn *ec)
{
    return ec->fd;
}

int evtchn_bind(struct evtchn *ec, uint32_t domid, uint32_t remote_port,
                uint32_t *port)
{
    xenevtchn_port_or_error_t p =
        xenevtchn_bind_interdomain(ec->handle, domid, remote_port);

    if (p < 0)
        return errno ? -errno : -EIO;
    *port = p;
    return 0;
}

int evtchn_bind_virq(struct evtchn *ec, unsigned int virq, uint32_t *port)
{
    xenevtchn_port_or_error_t p = xenevtchn_bind_virq(ec->handle, virq);

    if (p < 0)
        return errno ? -errno : -EIO;
    *port = p;
    return 0;
}

int evtchn_unbind(struct evtchn *ec, uint32_t port)
{
    return xenevtchn_unbind(ec->handle, port) ? -errno : 0;
}

void evtchn_notify(struct evtchn *ec, uint32_t port)
{
    xenevtchn_notify(ec->handle, port);
}

int evtchn_pending(struct evtchn *ec, uint32_t *ports, unsigned int max)
{
    ssize_t n;

    do {
        n = read(ec->fd, ports, max * sizeof(*ports));
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    return (int)(n / (ssize_t)sizeof(*ports));
}

int evtchn_unmask(struct evtchn *ec, const uint32_t *ports, unsigned int nr)
{
    ssize_t n;

    if (!nr)
        return 0;
    do {
        n = write(ec->fd, ports, nr * sizeof(*ports));
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}
