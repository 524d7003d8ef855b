#include "xenstore/daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_fd = STDERR_FILENO;
static char log_file[4096];

int log_open(const char *file)
{
    int fd;

    if (!file)
        return 0;
    fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    if (log_fd != STDERR_FILENO)
        close(log_fd);
    log_fd = fd;
    if (file != log_file)
        snprintf(log_file, sizeof(log_file), "%s", file);
    return 0;
}

void log_reopen(void)
{
    int rc = *log_file ? log_open(log_file) : 0;

    if (rc)
        log_line(LOG_ERR, "%s cannot be opened again: %s", log_file,
                 strerror(-rc));
}

static size_t stamp(char *out, size_t size)
{
    struct timespec now;
    struct tm tm;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    len = strftime(out, size, "%F %T", &tm);
    return len + (size_t)snprintf(out + len, size - len, ".%03ld ",
                                  now.tv_nsec / 1000000);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"error: ", "warning: ", "", ""};
    char line[1400];
    size_t len = stamp(line, 64);
    va_list args;

    len += (size_t)snprintf(line + len, sizeof(line) - len, "%s", names[level]);
    va_start(args, fmt);
    vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
    va_end(args);
    len = strlen(line);
    line[len++] = '\n';
    if (write(log_fd, line, len) < 0)
        return; /* there is nowhere left to say it */
}
