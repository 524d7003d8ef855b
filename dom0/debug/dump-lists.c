#include "dom0/debug/dump-lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 512 };

int dump_lists_add(struct dump_lists *l, uint64_t pfn, uint64_t mfn)
{
    struct dump_page *more;

    if (l->nr_pages == l->room) {
        l->room = l->room ? l->room * 2 : 4096;
        more = reallocarray(l->pages, l->room, sizeof(*more));
        if (!more)
            return -ENOMEM;
        l->pages = more;
    }
    l->pages[l->nr_pages++] = (struct dump_page){pfn, mfn};
    return 0;
}

void dump_lists_free(struct dump_lists *l)
{
    free(l->pages);
    free(l->leafs);
}

/* Root, pages that name leafs, the leaf without any page, the others. */
static size_t nr_middle(const struct dump_lists *l)
{
    return (l->nr_leafs + WORDS - 1) / WORDS;
}

uint64_t dump_lists_root(const struct dump_lists *l)
{
    return l->mfn;
}

size_t dump_lists_pages(const struct dump_lists *l)
{
    return 1 + nr_middle(l) + 1 + l->nr_made;
}

int dump_lists_place(struct dump_lists *l, uint64_t mfn)
{
    uint64_t empty;

    l->mfn = mfn;
    l->nr_leafs = l->pages[l->nr_pages - 1].pfn / WORDS + 1;
    l->leafs = reallocarray(NULL, l->nr_leafs, sizeof(*l->leafs));
    if (!l->leafs)
        return -ENOMEM;
    empty = mfn + 1 + nr_middle(l);
    for (size_t i = 0; i < l->nr_leafs; i++)
        l->leafs[i] = empty;
    for (size_t i = 0; i < l->nr_pages; i++) {
        uint64_t *leaf = &l->leafs[l->pages[i].pfn / WORDS];

        if (*leaf == empty)
            *leaf = empty + ++l->nr_made;
    }
    return 0;
}

static int write_leafs(const struct dump_lists *l,
                       int (*put)(void *arg, const void *page), void *arg)
{
    uint64_t page[WORDS];
    int rc;

    memset(page, 0xff, sizeof(page));
    rc = put(arg, page); /* the empty one */
    for (size_t i = 0; !rc && i < l->nr_pages; i++) {
        uint64_t pfn = l->pages[i].pfn;

        page[pfn % WORDS] = l->pages[i].mfn;
        if (i + 1 < l->nr_pages && l->pages[i + 1].pfn / WORDS == pfn / WORDS)
            continue;
        rc = put(arg, page);
        memset(page, 0xff, sizeof(page));
    }
    return rc;
}

int dump_lists_write(const struct dump_lists *l,
                     int (*put)(void *arg, const void *page), void *arg)
{
    uint64_t page[WORDS] = {0};
    int rc;

    for (size_t i = 0; i < nr_middle(l); i++)
        page[i] = l->mfn + 1 + i;
    rc = put(arg, page);
    for (size_t i = 0; !rc && i < nr_middle(l); i++) {
        size_t n = l->nr_leafs - i * WORDS;

        memset(page, 0, sizeof(page));
        memcpy(page, l->leafs + i * WORDS,
               (n < WORDS ? n : WORDS) * sizeof(*page));
        rc = put(arg, page);
    }
    return rc ? rc : write_leafs(l, put, arg);
}
