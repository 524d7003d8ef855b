#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

struct gnttab {
    xengnttab_handle *handle;
};

int gnttab_open(struct gnttab **out)
{
    struct gnttab *gt = calloc(1, sizeof(*gt));
    int rc;

    if (!gt)
        return -ENOMEM;
    gt->handle = xengnttab_open(NULL, 0);
    if (!gt->handle) {
        rc = errno ? -errno : -ENODEV;
        free(gt);
        return rc;
    }
    *out = gt;
    return 0;
}

void gnttab_close(struct gnttab *gt)
{
    if (!gt)
        return;
    xengnttab_close(gt->handle);
    free(gt);
}

int gnttab_map(struct gnttab *gt, uint32_t domid, const uint32_t *refs,
               unsigned int nr, int writable, void **out)
{
    int prot = PROT_READ | (writable ? PROT_WRITE : 0);
    uint32_t *list = (uint32_t *)(uintptr_t)refs; /* only read */
    void *addr =
        xengnttab_map_domain_grant_refs(gt->handle, nr, domid, list, prot);

    if (!addr)
        return errno ? -errno : -EIO;
    *out = addr;
    return 0;
}

void gnttab_unmap(struct gnttab *gt, void *addr, unsigned int nr)
{
    xengnttab_unmap(gt->handle, addr, nr);
}

int gnttab_copy(struct gnttab *gt, gnttab_op_t *ops, unsigned int nr)
{
    if (!nr)
        return 0;
    if (xengnttab_grant_copy(gt->handle, nr, ops))
        return errno ? -errno : -EIO;
    return 0;
}
