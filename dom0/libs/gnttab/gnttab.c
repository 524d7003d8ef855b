#include "dom0/libs/gnttab/gnttab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Backends live in the host domain; elsewhere the grants do not work out. */
#define OWN_DOMID 0

struct gnttab {
    xengnttab_handle *handle;
    xengntshr_handle *shr; /* of our own pages; NULL without */
    uint8_t *own;
    uint32_t *own_refs;
    unsigned int nr_own;
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

/* --- our own pages ----------------------------------------------------------
 */

static void lose_own_pages(struct gnttab *gt)
{
    if (gt->own)
        xengntshr_unshare(gt->shr, gt->own, gt->nr_own);
    if (gt->shr)
        xengntshr_close(gt->shr);
    free(gt->own_refs);
    gt->own = NULL;
    gt->shr = NULL;
    gt->own_refs = NULL;
}

static bool take_own_pages(struct gnttab *gt, unsigned int nr)
{
    gt->shr = xengntshr_open(NULL, 0);
    gt->own_refs = calloc(nr, sizeof(*gt->own_refs));
    if (!gt->shr || !gt->own_refs)
        return false;
    gt->own = xengntshr_share_pages(gt->shr, OWN_DOMID, (int)nr, gt->own_refs,
                                    1 /* writable */);
    gt->nr_own = nr;
    return gt->own;
}

/* A copy from one of them to another: may we? */
static bool own_pages_work(struct gnttab *gt)
{
    gnttab_op_t op;

    gnttab_copy_over(&op, OWN_DOMID, gt->own_refs[0], 0, OWN_DOMID,
                     gt->own_refs[gt->nr_own - 1], 0, GNTTAB_PAGE_SIZE / 2);
    return !xengnttab_grant_copy(gt->handle, 1, &op) && op.status == GNTST_okay;
}

void *gnttab_own_pages(struct gnttab *gt, unsigned int nr)
{
    if (!take_own_pages(gt, nr) || !own_pages_work(gt))
        lose_own_pages(gt);
    return gt->own;
}

/* A place in one of our own pages by its grant. */
static bool name_by_grant(const struct gnttab *gt, union xengnttab_copy_ptr *p,
                          unsigned int len)
{
    size_t at = (uintptr_t)p->virt - (uintptr_t)gt->own;
    size_t page = at / GNTTAB_PAGE_SIZE, offset = at % GNTTAB_PAGE_SIZE;

    if (page >= gt->nr_own || offset + len > GNTTAB_PAGE_SIZE)
        return false;
    p->foreign.ref = gt->own_refs[page];
    p->foreign.offset = (uint16_t)offset;
    p->foreign.domid = OWN_DOMID;
    return true;
}

static void name_all_by_grant(const struct gnttab *gt, gnttab_op_t *ops,
                              unsigned int nr)
{
    for (gnttab_op_t *op = ops; op < ops + nr; op++) {
        if (!(op->flags & GNTCOPY_source_gref) &&
            name_by_grant(gt, &op->source, op->len))
            op->flags |= GNTCOPY_source_gref;
        if (!(op->flags & GNTCOPY_dest_gref) &&
            name_by_grant(gt, &op->dest, op->len))
            op->flags |= GNTCOPY_dest_gref;
    }
}

/* --- opening and closing ----------------------------------------------------
 */

void gnttab_close(struct gnttab *gt)
{
    if (!gt)
        return;
    lose_own_pages(gt);
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
    if (gt->own)
        name_all_by_grant(gt, ops, nr);
    if (xengnttab_grant_copy(gt->handle, nr, ops))
        return errno ? -errno : -EIO;
    return 0;
}
