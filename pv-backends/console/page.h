/*
 * A guest's console page: by the grant reserved for it, else as a foreign
 * frame.
 */
#ifndef PARAVANE_CONSOLE_PAGE_H
#define PARAVANE_CONSOLE_PAGE_H

#include <stdint.h>

struct gnttab;
struct xenforeignmemory_handle;

struct page {
    void *address;
    struct xenforeignmemory_handle *foreign; /* NULL: it is a grant */
};

/* `frame` is what the store calls ring-ref. 0 or -errno. */
int page_map(struct page *p, struct gnttab *gt, uint32_t domid, uint64_t frame);
void page_unmap(struct page *p, struct gnttab *gt);

#endif
