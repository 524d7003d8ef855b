/*
 * The store's client over the shared ring: requests that wait for their answer,
 * and watches.
 *
 * Everything here, and all that is built on it (handshakes, balloon, control),
 * belongs to one thread of the kernel, which may sleep in shim_wait(). Nothing
 * of it is called from event handlers.
 */
#ifndef PARAVANE_CORE_STORE_H
#define PARAVANE_CORE_STORE_H

#include "pv-frontends/core/libc.h"

/* A transaction's number; 0 is none. */
typedef uint32_t store_tx_t;

#define STORE_PATH_MAX  256
#define STORE_VALUE_MAX 256

/* 0, or -XEN_ENODEV when the domain has no store. */
int store_init(void);

/* After a resume: the other side knows nothing of us any more. */
void store_resume(void);

/*
 * How long an answer may take before a request fails with -XEN_ETIME (the late
 * answer is dropped); 0, the default, waits for ever: a daemon may restart.
 */
void store_timeout(uint64_t ns);

/*
 * Each returns 0 or a negative error: what the store answered, -XEN_ENOSPC for
 * a value that does not fit, -XEN_EIO when the ring is broken. A path without a
 * leading slash is under /local/domain/<our number>/.
 */
int store_read(store_tx_t tx, const char *path, char *value, size_t size);
int store_write(store_tx_t tx, const char *path, const char *value);
int store_rm(store_tx_t tx, const char *path);
/* Names, each ended by a NUL, and one more NUL. */
int store_list(store_tx_t tx, const char *path, char *names, size_t size);
int store_begin(store_tx_t *tx);
/* -XEN_EAGAIN: somebody else was quicker, do it all again. */
int store_end(store_tx_t tx, bool commit);

/* The same for `dir`/`key`, and for numbers. */
int store_read_key(store_tx_t tx, const char *dir, const char *key, char *value,
                   size_t size);
int store_write_key(store_tx_t tx, const char *dir, const char *key,
                    const char *value);
int store_write_uint(store_tx_t tx, const char *dir, const char *key,
                     uint64_t value);
/* `otherwise` when the node is missing or no number. */
uint64_t store_read_uint(store_tx_t tx, const char *dir, const char *key,
                         uint64_t otherwise);

/*
 * fn(arg) is called by store_poll(), once after it was set and then some time
 * after every change under `path`: look at the store to know what is there now.
 * The structure stays linked until store_unwatch().
 */
struct store_watch {
    char path[STORE_PATH_MAX];
    void (*fn)(void *arg);
    void *arg;
    uint32_t token; /* private from here on */
    bool fired;
    struct store_watch *next;
};
int store_watch(struct store_watch *w);
void store_unwatch(struct store_watch *w);

/* Take in what has arrived and call the watches' functions; how many. */
unsigned int store_poll(void);

/* The ring's indices became impossible: nothing works until store_resume(). */
bool store_is_broken(void);

#endif
