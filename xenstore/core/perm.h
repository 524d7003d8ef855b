/*
 * Permission lists: an owner with what everyone else may do, then entries for
 * single domains. Equal lists are one object, shared and counted, so that
 * comparing two is comparing pointers.
 *
 * An entry carries the incarnation of the domain id it was made for: when a
 * domain is gone its id's incarnation moves on, and old entries mean nobody.
 */
#ifndef XENSTORE_CORE_PERM_H
#define XENSTORE_CORE_PERM_H

#include "xenstore/core/map.h"

#define PERM_NONE  0
#define PERM_READ  1
#define PERM_WRITE 2
#define PERM_OWNER 4 /* may change the list */
#define PERM_ALL   7

#define PERMS_MAX 256 /* entries, whoever asks */

struct perm {
    uint16_t domid;
    uint8_t bits; /* PERM_READ, PERM_WRITE */
    uint8_t zero; /* lists are compared as bytes */
    uint32_t incarnation;
};

struct perms {
    struct map_entry entry;
    struct map *all; /* the table it is in */
    uint32_t refs;
    uint32_t nr;
    struct perm list[];
};

/* The shared list equal to `list`: a reference to put. */
struct perms *perms_make(struct map *all, const struct perm *list, size_t nr);
struct perms *perms_get(struct perms *p);
void perms_put(struct perms *p); /* NULL is fine */

/* "n5" to an entry without incarnation. 0 or -EINVAL. */
int perm_parse(const char *text, struct perm *out);

/* An entry as text; the length with its NUL (at most 8). */
size_t perm_format(const struct perm *p, char *out);

#endif
