#include "xenstore/core/tree.h"
#include "xenstore/core/path.h"

#include <string.h>

/* path_next() that stops at `end`. */
static bool step(const char **s, const char *end, const char **name,
                 size_t *len)
{
    const char *p = *s;

    while (p < end && *p == '/')
        p++;
    *name = p;
    while (p < end && *p != '/')
        p++;
    *len = (size_t)(p - *name);
    *s = p;
    return *len != 0;
}

struct node *tree_find_n(struct node *root, const char *path, size_t len)
{
    const char *s = path, *name;
    size_t name_len;

    while (root && step(&s, path + len, &name, &name_len))
        root = child_find(root->children, name, name_len);
    return root;
}

struct node *tree_find(struct node *root, const char *path)
{
    return tree_find_n(root, path, strlen(path));
}

struct node *tree_nearest(struct node *root, const char *path, size_t *len)
{
    const char *s = path, *end = path + strlen(path), *name;
    struct node *n = root, *child;
    size_t name_len;

    *len = 1;
    while (step(&s, end, &name, &name_len)) {
        child = child_find(n->children, name, name_len);
        if (!child)
            break;
        n = child;
        *len = (size_t)(s - path);
    }
    return n;
}

/* Own all nodes to path[0..len), which exists: the link to the last. */
static struct node **own_path(struct node **root, const char *path, size_t len)
{
    const char *s = path, *name;
    size_t name_len;

    node_own(root);
    while (step(&s, path + len, &name, &name_len))
        root = child_own(&(*root)->children, name, name_len);
    return root;
}

struct node *tree_set_value(struct node **root, const char *path,
                            const void *value, size_t len, uint64_t gen)
{
    struct node **link = own_path(root, path, strlen(path));

    (*link)->gen = gen;
    node_set_value(link, value, len);
    return *link;
}

struct node *tree_set_perms(struct node **root, const char *path,
                            struct perms *perms, uint64_t gen)
{
    struct node *n = *own_path(root, path, strlen(path));

    perms_put(n->perms);
    n->perms = perms;
    n->gen = gen;
    return n;
}

void tree_add(struct node **root, const char *path, size_t len, struct node *n,
              uint64_t gen)
{
    struct node *parent = *own_path(root, path, len);

    n->gen = parent->gen = gen;
    parent->children = child_add(parent->children, n);
}

struct node *tree_remove(struct node **root, const char *path, uint64_t gen)
{
    size_t len = strlen(path);
    struct node *parent = *own_path(root, path, path_parent_len(path, len));
    const char *leaf = path_leaf(path);
    struct node *gone = NULL;

    parent->gen = gen;
    parent->children =
        child_remove(parent->children, leaf, strlen(leaf), &gone);
    return gone;
}

/* Append a child's name to the path of its parent. The new length, or 0 when it
 * does not fit. */
static size_t enter(char *path, size_t len, const struct node *child)
{
    size_t slash = len == 1 ? 0 : 1;

    if (len + slash + child->name_len >= PATH_BYTES)
        return 0;
    if (slash)
        path[len] = '/';
    memcpy(path + len + slash, node_name(child), child->name_len + 1u);
    return len + slash + child->name_len;
}

struct walk {
    char *path;
    size_t len;
    tree_fn *fn;
    void *arg;
};

static bool walk_child(struct node *child, void *arg)
{
    struct walk *w = arg;
    size_t len = enter(w->path, w->len, child);

    if (len)
        tree_walk(child, w->path, len, w->fn, w->arg);
    w->path[w->len] = '\0';
    return true;
}

void tree_walk(struct node *n, char *path, size_t len, tree_fn *fn, void *arg)
{
    struct walk w = {path, len, fn, arg};

    fn(path, n, arg);
    child_each(n->children, 0, walk_child, &w);
}

struct diff {
    struct node *other; /* children of the other tree's node */
    char *path;
    size_t len;
    tree_diff_fn *fn;
    void *arg;
};

static bool diff_child(struct node *child, void *arg)
{
    struct diff *d = arg;
    size_t len = enter(d->path, d->len, child);

    if (len)
        tree_diff(child_find(d->other, node_name(child), child->name_len),
                  child, d->path, len, d->fn, d->arg);
    d->path[d->len] = '\0';
    return true;
}

static bool diff_gone(struct node *child, void *arg)
{
    struct diff *d = arg;
    size_t len;

    if (child_find(d->other, node_name(child), child->name_len))
        return true;
    len = enter(d->path, d->len, child);
    if (len)
        d->fn(d->path, len, NULL, d->arg);
    d->path[d->len] = '\0';
    return true;
}

static bool is_same(const struct node *a, const struct node *b)
{
    return a->perms == b->perms && a->value_len == b->value_len &&
           !memcmp(node_value(a), node_value(b), a->value_len);
}

void tree_diff(struct node *was, struct node *is, char *path, size_t len,
               tree_diff_fn *fn, void *arg)
{
    struct diff d = {NULL, path, len, fn, arg};

    if (was == is)
        return;
    if (!was || !is_same(was, is))
        fn(path, len, is, arg);
    d.other = was ? was->children : NULL;
    if (d.other == is->children)
        return;
    child_each(is->children, 0, diff_child, &d);
    d.other = is->children;
    if (was)
        child_each(was->children, 0, diff_gone, &d);
}
