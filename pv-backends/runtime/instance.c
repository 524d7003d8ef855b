#include "pv-backends/runtime/instance.h"

#include "pv-backends/runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int instance_make_dir(const char *path, mode_t mode)
{
    char parent[256];
    char *slash;

    snprintf(parent, sizeof(parent), "%s", path);
    slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = 0;
        mkdir(parent, 0755);
    }
    if (mkdir(path, mode) && errno != EEXIST) {
        int rc = -errno;

        log_error("cannot make %s: %s", path, strerror(-rc));
        return rc;
    }
    return 0;
}

int instance_lock(const char *dir, const char *name, unsigned int slot)
{
    struct flock range = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1};
    char path[256];
    int fd, rc = 0;

    snprintf(path, sizeof(path), "%s/%s.lock", dir, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &range)) {
        log_warning("waiting for another process to let go of %s", path);
        rc = fcntl(fd, F_OFD_SETLKW, &range);
    }
    if (fd < 0 || rc) {
        rc = -errno;
        log_error("cannot lock %s: %s", path, strerror(-rc));
    }
    return rc; /* the descriptor stays open, and with it the lock */
}
