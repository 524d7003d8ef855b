#include "xenstore/core/perm.h"
#include "xenstore/core/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = "nrwb"; /* by PERM_READ | PERM_WRITE */

struct perms *perms_make(struct map *all, const struct perm *list, size_t nr)
{
    size_t bytes = nr * sizeof(*list);
    struct map_entry *e = map_find(all, list, bytes);
    struct perms *p;

    if (e)
        return perms_get((struct perms *)e);
    p = mem_alloc(sizeof(*p) + bytes);
    p->all = all;
    p->refs = 1;
    p->nr = (uint32_t)nr;
    memcpy(p->list, list, bytes);
    map_add(all, &p->entry, p->list, bytes);
    return p;
}

struct perms *perms_get(struct perms *p)
{
    p->refs++;
    return p;
}

void perms_put(struct perms *p)
{
    if (!p || --p->refs)
        return;
    map_remove(p->all, &p->entry);
    free(p);
}

int perm_parse(const char *text, struct perm *out)
{
    const char *letter = *text ? strchr(letters, *text) : NULL;
    unsigned long domid;
    char *end;

    if (!letter || text[1] < '0' || text[1] > '9')
        return -EINVAL;
    errno = 0;
    domid = strtoul(text + 1, &end, 10);
    if (errno || *end || domid > UINT16_MAX)
        return -EINVAL;
    memset(out, 0, sizeof(*out));
    out->domid = (uint16_t)domid;
    out->bits = (uint8_t)(letter - letters);
    return 0;
}

size_t perm_format(const struct perm *p, char *out)
{
    return (size_t)sprintf(out, "%c%u", letters[p->bits & 3], p->domid) + 1;
}
