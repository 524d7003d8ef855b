/*
 * A guest's console log: appended to, and turned over when it has grown to its
 * limit, so that no guest fills the disk.
 */
#ifndef PARAVANE_CONSOLE_CONSLOG_H
#define PARAVANE_CONSOLE_CONSLOG_H

#include <stddef.h>
#include <stdint.h>

enum { CONSLOG_LIMIT_BYTES = 8 << 20 };

struct conslog {
    int fd; /* -1: not open; opened with the next bytes */
    char *path;
    uint64_t size_bytes, limit_bytes;
};

/*
 * DIR/console-NAME.log; a name's characters that do not belong into a file's
 * are replaced. 0 or -ENOMEM.
 */
int conslog_init(struct conslog *log, const char *dir, const char *name);
void conslog_destroy(struct conslog *log);

void conslog_add(struct conslog *log, const char *buf, size_t n);

/* Let go of the file, which may have been renamed by a log rotator. */
void conslog_reopen(struct conslog *log);

#endif
