#include "pv-backends/runtime/instance.h"

#include "pv-backends/runtime/log.h"

#include <dirent.h>
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

static int give_file(int dir, const char *name, uid_t uid)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    int rc = 0;

    if (fd < 0)
        return errno == ENOENT || errno == ELOOP ? 0 : -errno;
    if (fstat(fd, &st) ||
        (S_ISREG(st.st_mode) && st.st_nlink == 1 && fchown(fd, uid, (gid_t)-1)))
        rc = -errno;
    close(fd);
    return rc;
}

int instance_give(const char *path, uid_t uid)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int rc = dir ? 0 : -errno;

    while (!rc && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            rc = give_file(dirfd(dir), entry->d_name, uid);
    if (!rc && fchown(dirfd(dir), uid, (gid_t)-1))
        rc = -errno;
    if (rc)
        log_error("cannot give %s to user %u: %s", path, uid, strerror(-rc));
    if (dir)
        closedir(dir);
    return rc;
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
