#include "pv-backends/console/page.h"

#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <xenforeignmemory.h>

static int map_foreign(struct page *p, uint32_t domid, uint64_t frame)
{
    xen_pfn_t pfn = frame;
    int err = 0, rc;

    p->foreign = xenforeignmemory_open(NULL, 0);
    if (!p->foreign)
        return -errno;
    p->address = xenforeignmemory_map(p->foreign, domid, PROT_READ | PROT_WRITE,
                                      1, &pfn, &err);
    if (p->address && !err)
        return 0;
    rc = err ? err : -errno;
    if (p->address)
        xenforeignmemory_unmap(p->foreign, p->address, 1);
    xenforeignmemory_close(p->foreign);
    memset(p, 0, sizeof(*p));
    return rc < 0 ? rc : -EIO;
}

int page_map(struct page *p, struct gnttab *gt, uint32_t domid, uint64_t frame)
{
    const uint32_t ref = GNTTAB_RESERVED_CONSOLE;

    memset(p, 0, sizeof(*p));
    if (!gnttab_map(gt, domid, &ref, 1, 1, &p->address))
        return 0;
    p->address = NULL;
    return map_foreign(p, domid, frame);
}

void page_unmap(struct page *p, struct gnttab *gt)
{
    if (p->foreign) {
        xenforeignmemory_unmap(p->foreign, p->address, 1);
        xenforeignmemory_close(p->foreign);
    } else if (p->address) {
        gnttab_unmap(gt, p->address, 1);
    }
    memset(p, 0, sizeof(*p));
}
