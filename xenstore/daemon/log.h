/* The daemon's log: lines with a time, to a file or standard error. */
#ifndef XENSTORE_DAEMON_LOG_H
#define XENSTORE_DAEMON_LOG_H

#include "xenstore/core/store.h"

/* NULL: standard error. 0 or -errno. */
int log_open(const char *file);
void log_reopen(void); /* after rotation */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
