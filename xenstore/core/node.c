#include "xenstore/core/node.h"
#include "xenstore/core/mem.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct node *node_new(uint64_t seed, const char *name, size_t name_len,
                      struct perms *perms, const void *value, size_t value_len)
{
    size_t before_value = sizeof(struct node) + node_name_room(name_len);
    struct node *n = mem_alloc(before_value + value_len);

    memset(n, 0, before_value);
    n->refs = 1;
    n->priority = (uint32_t)map_hash(seed, name, name_len);
    n->perms = perms;
    n->span = (uint32_t)name_len + 1;
    n->name_len = (uint16_t)name_len;
    n->value_len = (uint16_t)value_len;
    memcpy(n->bytes, name, name_len);
    if (value_len)
        memcpy((char *)n + before_value, value, value_len);
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
        memcpy(n->bytes + node_name_room(n->name_len), value, len);
}

/* --- treap ------------------------------------------------------------------
 */

struct name {
    uint64_t
        head; /* orders as its first bytes do; behind the end there are 0 */
    const char *text;
    size_t len;
};

static uint64_t head_of(const struct node *n)
{
    uint64_t head;

    memcpy(&head, n->bytes, sizeof(head));
    return be64toh(head);
}

static struct name name_of(const char *text, size_t len)
{
    struct name name = {0, text, len};
    size_t i, common = len < NODE_HEAD_BYTES ? len : NODE_HEAD_BYTES;

    for (i = 0; i < common; i++)
        name.head = name.head << 8 | (unsigned char)text[i];
    if (common)
        name.head <<= 8 * (NODE_HEAD_BYTES - common);
    return name;
}

static struct name name_of_node(const struct node *n)
{
    return (struct name){head_of(n), n->bytes, n->name_len};
}

static int compare(const struct name *name, const struct node *n)
{
    size_t common = name->len < n->name_len ? name->len : n->name_len;
    uint64_t head = head_of(n);
    int order;

    if (name->head != head)
        return name->head < head ? -1 : 1;
    if (common > NODE_HEAD_BYTES) {
        order = memcmp(name->text + NODE_HEAD_BYTES, n->bytes + NODE_HEAD_BYTES,
                       common - NODE_HEAD_BYTES);
        if (order)
            return order;
    }
    return name->len < n->name_len ? -1 : name->len > n->name_len;
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

struct node *child_find(struct node *top, const char *text, size_t len)
{
    struct name name = name_of(text, len);
    int order;

    while (top) {
        order = compare(&name, top);
        if (!order)
            return top;
        top = order < 0 ? top->left : top->right;
    }
    return NULL;
}

/* Cut `top` into what is before `at` and what is after it. */
static void split(struct node *top, const struct name *at, struct node **before,
                  struct node **after)
{
    if (!top) {
        *before = *after = NULL;
        return;
    }
    node_own(&top);
    if (compare(at, top) < 0) {
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

static struct node *add(struct node *top, struct node *n,
                        const struct name *name)
{
    if (!top)
        return respan(n);
    if (n->priority > top->priority) {
        split(top, name, &n->left, &n->right);
        return respan(n);
    }
    node_own(&top);
    if (compare(name, top) < 0)
        top->left = add(top->left, n, name);
    else
        top->right = add(top->right, n, name);
    return respan(top);
}

struct node *child_add(struct node *top, struct node *n)
{
    struct name name = name_of_node(n);

    return add(top, n, &name);
}

static struct node *take_out(struct node *top, const struct name *name,
                             struct node **gone)
{
    int order = compare(name, top);
    struct node *rest;

    node_own(&top);
    if (order < 0) {
        top->left = take_out(top->left, name, gone);
        return respan(top);
    }
    if (order > 0) {
        top->right = take_out(top->right, name, gone);
        return respan(top);
    }
    rest = join(top->left, top->right);
    top->left = top->right = NULL;
    *gone = respan(top);
    return rest;
}

struct node *child_remove(struct node *top, const char *text, size_t len,
                          struct node **gone)
{
    struct name name = name_of(text, len);

    return take_out(top, &name, gone);
}

struct node **child_own(struct node **top, const char *text, size_t len)
{
    struct name name = name_of(text, len);
    int order;

    for (;;) {
        node_own(top);
        order = compare(&name, *top);
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
