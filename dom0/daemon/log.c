#include "dom0/daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The line goes out in one write, so that threads do not interleave. */
void log_line(int priority, const char *format, ...)
{
    char line[1400];
    size_t n = 0;
    struct timespec now;
    struct tm tm;
    va_list ap;

    if (getenv("JOURNAL_STREAM")) {
        n = (size_t)snprintf(line, sizeof(line), "<%d>", priority);
    } else {
        clock_gettime(CLOCK_REALTIME, &now);
        localtime_r(&now.tv_sec, &tm);
        n = strftime(line, sizeof(line), "%F %T", &tm);
        n += (size_t)snprintf(line + n, sizeof(line) - n,
                              ".%03ld pvnd: ", now.tv_nsec / 1000000);
    }
    va_start(ap, format);
    vsnprintf(line + n, sizeof(line) - n - 1, format, ap);
    va_end(ap);
    n = strlen(line);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to complain */
}
