#include "xenstore/core/check.h"
#include "xenstore/core/internal.h"
#include "xenstore/core/mem.h"

#include <stdlib.h>
#include <string.h>

struct tally {
    const char *wrong;
    size_t nodes;
    int64_t *owned; /* by domain id */
};

static size_t check_treap(struct tally *t, const struct node *n);

static void check_order(struct tally *t, const struct node *n)
{
    if (n->left && strcmp(node_name(n->left), node_name(n)) >= 0)
        t->wrong = "a child is out of order";
    if (n->right && strcmp(node_name(n->right), node_name(n)) <= 0)
        t->wrong = "a child is out of order";
    if ((n->left && n->left->priority > n->priority) ||
        (n->right && n->right->priority > n->priority))
        t->wrong = "a treap is not a heap";
}

static void check_node(struct tally *t, const struct node *n)
{
    if (!n->refs || !n->perms || !n->perms->nr || !n->perms->refs)
        t->wrong = "a node has lost its references or its permissions";
    else if (n->perms->list[0].domid < DOMID_LIMIT)
        t->owned[n->perms->list[0].domid]++;
    t->nodes++;
    check_order(t, n);
    check_treap(t, n->children);
}

/* The bytes of the names in it. */
static size_t check_treap(struct tally *t, const struct node *n)
{
    size_t bytes;

    if (!n)
        return 0;
    check_node(t, n);
    bytes =
        check_treap(t, n->left) + n->name_len + 1u + check_treap(t, n->right);
    if (bytes != n->span)
        t->wrong = "a directory's length is miscounted";
    return bytes;
}

const char *store_check(struct store *s)
{
    struct tally t = {.owned = mem_zalloc(DOMID_LIMIT * sizeof(int64_t))};
    unsigned int i;

    check_treap(&t, s->root);
    if (t.nodes != s->nr_nodes)
        t.wrong = "the number of nodes is miscounted";
    for (i = 0; i < DOMID_LIMIT; i++)
        if (s->domains[i] && s->domains[i]->used[QUOTA_NODES] != t.owned[i])
            t.wrong = "a domain's nodes are miscounted";
    free(t.owned);
    return t.wrong;
}
