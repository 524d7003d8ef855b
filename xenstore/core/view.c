/*
 * Changes to the store's tree or to a transaction's, for callers who have
 * already decided that they are allowed. The store's own tree also notes who
 * is to be told, and writes its journal.
 */
#include "xenstore/core/internal.h"
#include "xenstore/core/mem.h"
#include "xenstore/core/tree.h"
#include "xenstore/core/txn.h"

#include <string.h>

struct node **view_root(struct view *v)
{
    return v->t ? &v->t->root : &v->s->root;
}

struct node *view_find(struct view *v, const char *path)
{
    return tree_find(*view_root(v), path);
}

void view_account(struct view *v, const struct node *n, int sign)
{
    unsigned int owner = n->perms->list[0].domid;
    int64_t bytes = sign * (int64_t)node_bytes(n);
    struct domain *d;

    if (v->t) {
        txn_account(v->t, owner, sign, bytes);
        return;
    }
    v->s->nr_nodes += (size_t)(int64_t)sign;
    d = store_domain(v->s, owner);
    if (!d)
        return;
    d->used[QUOTA_NODES] += sign;
    d->used[QUOTA_MEMORY] += bytes;
}

/* A guest's new nodes are its own; the store's domain makes gifts. */
struct perms *view_inherit(struct client *c, const struct node *parent)
{
    struct perms *from = parent->perms;
    struct perm list[PERMS_MAX];

    if (!c || c->privileged || from->list[0].domid == c->domain->domid)
        return perms_get(from);
    memcpy(list, from->list, from->nr * sizeof(*list));
    list[0].domid = c->domain->domid;
    list[0].incarnation = c->domain->incarnation;
    return perms_make(&c->store->perms, list, from->nr);
}

/* Make the node at path[0..len), whose parent exists. */
static void add_one(struct view *v, const char *path, size_t len,
                    const void *value, size_t value_len)
{
    size_t parent_len = path_parent_len(path, len);
    size_t name_at = parent_len == 1 ? 1 : parent_len + 1;
    struct node **root = view_root(v);
    struct node *parent = tree_find_n(*root, path, parent_len);
    struct node *n = node_new(v->s->seed, path + name_at, len - name_at,
                              view_inherit(v->c, parent), value, value_len);

    tree_add(root, path, parent_len, n, ++v->s->gen);
    view_account(v, n, 1);
    if (!v->t)
        journal_node(v->s, path, len, n);
}

/* Make the node and the parents it lacks. */
static void add(struct view *v, const char *path, const void *value,
                size_t value_len)
{
    size_t len = strlen(path), at;

    tree_nearest(*view_root(v), path, &at);
    while (at < len) {
        at += path[at] == '/' || at > 1;
        at += strcspn(path + at, "/");
        add_one(v, path, at, at == len ? value : "", at == len ? value_len : 0);
    }
}

static void changed(struct view *v, const char *path, struct node *gone,
                    struct perms *was)
{
    if (!v->t) {
        store_note_change(v->s, path, gone, was);
        return;
    }
    node_put(gone);
    perms_put(was);
}

void view_write(struct view *v, const char *path, const void *value, size_t len)
{
    view_write_at(v, view_find(v, path), path, value, len);
}

void view_write_at(struct view *v, struct node *n, const char *path,
                   const void *value, size_t len)
{
    if (!n) {
        add(v, path, value, len);
    } else {
        view_account(v, n, -1);
        n = tree_set_value(view_root(v), path, value, len, ++v->s->gen);
        view_account(v, n, 1);
        if (!v->t)
            journal_node(v->s, path, strlen(path), n);
    }
    changed(v, path, NULL, NULL);
}

void view_mkdir(struct view *v, const char *path)
{
    if (view_find(v, path))
        return;
    add(v, path, "", 0);
    changed(v, path, NULL, NULL);
}

static bool discount(struct node *n, void *arg)
{
    view_account(arg, n, -1);
    return child_each(n->children, 0, discount, arg);
}

void view_discount(struct view *v, struct node *n)
{
    discount(n, v);
}

void view_remove(struct view *v, const char *path)
{
    struct node *gone;

    if (!view_find(v, path))
        return;
    gone = tree_remove(view_root(v), path, ++v->s->gen);
    view_discount(v, gone);
    if (!v->t)
        journal_removed(v->s, path);
    changed(v, path, gone, NULL);
}

void view_set_perms(struct view *v, const char *path, struct perms *perms)
{
    struct node *n = view_find(v, path);
    struct perms *was;

    if (!n)
        return;
    was = perms_get(n->perms);
    view_account(v, n, -1);
    n = tree_set_perms(view_root(v), path, perms_get(perms), ++v->s->gen);
    view_account(v, n, 1);
    if (!v->t)
        journal_node(v->s, path, strlen(path), n);
    changed(v, path, NULL, was);
}
