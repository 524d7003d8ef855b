/*
 * Trees by path. A tree is a reference to its root node; taking another
 * reference is a snapshot, at no cost. Changes own the nodes on the way down,
 * so they reach no snapshot.
 *
 * Paths are absolute and checked. `gen` is the stamp for what changes.
 */
#ifndef XENSTORE_CORE_TREE_H
#define XENSTORE_CORE_TREE_H

#include "xenstore/core/node.h"

/* The node at the first `len` bytes of `path`, or NULL; not a reference. */
struct node *tree_find_n(struct node *root, const char *path, size_t len);
struct node *tree_find(struct node *root, const char *path);

/*
 * The deepest existing node on the way to `path`, perhaps itself; *len is the
 * length of its path. There is always the root.
 */
struct node *tree_nearest(struct node *root, const char *path, size_t *len);

/* These three want an existing node; the first two return it, as it is now. */
struct node *tree_set_value(struct node **root, const char *path,
                            const void *value, size_t len, uint64_t gen);
struct node *tree_set_perms(struct node **root, const char *path,
                            struct perms *perms,
                            uint64_t gen); /* takes the reference over */
struct node *tree_remove(struct node **root, const char *path,
                         uint64_t gen); /* a reference; never the root */

/* Hang `n` (a reference handed over) below the node at path[0..len). */
void tree_add(struct node **root, const char *path, size_t len, struct node *n,
              uint64_t gen);

/*
 * Visit a node and all below it, parents first. `path` is a buffer of
 * PATH_BYTES with the node's own path of length `len` in it. A path that would
 * not fit is not followed. Not while the tree changes.
 */
typedef void tree_fn(const char *path, struct node *n, void *arg);
void tree_walk(struct node *n, char *path, size_t len, tree_fn *fn, void *arg);

/*
 * What makes the tree `was` the tree `is`: each node that is new or has another
 * value or list, parents first, and NULL for each that is gone with all below.
 * What both share is not looked at. `path` as above.
 */
typedef void tree_diff_fn(const char *path, size_t len, const struct node *is,
                          void *arg);
void tree_diff(struct node *was, struct node *is, char *path, size_t len,
               tree_diff_fn *fn, void *arg);

#endif
