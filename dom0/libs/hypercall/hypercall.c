/* The handle, and the common part of the control operations. */
#include "dom0/libs/hypercall/internal.h"

#include <stdlib.h>

/* A question every 4.17 answers tells whether it is one. */
static int check_interface(struct hv *hv)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(hv, 0, &info);

    return rc == -EACCES ? -EPROTO : rc == -ESRCH ? 0 : rc;
}

int hv_open(struct hv **out)
{
    struct hv *hv = calloc(1, sizeof(*hv));
    int rc = -ENOMEM;

    if (!hv)
        return -ENOMEM;
    hv->xc = xencall_open(NULL, XENCALL_OPENFLAG_NON_REENTRANT);
    if (!hv->xc) {
        rc = errno ? -errno : -ENODEV;
        goto free;
    }
    hv->op = xencall_alloc_buffer_pages(hv->xc, 1);
    if (!hv->op)
        goto close;
    rc = check_interface(hv);
    if (rc)
        goto close;
    *out = hv;
    return 0;

close:
    hv_close(hv);
    return rc;
free:
    free(hv);
    return rc;
}

void hv_close(struct hv *hv)
{
    if (!hv)
        return;
    if (hv->op)
        xencall_free_buffer_pages(hv->xc, hv->op, 1);
    xencall_close(hv->xc);
    free(hv);
}

void *hv_arg(struct hv *hv, size_t size)
{
    return memset(hv->op, 0, size);
}

void *hv_buffer(struct hv *hv, size_t size)
{
    void *p = xencall_alloc_buffer(hv->xc, size ? size : 1);

    if (p)
        memset(p, 0, size);
    return p;
}

void hv_buffer_free(struct hv *hv, void *p)
{
    if (p)
        xencall_free_buffer(hv->xc, p);
}

struct xen_domctl *hv_domctl_arg(struct hv *hv, uint32_t cmd, uint32_t domid)
{
    struct xen_domctl *op = hv_arg(hv, sizeof(*op));

    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = (domid_t)domid;
    return op;
}

int hv_domctl(struct hv *hv)
{
    int rc = xencall1(hv->xc, __HYPERVISOR_domctl, (uintptr_t)hv->op);

    return rc < 0 ? -errno : 0;
}

struct xen_sysctl *hv_sysctl_arg(struct hv *hv, uint32_t cmd)
{
    struct xen_sysctl *op = hv_arg(hv, sizeof(*op));

    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return op;
}

int hv_sysctl(struct hv *hv)
{
    int rc = xencall1(hv->xc, __HYPERVISOR_sysctl, (uintptr_t)hv->op);

    return rc < 0 ? -errno : 0;
}

int hv_call2(struct hv *hv, unsigned call, uint64_t a, uint64_t b)
{
    int rc = xencall2(hv->xc, call, a, b);

    return rc < 0 ? -errno : rc;
}

long hv_memory_op(struct hv *hv, unsigned cmd, void *arg)
{
    long rc = xencall2L(hv->xc, __HYPERVISOR_memory_op, cmd, (uintptr_t)arg);

    return rc < 0 ? -errno : rc;
}
