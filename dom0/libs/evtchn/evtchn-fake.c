#include "dom0/libs/evtchn/evtchn-fake.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { NR_PORTS = 64 };

struct evtchn {
    int fd;
};

static struct {
    int bound, masked, pending;
    unsigned int notified;
} ports[NR_PORTS];
static struct evtchn only = {-1};

void evtchn_fake_reset(void)
{
    memset(ports, 0, sizeof(ports));
}

/* The descriptor is readable exactly while a port waits. */
static void signal_fd(void)
{
    uint64_t count;

    if (read(only.fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return;
    for (unsigned int i = 0; i < NR_PORTS; i++)
        if (ports[i].pending && !ports[i].masked) {
            count = 1;
            if (write(only.fd, &count, sizeof(count)) < 0)
                return;
        }
}

void evtchn_fake_raise(uint32_t remote_port)
{
    if (!ports[remote_port].bound)
        return;
    ports[remote_port].pending = 1;
    signal_fd();
}

unsigned int evtchn_fake_notified(uint32_t remote_port)
{
    return ports[remote_port].notified;
}

unsigned int evtchn_fake_bound(void)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < NR_PORTS; i++)
        n += !!ports[i].bound;
    return n;
}

int evtchn_open(struct evtchn **out)
{
    only.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    *out = &only;
    return only.fd < 0 ? -errno : 0;
}

int evtchn_restrict(struct evtchn *ec, uint32_t domid)
{
    (void)ec, (void)domid;
    return 0;
}

void evtchn_close(struct evtchn *ec)
{
    if (!ec)
        return;
    close(ec->fd);
    evtchn_fake_reset();
}

int evtchn_fd(struct evtchn *ec)
{
    return ec->fd;
}

int evtchn_bind(struct evtchn *ec, uint32_t domid, uint32_t remote_port,
                uint32_t *port)
{
    (void)ec, (void)domid;
    if (remote_port >= NR_PORTS || ports[remote_port].bound)
        return -EINVAL;
    memset(&ports[remote_port], 0, sizeof(ports[0]));
    ports[remote_port].bound = 1;
    *port = EVTCHN_FAKE_LOCAL(remote_port);
    return 0;
}

int evtchn_bind_virq(struct evtchn *ec, unsigned int virq, uint32_t *port)
{
    if (ports[NR_PORTS / 2 + virq].bound)
        return -EEXIST;
    return evtchn_bind(ec, 0, NR_PORTS / 2 + virq, port);
}

int evtchn_unbind(struct evtchn *ec, uint32_t port)
{
    (void)ec;
    ports[port - EVTCHN_FAKE_LOCAL(0)].bound = 0;
    return 0;
}

void evtchn_notify(struct evtchn *ec, uint32_t port)
{
    (void)ec;
    ports[port - EVTCHN_FAKE_LOCAL(0)].notified++;
}

int evtchn_pending(struct evtchn *ec, uint32_t *out, unsigned int max)
{
    unsigned int n = 0;

    (void)ec;
    for (unsigned int i = 0; i < NR_PORTS && n < max; i++) {
        if (!ports[i].pending || ports[i].masked)
            continue;
        ports[i].pending = 0;
        ports[i].masked = 1;
        out[n++] = EVTCHN_FAKE_LOCAL(i);
    }
    signal_fd();
    return (int)n;
}

int evtchn_unmask(struct evtchn *ec, const uint32_t *in, unsigned int nr)
{
    (void)ec;
    for (unsigned int i = 0; i < nr; i++)
        ports[in[i] - EVTCHN_FAKE_LOCAL(0)].masked = 0;
    signal_fd();
    return 0;
}
