#include "pv-backends/console/conslog.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int conslog_init(struct conslog *log, const char *dir, const char *name)
{
    char *at;

    memset(log, 0, sizeof(*log));
    log->fd = -1;
    log->limit_bytes = CONSLOG_LIMIT_BYTES;
    if (asprintf(&log->path, "%s/console-%.64s.log", dir, name) < 0) {
        log->path = NULL;
        return -ENOMEM;
    }
    for (at = log->path + strlen(dir) + 1; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._+-", *at))
            *at = '_';
    return 0;
}

void conslog_destroy(struct conslog *log)
{
    conslog_reopen(log);
    free(log->path);
    log->path = NULL;
}

void conslog_reopen(struct conslog *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

static int open_file(struct conslog *log)
{
    struct stat st;

    log->fd =
        open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
             0640);
    if (log->fd < 0)
        return -errno;
    log->size_bytes = fstat(log->fd, &st) ? 0 : st.st_size;
    return 0;
}

static void turn_over(struct conslog *log)
{
    char *old;

    conslog_reopen(log);
    if (asprintf(&old, "%s.1", log->path) < 0)
        return;
    if (rename(log->path, old))
        unlink(log->path); /* better none than one without end */
    free(old);
}

void conslog_add(struct conslog *log, const char *buf, size_t n)
{
    ssize_t written;

    if (log->fd < 0 && open_file(log))
        return; /* the scrollback has it */
    if (log->size_bytes + n > log->limit_bytes) {
        turn_over(log);
        if (open_file(log))
            return;
    }
    written = write(log->fd, buf, n);
    if (written > 0)
        log->size_bytes += written;
}
