/*
 * The store's client library: the xs_* calls of Xen's <xenstore.h>, source
 * compatible, over the daemon's socket or the kernel's device.
 *
 * A handle belongs to one thread. It never starts a thread: watch events are
 * read while a call waits for its reply, or by xs_check_watch().
 *
 * Calls that return bool or a pointer set errno when they fail: the daemon's
 * error (ENOENT, EACCES, EAGAIN, ...), E2BIG when a message would not fit, or
 * EIO when the connection is lost or out of step, after which only xs_close()
 * makes sense.
 */
#ifndef XENSTORE_CLIENT_XS_H
#define XENSTORE_CLIENT_XS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#define XBT_NULL 0

#define XS_OPEN_READONLY   (1UL << 0) /* ignored */
#define XS_OPEN_SOCKETONLY (1UL << 1) /* never fall back to the device */
#define XS_UNWATCH_FILTER                                                      \
    (1UL << 2) /* xs_unwatch() drops queued events too                         \
                */

#define XS_PERM_NONE  0x00
#define XS_PERM_READ  0x01
#define XS_PERM_WRITE 0x02

struct xs_permissions {
    unsigned int id;
    unsigned int perms; /* XS_PERM_* */
};

struct xs_handle;
typedef uint32_t xs_transaction_t;

/*
 * Connect: to $XENSTORED_PATH, else to $XENSTORED_RUNDIR/socket, else to
 * /run/xenstored/socket, else (unless XS_OPEN_SOCKETONLY) through
 * /dev/xen/xenbus. NULL on failure.
 */
struct xs_handle *xs_open(unsigned long flags);
void xs_close(struct xs_handle *h); /* NULL is fine */

/* The names of old. */
struct xs_handle *xs_daemon_open(void);
struct xs_handle *xs_daemon_open_readonly(void);
struct xs_handle *xs_domain_open(void);
void xs_daemon_close(struct xs_handle *h);

/* In the child after fork(): drop the handle and leave the parent's alone. */
void xs_daemon_destroy_postfork(struct xs_handle *h);

const char *xs_daemon_rundir(void);
const char *xs_daemon_socket(void);
const char *xs_daemon_socket_ro(void);

/* Names of the children of `path`: one block to free(); *num says how many. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
                    unsigned int *num);

/* The value of `path`, to free(); a NUL follows that *len does not count. */
void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
              unsigned int *len);
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
              const void *data, unsigned int len);
bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path);
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);
bool xs_restrict(struct xs_handle *h, unsigned int domid); /* always fails */

/*
 * Ours, not of <xenstore.h>: change many nodes without waiting for each reply.
 * In the order of the list; a node's permissions are set after its value.
 * False with the first error in errno; the others have been tried as well, so
 * this belongs into a transaction.
 */
struct xs_change {
    const char *path;
    const void *value; /* NULL: remove the node; an absent one is fine */
    unsigned int len;
    const struct xs_permissions *perms; /* NULL: as its parent's */
    unsigned int num_perms;             /* at most 8 */
};
bool xs_change_many(struct xs_handle *h, xs_transaction_t t,
                    const struct xs_change *changes, unsigned int num);

/* Entry 0 is the owner and, as its letter, what everyone else may do. */
struct xs_permissions *xs_get_permissions(struct xs_handle *h,
                                          xs_transaction_t t, const char *path,
                                          unsigned int *num);
bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
                        const char *path, struct xs_permissions *perms,
                        unsigned int num_perms);

/*
 * Watch `path` and what is below. The first event comes at once. Events are
 * taken with xs_check_watch() or xs_read_watch().
 */
bool xs_watch(struct xs_handle *h, const char *path, const char *token);
bool xs_unwatch(struct xs_handle *h, const char *path, const char *token);

/*
 * A descriptor for poll(), epoll or libevent: readable while xs_check_watch()
 * has something to do, also for events that came in during another call. Not
 * for reading from.
 */
int xs_fileno(struct xs_handle *h);

/*
 * The next event as {path, token}, one block to free(). NULL with EAGAIN when
 * there is none now; NULL with another errno when the connection is lost.
 * Never waits.
 */
char **xs_check_watch(struct xs_handle *h);

/* The same, but waits; *num becomes 2. */
char **xs_read_watch(struct xs_handle *h, unsigned int *num);

/* 0 (XBT_NULL) on failure. */
xs_transaction_t xs_transaction_start(struct xs_handle *h);

/* Commit, or drop when `abort`. EAGAIN: do it all again. */
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);

/* For the toolstack. */
bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
                         unsigned long mfn, unsigned int eventchn);
bool xs_set_target(struct xs_handle *h, unsigned int domid,
                   unsigned int target);
bool xs_resume_domain(struct xs_handle *h, unsigned int domid);
bool xs_release_domain(struct xs_handle *h, unsigned int domid);
bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid);

/* "/local/domain/<domid>", to free(). */
char *xs_get_domain_path(struct xs_handle *h, unsigned int domid);

/* An administrator's command to the daemon: its answer, to free(). */
char *xs_control_command(struct xs_handle *h, const char *cmd, void *data,
                         unsigned int len);
char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data,
                       unsigned int len);

/* Whether `child` is `parent` or below it, by text alone. */
bool xs_path_is_subpath(const char *parent, const char *child);

/* The event channel on which a guest takes suspend requests, or -1. */
int xs_suspend_evtchn_port(int domid);

/* `num` strings such as "n0\0r5\0" to perms; false if one is malformed. */
bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num,
                         const char *strings);

/* write() until all is written. */
bool xs_write_all(int fd, const void *data, unsigned int len);

#endif
