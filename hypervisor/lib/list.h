/* Circular doubly linked lists; the head is a link too. */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/lib.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(head)                                                        \
    {                                                                          \
        &(head), &(head)                                                       \
    }

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Insert `l` in front of `pos`; with pos the head: at the tail. */
static inline void list_insert_before(struct list *pos, struct list *l)
{
    l->prev = pos->prev;
    l->next = pos;
    pos->prev->next = l;
    pos->prev = l;
}

static inline void list_add_tail(struct list *head, struct list *l)
{
    list_insert_before(head, l);
}

static inline void list_add_head(struct list *head, struct list *l)
{
    list_insert_before(head->next, l);
}

/* Unlink; `l` becomes an empty list, so a second removal is harmless. */
static inline void list_del(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

#define list_entry(l, type, member) container_of(l, type, member)
#define list_for_each(it, head)                                                \
    for (struct list *it = (head)->next; it != (head); it = it->next)
#define list_for_each_safe(it, head)                                           \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);  \
         it = it##_next, it##_next = it->next)

#endif
