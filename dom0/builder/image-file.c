/* Files that hold kernels and ramdisks. */
#include "dom0/builder/image-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail_file(struct builder_error *err, const struct file *f, int rc)
{
    return builder_fail(err, rc, "The %s %s cannot be read: %s.", f->what,
                        f->path, strerror(-rc));
}

int file_open(struct file *f, const char *path, const char *what, uint64_t max,
              struct builder_error *err)
{
    *f = (struct file){.path = path, .what = what};
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0 && errno == ENOENT)
        return builder_fail(err, -ENOENT, "The %s %s does not exist.", what,
                            path);
    if (f->fd < 0)
        return fail_file(err, f, -errno);
    if (fstat(f->fd, &f->st)) {
        fail_file(err, f, -errno);
        goto close;
    }
    if (!S_ISREG(f->st.st_mode)) {
        builder_fail(err, -EINVAL, "The %s %s is not a plain file.", what,
                     path);
        goto close;
    }
    if (!f->st.st_size) {
        builder_fail(err, -EINVAL, "The %s %s is empty.", what, path);
        goto close;
    }
    if ((uint64_t)f->st.st_size > max) {
        builder_fail(err, -EFBIG, "The %s %s is too large (%lld MiB).", what,
                     path, (long long)f->st.st_size >> 20);
        goto close;
    }
    return 0;

close:
    close(f->fd);
    return err->rc;
}

int file_read_at(int fd, uint8_t *to, size_t size, size_t offset)
{
    while (size) {
        ssize_t n = pread(fd, to, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        to += n;
        offset += (size_t)n;
        size -= (size_t)n;
    }
    return 0;
}

int file_read(const struct file *f, uint8_t **data, struct builder_error *err)
{
    size_t size = (size_t)f->st.st_size;
    uint8_t *p = malloc(size);
    int rc;

    if (!p)
        return builder_fail(err, -ENOMEM,
                            "There is no memory in dom0 for the %s %s.",
                            f->what, f->path);
    rc = file_read_at(f->fd, p, size, 0);
    if (rc) {
        fail_file(err, f, rc);
        free(p);
        return rc;
    }
    *data = p;
    return 0;
}
