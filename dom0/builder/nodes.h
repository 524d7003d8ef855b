/*
 * The store nodes of a new domain as data. The manager adds the devices' own
 * and writes everything in one transaction.
 */
#ifndef DOM0_BUILDER_NODES_H
#define DOM0_BUILDER_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domconfig;
struct built_domain;

/*
 * Who may do what with a node: the owner everything, one more domain perhaps
 * reads. As xenstore's permission list: "n<owner>" and "r<reader>".
 */
struct node_perms {
    uint32_t owner;
    int32_t reader; /* -1: nobody else */
};

struct node {
    char *path, *value; /* value "" makes an empty node (a directory) */
    bool has_perms;     /* else those of its parent */
    struct node_perms perms;
};

struct node_list {
    struct node *nodes; /* parents before their children */
    size_t nr, room;
};

void node_list_init(struct node_list *l);
void node_list_free(struct node_list *l);
/* Value by printf. -ENOMEM; after one the list only refuses. */
int node_list_add(struct node_list *l, const char *path,
                  const struct node_perms *perms, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Everything under /local/domain/<id>, /vm/<uuid> and /libxl/<id> that a PV
 * guest, its console daemon and stock tools look for; no devices.
 * start_time: seconds since 1970.
 */
int nodes_for_domain(struct node_list *l, const struct domconfig *cfg,
                     const struct built_domain *b, int64_t start_time);

/* "/local/domain/<id>", "/vm/<uuid>", "/libxl/<id>": what to remove with it,
   plus the console's backend directory. Fills up to 4, returns how many. */
#define NODE_ROOTS 4
unsigned nodes_roots(uint32_t domid, const uint8_t uuid[16],
                     char roots[NODE_ROOTS][96]);

#endif
