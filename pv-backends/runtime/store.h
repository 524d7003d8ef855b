/*
 * The store, as backends use it: short calls under a directory, and watches
 * that call back from the event loop. A lost connection is made again behind
 * the callers' backs; then every watch is set anew and fires, so code that acts
 * on watches and re-reads what it needs recovers without knowing.
 */
#ifndef PARAVANE_RUNTIME_STORE_H
#define PARAVANE_RUNTIME_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct store;
struct store_watch;

/* A transaction's id; 0 is none. */
typedef uint32_t store_txn_t;

/* `path` is the node that changed, somewhere under the watched one. */
typedef void store_fired_fn(void *arg, const char *path);

/* 0, or -errno when the store cannot be reached at all. */
int store_open(struct store **out, struct event_base *base);
void store_close(struct store *s);

/* False between a lost connection and the next. */
bool store_is_up(const struct store *s);

/* dir/key as a string to free(), or NULL with errno. */
char *store_read(struct store *s, store_txn_t t, const char *dir,
                 const char *key);

/*
 * dir/key as a decimal number of at most `max`. 0; -ENOENT when it is not
 * there, -EINVAL when it is not such a number, other -errno.
 */
int store_read_uint(struct store *s, const char *dir, const char *key,
                    uint64_t max, uint64_t *value);

/* The same where absence has a meaning: `missing` is its value. */
int store_read_uint_or(struct store *s, const char *dir, const char *key,
                       uint64_t max, uint64_t missing, uint64_t *value);

/* Write dir/key; 0 or -errno. */
int store_write(struct store *s, store_txn_t t, const char *dir,
                const char *key, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The children's names, to free() as one piece; NULL with errno. */
char **store_list(struct store *s, const char *dir, unsigned int *nr);

bool store_exists(struct store *s, const char *dir, const char *key);

/* Whether the store still knows this domain. */
bool store_knows_domain(struct store *s, uint32_t domid);

/* Start; 0 and the id, or -errno. */
int store_begin(struct store *s, store_txn_t *t);

/* -EAGAIN: somebody was faster, start again. */
int store_commit(struct store *s, store_txn_t t);
void store_abort(struct store *s, store_txn_t t);

/*
 * Watch `path`; `fired` is called at once (from the loop) and then after each
 * change. NULL when out of memory. It may be removed from within `fired`.
 */
struct store_watch *store_watch(struct store *s, const char *path,
                                store_fired_fn *fired, void *arg);
void store_unwatch(struct store *s, struct store_watch *w);

#endif
