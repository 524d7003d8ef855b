#include "xenstore/core/replay.h"
#include "xenstore/core/tree.h"

#include <string.h>

/* Make the node at a path whose parent exists, or change it. */
static void put_node(struct replay *r, const struct path *p,
                     struct perms *perms, const char *value, size_t len)
{
    struct view v = {.s = r->s};
    size_t parent_len = path_parent_len(p->text, p->len);
    struct node *parent = tree_find_n(r->s->root, p->text, parent_len);
    const char *leaf = path_leaf(p->text);
    struct node *n;

    if (p->len > 1 && parent &&
        !child_find(parent->children, leaf, strlen(leaf))) {
        n = node_new(r->s->seed, leaf, strlen(leaf), perms_get(perms), value,
                     len);
        view_account(&v, n, 1);
        tree_add(&r->s->root, p->text, parent_len, n, ++r->s->gen);
        return;
    }
    view_write(&v, p->text, value, len);
    view_set_perms(&v, p->text, perms);
    store_drop_changes(r->s);
}

void replay_node(struct replay *r)
{
    struct path p;
    struct perms *perms;
    const char *value;
    size_t len;

    replay_take_path(r, &p);
    perms = replay_take_perms(r);
    value = replay_take_bytes(r, &len);
    if (!perms || len > XENSTORE_PAYLOAD_MAX)
        r->bad = true;
    if (!r->bad && p.text[0] == '/')
        put_node(r, &p, perms, value, len);
    perms_put(perms);
}

void replay_removed(struct replay *r)
{
    struct view v = {.s = r->s};
    struct path p;

    replay_take_path(r, &p);
    if (!r->bad && p.len > 1)
        view_remove(&v, p.text);
}

/* The tree's nodes come parents first, each right behind its elder siblings. */
static void put_child(struct replay *r)
{
    uint32_t depth = replay_take_u32(r);
    size_t name_len, len;
    const char *name = replay_take_bytes(r, &name_len), *value;
    struct perms *perms = replay_take_perms(r);
    struct view v = {.s = r->s};
    struct node *n, *parent;

    value = replay_take_bytes(r, &len);
    if (r->bad || !perms || depth > DEPTH_MAX || depth > r->depth ||
        (!depth && r->depth) || len > XENSTORE_PAYLOAD_MAX ||
        name_len >= PATH_BYTES || !name_len != !depth ||
        (depth && child_find(r->stack[depth - 1]->children, name, name_len))) {
        r->bad = true;
        perms_put(perms);
        return;
    }
    n = node_new(r->s->seed, name, name_len, perms, value, len);
    n->gen = ++r->s->gen;
    view_account(&v, n, 1);
    r->depth = depth + 1;
    r->stack[depth] = n;
    if (depth) {
        parent = r->stack[depth - 1];
        parent->children = child_add(parent->children, n);
    } else {
        r->s->root = n;
    }
}

/* A snapshot's first node replaces the tree there was. */
static void replay_root(struct replay *r)
{
    struct view v = {.s = r->s};
    struct node *old = r->s->root;

    put_child(r);
    if (r->s->root == old)
        return;
    view_discount(&v, old);
    node_put(old);
}

void replay_child(struct replay *r)
{
    if (r->depth)
        put_child(r);
    else
        replay_root(r);
}
