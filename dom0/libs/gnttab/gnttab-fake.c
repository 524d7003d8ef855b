#include "dom0/libs/gnttab/gnttab-fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct gnttab {
    int unused;
};

static struct {
    unsigned char *page;
    int writable;
    int granted;
    unsigned int owns; /* pages of the mapping that begins with it */
} grants[GNTTAB_FAKE_REFS];
static struct gnttab only;
static unsigned int mapped, copies, slow;
static unsigned char *own; /* lives as long as the test program */
static size_t own_size;

void gnttab_fake_reset(void)
{
    for (unsigned int i = 0; i < GNTTAB_FAKE_REFS; i++)
        if (grants[i].owns)
            munmap(grants[i].page, (size_t)grants[i].owns * GNTTAB_PAGE_SIZE);
    memset(grants, 0, sizeof(grants));
    mapped = copies = slow = 0;
}

void *gnttab_fake_grant_run(uint32_t ref, unsigned int nr)
{
    unsigned char *pages =
        mmap(NULL, (size_t)nr * GNTTAB_PAGE_SIZE, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        abort();
    for (unsigned int i = 0; i < nr; i++) {
        grants[ref + i].page = pages + (size_t)i * GNTTAB_PAGE_SIZE;
        grants[ref + i].writable = 1;
        grants[ref + i].granted = 1;
        grants[ref + i].owns = i ? 0 : nr;
    }
    return pages;
}

void *gnttab_fake_grant(uint32_t ref, int writable)
{
    void *page = gnttab_fake_grant_run(ref, 1);

    grants[ref].writable = writable;
    return page;
}

void gnttab_fake_revoke(uint32_t ref)
{
    grants[ref].granted = 0;
}

unsigned int gnttab_fake_mapped(void)
{
    return mapped;
}

unsigned int gnttab_fake_slow_copies(void)
{
    return slow;
}

unsigned int gnttab_fake_copies(void)
{
    return copies;
}

int gnttab_open(struct gnttab **out)
{
    *out = &only;
    return 0;
}

void gnttab_close(struct gnttab *gt)
{
    (void)gt;
}

static int granted(uint32_t ref, int writable)
{
    return ref < GNTTAB_FAKE_REFS && grants[ref].granted &&
           (!writable || grants[ref].writable);
}

int gnttab_map(struct gnttab *gt, uint32_t domid, const uint32_t *refs,
               unsigned int nr, int writable, void **out)
{
    (void)gt, (void)domid;
    for (unsigned int i = 0; i < nr; i++) {
        if (!granted(refs[i], writable))
            return -EINVAL;
        if (grants[refs[i]].page !=
            grants[refs[0]].page + (size_t)i * GNTTAB_PAGE_SIZE)
            return -EINVAL; /* the fake cannot bring pages together */
    }
    *out = grants[refs[0]].page;
    mapped++;
    return 0;
}

void gnttab_unmap(struct gnttab *gt, void *addr, unsigned int nr)
{
    (void)gt, (void)addr, (void)nr;
    mapped--;
}

void *gnttab_own_pages(struct gnttab *gt, unsigned int nr)
{
    (void)gt;
    if (!own) {
        own_size = (size_t)nr * GNTTAB_PAGE_SIZE;
        own = mmap(NULL, own_size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    return own == MAP_FAILED ? NULL : own;
}

/* Would the kernel have to find the memory? */
static int is_slow(const union xengnttab_copy_ptr *p, int is_ref,
                   unsigned int len)
{
    size_t at = (uintptr_t)p->virt - (uintptr_t)own;

    return !is_ref &&
           (at >= own_size || at % GNTTAB_PAGE_SIZE + len > GNTTAB_PAGE_SIZE);
}

/* One side of a copy: its address, or NULL when the grant does not allow it. */
static unsigned char *side(const union xengnttab_copy_ptr *p, int is_ref,
                           unsigned int len, int writable)
{
    if (!is_ref)
        return p->virt;
    if (!granted(p->foreign.ref, writable) ||
        p->foreign.offset + len > GNTTAB_PAGE_SIZE)
        return NULL;
    return grants[p->foreign.ref].page + p->foreign.offset;
}

int gnttab_copy(struct gnttab *gt, gnttab_op_t *ops, unsigned int nr)
{
    (void)gt;
    copies += !!nr;
    for (unsigned int i = 0; i < nr; i++) {
        gnttab_op_t *op = &ops[i];
        unsigned char *from =
            side(&op->source, op->flags & GNTCOPY_source_gref, op->len, 0);
        unsigned char *to =
            side(&op->dest, op->flags & GNTCOPY_dest_gref, op->len, 1);

        slow +=
            is_slow(&op->source, op->flags & GNTCOPY_source_gref, op->len) ||
            is_slow(&op->dest, op->flags & GNTCOPY_dest_gref, op->len);
        op->status = GNTST_bad_gntref;
        if (!from || !to)
            continue;
        memcpy(to, from, op->len);
        op->status = GNTST_okay;
    }
    return 0;
}
