/*
 * libnbd, loaded when the first disk needs it: with what it is linked with in
 * turn (TLS, XML) it is many times our size, and most guests have no such disk.
 */
#ifndef PARAVANE_BLOCK_NBDLIB_H
#define PARAVANE_BLOCK_NBDLIB_H

#include "pv-backends/runtime/backend.h"

#include <libnbd.h>

/* Its calls that we make, without their nbd_. */
#define NBDLIB_CALLS(X)                                                        \
    X(create)                                                                  \
    X(close)                                                                   \
    X(set_export_name)                                                         \
    X(aio_connect_unix)                                                        \
    X(aio_get_fd)                                                              \
    X(aio_get_direction)                                                       \
    X(aio_notify_read)                                                         \
    X(aio_notify_write)                                                        \
    X(aio_is_ready)                                                            \
    X(aio_is_dead)                                                             \
    X(aio_is_closed)                                                           \
    X(aio_pread)                                                               \
    X(aio_pwrite)                                                              \
    X(aio_flush)                                                               \
    X(aio_trim)                                                                \
    X(poll)                                                                    \
    X(get_size)                                                                \
    X(get_block_size)                                                          \
    X(is_read_only)                                                            \
    X(can_flush)                                                               \
    X(can_trim)                                                                \
    X(get_error)                                                               \
    X(get_errno)

#define NBDLIB_MEMBER(name) __typeof__(nbd_##name) *name;
struct nbdlib {
    NBDLIB_CALLS(NBDLIB_MEMBER)
};
#undef NBDLIB_MEMBER

/* The library, the same each time; NULL with `why`. */
const struct nbdlib *nbdlib_get(struct backend_why *why);

#endif
