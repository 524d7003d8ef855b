#include "dom0/libs/foreignmem/foreignmem.h"
#include "dom0/libs/hypercall/fake-internal.h"

#include <stdlib.h>

struct fmem {
    int unused;
};

struct fmem_resource {
    void *at;
    size_t nr;
};

int fmem_open(struct fmem **fm)
{
    static struct fmem the_one;

    CALL();
    *fm = &the_one;
    return 0;
}

void fmem_close(struct fmem *fm)
{
    (void)fm;
}

int fmem_map(struct fmem *fm, uint32_t domid, int prot, size_t nr,
             const xen_pfn_t *frames, void **at)
{
    (void)fm;
    CALL();
    for (size_t i = 0; i < nr; i++)
        if (!hv_fake_may_map(domid, frames[i]))
            return -EINVAL;
    *at = hv_fake_map(nr, frames, NULL, prot & PROT_WRITE);
    return 0;
}

int fmem_map_some(struct fmem *fm, uint32_t domid, int prot, size_t nr,
                  const xen_pfn_t *frames, int *errors, void **at)
{
    (void)fm;
    CALL();
    for (size_t i = 0; i < nr; i++)
        errors[i] = hv_fake_may_map(domid, frames[i]) ? 0 : -EINVAL;
    *at = hv_fake_map(nr, frames, errors, prot & PROT_WRITE);
    return 0;
}

void fmem_unmap(struct fmem *fm, void *at, size_t nr)
{
    (void)fm;
    hv_fake_unmap(at, nr);
}

int fmem_resource_map(struct fmem *fm, uint32_t domid, unsigned type,
                      unsigned id, unsigned long first, unsigned long nr,
                      int prot, struct fmem_resource **res, void **at)
{
    struct hv_fake_domain *d = hv_fake_domain(domid);
    xen_pfn_t mfn;

    (void)fm;
    CALL();
    if (!d)
        return -ESRCH;
    if (type != XENMEM_resource_grant_table || id || first || nr != 1)
        return -EINVAL;
    mfn = d->grant_mfn;
    *res = malloc(sizeof(**res));
    if (!*res)
        return -ENOMEM;
    *at = hv_fake_map(1, &mfn, NULL, prot & PROT_WRITE);
    **res = (struct fmem_resource){*at, 1};
    return 0;
}

void fmem_resource_unmap(struct fmem *fm, struct fmem_resource *res)
{
    (void)fm;
    hv_fake_unmap(res->at, res->nr);
    free(res);
}
