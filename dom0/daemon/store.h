/* The few things pvnd does with the store, each in one call. */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include "dom0/builder/nodes.h"
#include "xenstore/client/xs.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Run `step` inside a transaction, again and again while others are in its
 * way. It returns 0 to have it committed, or -Exxx to drop everything.
 */
int store_transaction(struct xs_handle *xs,
                      int (*step)(struct xs_handle *xs, xs_transaction_t t,
                                  void *arg),
                      void *arg);

/* Printed path; value as text. -errno. */
int store_write(struct xs_handle *xs, xs_transaction_t t, const char *value,
                const char *path, ...) __attribute__((format(printf, 4, 5)));
/* As text, to free(); NULL when it is not there. */
char *store_read(struct xs_handle *xs, xs_transaction_t t, const char *path,
                 ...) __attribute__((format(printf, 3, 4)));
/* A number there, or `absent`. */
long store_read_number(struct xs_handle *xs, xs_transaction_t t, long absent,
                       const char *path, ...)
    __attribute__((format(printf, 4, 5)));
/* Absent is fine. */
int store_remove(struct xs_handle *xs, xs_transaction_t t, const char *path,
                 ...) __attribute__((format(printf, 3, 4)));

/*
 * Remove `nr` paths, absent or not, then write the nodes of a list (NULL: none)
 * with their permissions. What would say only what the store does by itself is
 * left out: permissions equal to the parent's, directories that a later node
 * brings along.
 */
int store_replace(struct xs_handle *xs, xs_transaction_t t,
                  const char *const *remove, size_t nr,
                  const struct node_list *l);

/*
 * Wait for a watch event or until `deadline_ms`; drains all that are there.
 * 0, -ETIMEDOUT, -EIO.
 */
int store_wait(struct xs_handle *xs, int64_t deadline_ms);

#endif
