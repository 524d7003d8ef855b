/*
 * Lines for the log, on standard error: with the program's name, and with the
 * priority that systemd reads or, to anybody else, the time.
 * What a guest can provoke goes through a limit, so that it cannot fill a disk.
 */
#ifndef PARAVANE_RUNTIME_LOG_H
#define PARAVANE_RUNTIME_LOG_H

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING, LOG_LEVEL_INFO = 6 };

/* Some lines a while, the rest counted; zeroed to start with. */
struct log_limit {
    uint64_t window_start_ms;
    unsigned int lines, suppressed;
};

enum { LOG_LIMIT_LINES = 5, LOG_LIMIT_WINDOW_MS = 10000 };

void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)

/* A line unless `limit` has had its share of this window. */
void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
                 ...) __attribute__((format(printf, 3, 4)));

/* The decision alone: whether a line at `now_ms` is let through. */
int log_limit_allows(struct log_limit *limit, uint64_t now_ms);

#endif
