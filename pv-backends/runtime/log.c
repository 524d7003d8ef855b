#include "pv-backends/runtime/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Who says it: all of pvnd's children write into one stream. The journal adds
 * the time by itself. */
static int begin(char *line, size_t size, enum log_level level)
{
    const char *who = program_invocation_short_name;
    struct timespec now;
    struct tm tm;
    size_t n;

    if (getenv("JOURNAL_STREAM"))
        return snprintf(line, size, "<%d>%s: ", level, who);
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    n = strftime(line, size, "%F %T", &tm);
    return n + snprintf(line + n, size - n,
                        ".%03ld %s: ", now.tv_nsec / 1000000, who);
}

/* One write per line: lines of several processes do not mix. */
static void emit(enum log_level level, const char *fmt, va_list ap)
{
    char line[1024];
    int at = begin(line, sizeof(line), level);
    int n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);

    if (n < 0)
        return;
    at += n;
    if (at > (int)sizeof(line) - 2)
        at = sizeof(line) - 2;
    line[at++] = '\n';
    if (write(STDERR_FILENO, line, at) < 0)
        return; /* nobody to tell */
}

void log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit(level, fmt, ap);
    va_end(ap);
}

int log_limit_allows(struct log_limit *limit, uint64_t now)
{
    if (now - limit->window_start_ms >= LOG_LIMIT_WINDOW_MS) {
        limit->window_start_ms = now;
        limit->lines = 0;
    }
    if (limit->lines >= LOG_LIMIT_LINES) {
        limit->suppressed++;
        return 0;
    }
    limit->lines++;
    return 1;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
                 ...)
{
    va_list ap;

    if (!log_limit_allows(limit, now_ms()))
        return;
    if (limit->suppressed) {
        log_warning("(%u lines like the next were left out)",
                    limit->suppressed);
        limit->suppressed = 0;
    }
    va_start(ap, fmt);
    emit(level, fmt, ap);
    va_end(ap);
}
