/*
 * One line per event on standard error, with the priority prefix journald
 * understands when it reads us and a time stamp when it does not.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <syslog.h>

void log_line(int priority, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)

#endif
