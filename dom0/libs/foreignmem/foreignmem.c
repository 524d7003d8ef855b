#include "dom0/libs/foreignmem/foreignmem.h"

#include <errno.h>
#include <stdlib.h>
#include <xenforeignmemory.h>

struct fmem {
    xenforeignmemory_handle *h;
};

int fmem_open(struct fmem **out)
{
    struct fmem *fm = malloc(sizeof(*fm));
    int rc;

    if (!fm)
        return -ENOMEM;
    fm->h = xenforeignmemory_open(NULL, 0);
    if (!fm->h) {
        rc = errno ? -errno : -ENODEV;
        free(fm);
        return rc;
    }
    *out = fm;
    return 0;
}

void fmem_close(struct fmem *fm)
{
    if (!fm)
        return;
    xenforeignmemory_close(fm->h);
    free(fm);
}

int fmem_map(struct fmem *fm, uint32_t domid, int prot, size_t nr,
             const xen_pfn_t *frames, void **at)
{
    /* Without an array of errors the library undoes a partial mapping. */
    *at = xenforeignmemory_map(fm->h, domid, prot, nr, frames, NULL);
    return *at ? 0 : errno ? -errno : -EINVAL;
}

int fmem_map_some(struct fmem *fm, uint32_t domid, int prot, size_t nr,
                  const xen_pfn_t *frames, int *errors, void **at)
{
    *at = xenforeignmemory_map(fm->h, domid, prot, nr, frames, errors);
    return *at ? 0 : errno ? -errno : -EINVAL;
}

void fmem_unmap(struct fmem *fm, void *at, size_t nr)
{
    xenforeignmemory_unmap(fm->h, at, nr);
}

int fmem_resource_map(struct fmem *fm, uint32_t domid, unsigned type,
                      unsigned id, unsigned long first, unsigned long nr,
                      int prot, struct fmem_resource **res, void **at)
{
    xenforeignmemory_resource_handle *r;

    *at = NULL;
    r = xenforeignmemory_map_resource(fm->h, (domid_t)domid, type, id, first,
                                      nr, at, prot, 0);
    if (!r)
        return errno ? -errno : -EINVAL;
    *res = (struct fmem_resource *)r;
    return 0;
}

void fmem_resource_unmap(struct fmem *fm, struct fmem_resource *res)
{
    xenforeignmemory_unmap_resource(fm->h,
                                    (xenforeignmemory_resource_handle *)res);
}
