/*
 * A hypervisor made of files, for the real daemon in tests: a folder, named by
 * FAKE_XEN, has the guests' rings (ring-DOMID), a FIFO in which guests write
 * the ports they kick (events), and a FIFO per port which we kick (kick-PORT).
 * What was kicked while no daemon was there is lost, as it would be.
 */
#include "dom0/libs/hypercall/hypercall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#define PAGE 4096

struct xenevtchn_handle {
    int fd;
};

static int open_file(const char *name, int flags)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", getenv("FAKE_XEN"), name);
    return open(path, flags | O_CLOEXEC);
}

/* --- hypercalls: every domain is there and well -----------------------------
 */

int hv_open(struct hv **hv)
{
    *hv = NULL;
    return getenv("FAKE_XEN") ? 0 : -ENODEV;
}

void hv_close(struct hv *hv)
{
    (void)hv;
}

int hv_domain_info(struct hv *hv, uint32_t domid,
                   struct xen_domctl_getdomaininfo *info)
{
    (void)hv;
    memset(info, 0, sizeof(*info));
    info->domain = (domid_t)domid;
    return 0;
}

/* --- event channels: our port is the guest's --------------------------------
 */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger,
                                 unsigned int flags)
{
    xenevtchn_handle *h = calloc(1, sizeof(*h));
    char waste[4096];

    (void)logger;
    (void)flags;
    if (!h)
        return NULL;
    h->fd = open_file("events", O_RDWR | O_NONBLOCK);
    if (h->fd < 0) {
        free(h);
        return NULL;
    }
    while (read(h->fd, waste, sizeof(waste)) > 0)
        ;
    return h;
}

int xenevtchn_close(xenevtchn_handle *h)
{
    close(h->fd);
    free(h);
    return 0;
}

int xenevtchn_fd(xenevtchn_handle *h)
{
    return h->fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h,
                                                     uint32_t domid,
                                                     evtchn_port_t port)
{
    (void)h;
    (void)domid;
    return (xenevtchn_port_or_error_t)port;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *h,
                                              unsigned int virq)
{
    (void)h;
    return (xenevtchn_port_or_error_t)(1000 + virq);
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
    (void)h;
    (void)port;
    return 0;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
    char name[32];
    int fd;

    (void)h;
    snprintf(name, sizeof(name), "kick-%u", port);
    fd = open_file(name, O_RDWR | O_NONBLOCK);
    if (fd < 0 || (write(fd, "k", 1) < 0 && errno != EAGAIN))
        return -1;
    close(fd);
    return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
    uint32_t port;

    return read(h->fd, &port, sizeof(port)) == sizeof(port)
               ? (xenevtchn_port_or_error_t)port
               : -1;
}

int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
    (void)h;
    (void)port;
    return 0;
}

/* --- grants: the one of the ring --------------------------------------------
 */

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger,
                                 unsigned int flags)
{
    (void)logger;
    (void)flags;
    return (xengnttab_handle *)malloc(1);
}

int xengnttab_close(xengnttab_handle *h)
{
    free(h);
    return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *h, uint32_t domid, uint32_t ref,
                              int prot)
{
    char name[32];
    void *page;
    int fd;

    (void)h;
    (void)ref;
    snprintf(name, sizeof(name), "ring-%u", domid);
    fd = open_file(name, O_RDWR);
    if (fd < 0)
        return NULL;
    page = mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

int xengnttab_unmap(xengnttab_handle *h, void *page, uint32_t count)
{
    (void)h;
    return munmap(page, count * PAGE);
}
