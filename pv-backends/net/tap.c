#include "pv-backends/net/tap.h"

#include "pv-backends/net/bridge.h"
#include "pv-backends/net/link.h"
#include "pv-backends/runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A tap whose holder was just killed is free a moment later. */
enum { BUSY_TRIES = 100, BUSY_WAIT_US = 10000 };

static int attach(int fd, const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
                                     IFF_MULTI_QUEUE};
    int tries = 0;

    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    while (ioctl(fd, TUNSETIFF, &ifr)) {
        if (errno != EBUSY || ++tries == BUSY_TRIES)
            return -errno;
        usleep(BUSY_WAIT_US);
    }
    return 0;
}

int tap_more(const char *name, int *fd)
{
    int rc;

    *fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return -errno;
    rc = attach(*fd, name);
    if (rc)
        close(*fd);
    return rc;
}

/* No addresses of the host's own on it: it is the guest's cable. */
static void disable_ipv6(const char *name)
{
    char path[96];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
             name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* a host without IPv6 */
    if (write(fd, "1", 1) < 0)
        log_warning("%s: %s", path, strerror(errno));
    close(fd);
}

/* An interface of that name may be there only if it is this device's. */
static int check_name(const char *name, const char *alias,
                      struct backend_why *why)
{
    char found[LINK_ALIAS_BYTES];
    int rc = link_alias(name, found);

    if (rc == -ENODEV || (!rc && !strcmp(found, alias)))
        return 0;
    if (rc)
        return backend_fail(why, rc, "cannot look at interface %s: %s", name,
                            strerror(-rc));
    return backend_fail(why, -EEXIST, "there is another interface %s", name);
}

static int configure(struct tap *tap, const struct netplace *place,
                     const char *alias, struct backend_why *why)
{
    int on = 1, rc;

    if (ioctl(tap->fd, TUNSETPERSIST, on))
        return backend_fail(why, -errno, "%s: TUNSETPERSIST: %s", tap->name,
                            strerror(errno));
    disable_ipv6(tap->name);
    rc = link_setup(tap->name, alias, place->bridge, place->mtu);
    if (rc == -ENODEV)
        return backend_fail(why, rc, "there is no bridge %s", place->bridge);
    if (rc)
        return backend_fail(why, rc, "cannot set up %s on bridge %s: %s",
                            tap->name, place->bridge, strerror(-rc));
    return *place->bridge ? bridge_place(tap->name, place, why) : 0;
}

int tap_open(struct tap *tap, const char *name, const struct netplace *place,
             uint32_t domid, uint32_t devid, struct backend_why *why)
{
    char alias[LINK_ALIAS_BYTES];
    int rc;

    tap->fd = -1;
    if (!*name || strlen(name) >= TAP_NAME_BYTES || strchr(name, '/'))
        return backend_fail(why, -EINVAL, "no name for an interface: %s", name);
    snprintf(tap->name, sizeof(tap->name), "%s", name);
    snprintf(alias, sizeof(alias), LINK_ALIAS_FORMAT, domid, devid);
    rc = check_name(name, alias, why);
    if (rc)
        return rc;
    rc = tap_more(name, &tap->fd);
    if (rc) {
        tap->fd = -1;
        return backend_fail(why, rc, "cannot make the tap %s: %s", name,
                            strerror(-rc));
    }
    rc = configure(tap, place, alias, why);
    if (rc)
        tap_close(tap, true);
    return rc;
}

void tap_close(struct tap *tap, bool remove)
{
    if (tap->fd < 0)
        return;
    if (remove && ioctl(tap->fd, TUNSETPERSIST, 0))
        log_warning("%s: cannot be removed: %s", tap->name, strerror(errno));
    close(tap->fd);
    tap->fd = -1;
}

int tap_set_offloads(struct tap *tap, const struct tap_offloads *o)
{
    unsigned long flags = 0;

    if (o->csum)
        flags |= TUN_F_CSUM;
    if (o->csum && o->tso4)
        flags |= TUN_F_TSO4;
    if (o->csum && o->tso6)
        flags |= TUN_F_TSO6;
    return ioctl(tap->fd, TUNSETOFFLOAD, flags) ? -errno : 0;
}

void tap_set_carrier(struct tap *tap, bool on)
{
    int value = on;

    /* Kernels before 5.0 have no such thing: then the queue fills and drops. */
    if (ioctl(tap->fd, TUNSETCARRIER, &value) && errno != EINVAL)
        log_warning("%s: carrier: %s", tap->name, strerror(errno));
}

struct orphans {
    bool (*lives)(void *arg, uint32_t domid, uint32_t devid);
    void *arg;
};

static bool is_orphan(void *arg, const char *alias)
{
    const struct orphans *o = arg;
    unsigned int domid, devid;
    int end = 0;

    return sscanf(alias, LINK_ALIAS_FORMAT "%n", &domid, &devid, &end) == 2 &&
           end && !alias[end] && !o->lives(o->arg, domid, devid);
}

void tap_remove_orphans(bool (*lives)(void *arg, uint32_t domid,
                                      uint32_t devid),
                        void *arg)
{
    struct orphans o = {lives, arg};

    link_remove_if(is_orphan, &o);
}
