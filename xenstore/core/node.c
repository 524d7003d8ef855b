#include "xenstore/core/node.h"
#include "xenstore/core/mem.h"

#include <stdlib.h>
#include <string.h>

struct node *node_new(uint64_t seed, const char *name, size_t name_len,
                      struct perms *perms, const void *value, size_t value_len)
{
    struct node *n = mem_alloc(sizeof(*n) + name_len + 1 + value_len);

    memset(n, 0, sizeof(*n));
    n->refs = 1;
    n->priority = (uint32_t)map_hash(seed, name, name_len);
    n->perms = perms;
    n->span = (uint32_t)name_len + 1;
    n->name_len = (uint16_t)name_len;
    n->value_len = (uint16_t)value_len;
    memcpy(n->bytes, name, name_len);
    n->bytes[name_len] = '\0';
    if (value_len)
        memcpy(n->bytes + name_len + 1, value, value_len);
    return n;
}

struct node *node_get(struct node *n)
{
    if (n)
        n->refs++;
    return n;
}

void node_put(struct node *n)
{
    if (!n || --n->refs)
        return;
    node_put(n->left);
    node_put(n->right);
    node_put(n->children);
    perms_put(n->perms);
    free(n);
}

static struct node *copy(const struct node *n)
{
    struct node *c = mem_dup(n, node_bytes(n));

    c->refs = 1;
    node_get(c->left);
    node_get(c->right);
    node_get(c->children);
    perms_get(c->perms);
    return c;
}

struct node *node_own(struct node **link)
{
    struct node *n = *link;

    if (n->refs > 1) {
        *link = copy(n);
        n->refs--;
    }
    return *link;
}

void node_set_value(struct node **link, const void *value, size_t len)
{
    struct node *n = *link;

    if (n->value_len != len) {
        n->value_len = (uint16_t)len;
        *link = n = mem_resize(n, node_bytes(n));
    }
    if (len)
        memcpy(n->bytes + n->name_len + 1, value, len);
}

/* --- treap ------------------------------------------------------------------
 */

static int compare(const char *name, size_t len, const struct node *n)
{
    size_t common = len < n->name_len ? len : n->name_len;
    int order = (unsigned char)*name - (unsigned char)*n->bytes;

    if (!order) /* most names differ at once */
        order = memcmp(name, n->bytes, common);
    if (order)
        return order;
    return len < n->name_len ? -1 : len > n->name_len;
}

static size_t span(const struct node *top)
{
    return top ? top->span : 0;
}

static struct node *respan(struct node *n)
{
    n->span = (uint32_t)(span(n->left) + n->name_len + 1 + span(n->right));
    return n;
}

struct node *child_find(struct node *top, const char *name, size_t len)
{
    int order;

    while (top) {
        order = compare(name, len, top);
        if (!order)
            return top;
        top = order < 0 ? top->left : top->right;
    }
    return NULL;
}

/* Cut `top` into what is before `at` and what is after it. */
static void split(struct node *top, const struct node *at, struct node **before,
                  struct node **after)
{
    if (!top) {
        *before = *after = NULL;
        return;
    }
    node_own(&top);
    if (compare(at->bytes, at->name_len, top) < 0) {
        split(top->left, at, before, &top->left);
        *after = respan(top);
    } else {
        split(top->right, at, &top->right, after);
        *before = respan(top);
    }
}

/* Join two treaps, everything in `a` before everything in `b`. */
static struct node *join(struct node *a, struct node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (a->priority > b->priority) {
        node_own(&a);
        a->right = join(a->right, b);
        return respan(a);
    }
    node_own(&b);
    b->left = join(a, b->left);
    return respan(b);
}

struct node *child_add(struct node *top, struct node *n)
{
    if (!top)
        return respan(n);
    if (n->priority > top->priority) {
        split(top, n, &n->left, &n->right);
        return respan(n);
    }
    node_own(&top);
    if (compare(n->bytes, n->name_len, top) < 0)
        top->left = child_add(top->left, n);
    else
        top->right = child_add(top->right, n);
    return respan(top);
}

struct node *child_remove(struct node *top, const char *name, size_t len,
                          struct node **gone)
{
    int order = compare(name, len, top);
    struct node *rest;

    node_own(&top);
    if (order < 0) {
        top->left = child_remove(top->left, name, len, gone);
        return respan(top);
    }
    if (order > 0) {
        top->right = child_remove(top->right, name, len, gone);
        return respan(top);
    }
    rest = join(top->left, top->right);
    top->left = top->right = NULL;
    *gone = respan(top);
    return rest;
}

struct node **child_own(struct node **top, const char *name, size_t len)
{
    int order;

    for (;;) {
        node_own(top);
        order = compare(name, len, *top);
        if (!order)
            return top;
        top = order < 0 ? &(*top)->left : &(*top)->right;
    }
}

bool child_each(struct node *top, size_t offset, child_fn *fn, void *arg)
{
    size_t before;

    while (top) {
        before = span(top->left);
        if (offset < before && !child_each(top->left, offset, fn, arg))
            return false;
        if (offset <= before && !fn(top, arg))
            return false;
        before += top->name_len + 1u;
        offset = offset > before ? offset - before : 0;
        top = top->right;
    }
    return true;
}

/* Priorities follow from names, so the same names make the same shape. */
bool child_same_names(const struct node *a, const struct node *b)
{
    while (a != b) {
        if (!a || !b || a->name_len != b->name_len ||
            memcmp(a->bytes, b->bytes, a->name_len))
            return false;
        if (!child_same_names(a->left, b->left))
            return false;
        a = a->right;
        b = b->right;
    }
    return true;
}
