/*
 * Nodes of the tree. A node is immutable once somebody else refers to it: who
 * wants to change one takes node_own(), which copies it unless the caller's
 * reference is the only one. The children of a node form a treap (a binary
 * tree ordered by name, heap-ordered by a hash of the name), linked through
 * the children themselves, so a change copies a logarithm's worth of siblings.
 */
#ifndef XENSTORE_CORE_NODE_H
#define XENSTORE_CORE_NODE_H

#include "xenstore/core/perm.h"

#include <stdbool.h>

struct node {
    uint32_t refs;
    uint32_t priority; /* in the treap; follows from the name */
    uint64_t gen;      /* moves when the value, list or child set changes */
    struct node *left, *right; /* siblings */
    struct node *children;     /* top of the treap below */
    struct perms *perms;
    uint32_t span; /* bytes of the names in this treap, NULs included */
    uint16_t name_len, value_len;
    char bytes[]; /* the name, NULs up to node_name_room(), the value */
};

/* Names are compared by their first bytes as a number: so many are there. */
#define NODE_HEAD_BYTES sizeof(uint64_t)

static inline size_t node_name_room(size_t name_len)
{
    return name_len < NODE_HEAD_BYTES ? NODE_HEAD_BYTES : name_len + 1;
}

static inline const char *node_name(const struct node *n)
{
    return n->bytes;
}

static inline const char *node_value(const struct node *n)
{
    return n->bytes + node_name_room(n->name_len);
}

/* Bytes of its children's names, as a directory reply has them. */
static inline size_t node_names_len(const struct node *n)
{
    return n->children ? n->children->span : 0;
}

/* What it costs its owner. */
static inline size_t node_bytes(const struct node *n)
{
    return sizeof(*n) + node_name_room(n->name_len) + n->value_len;
}

/* A node without children; takes over the reference to `perms`. */
struct node *node_new(uint64_t seed, const char *name, size_t name_len,
                      struct perms *perms, const void *value, size_t value_len);
struct node *node_get(struct node *n);
void node_put(struct node *n); /* NULL is fine */

/* Swap the caller's reference in *link for one nobody shares. */
struct node *node_own(struct node **link);

/* Give an owned node another value; it may move. */
void node_set_value(struct node **link, const void *value, size_t len);

/* --- children: `top` is a reference the call consumes ----------------------
 */

struct node *child_find(struct node *top, const char *name, size_t len);

/* Add `n` (a reference handed over), whose name is not there yet. */
struct node *child_add(struct node *top, struct node *n);

/* Take `name` out: *gone is a reference to what was there. */
struct node *child_remove(struct node *top, const char *name, size_t len,
                          struct node **gone);

/*
 * Own everything from *top down to `name`, which must exist: the link through
 * which it hangs, for an owner of the parent to change.
 */
struct node **child_own(struct node **top, const char *name, size_t len);

/* Visit in order, starting with the name at byte `offset` of the list. */
typedef bool child_fn(struct node *child, void *arg); /* false: stop */
bool child_each(struct node *top, size_t offset, child_fn *fn, void *arg);

/* Whether two treaps hold the same names. */
bool child_same_names(const struct node *a, const struct node *b);

#endif
