#define _XOPEN_SOURCE 700
#include "dom0/cli/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* nftw() hands its callback nothing of ours. */
static struct cpio *walking;
static size_t root_len;

void cpio_begin(struct cpio *c, FILE *out)
{
    c->out = out;
    c->next_ino = 1;
    c->why[0] = 0;
}

static int fail(struct cpio *c, const char *name, int error)
{
    snprintf(c->why, sizeof(c->why), "%s: %s", name, strerror(error));
    return -1;
}

/* Everything begins at a multiple of four. */
static int pad(struct cpio *c, size_t size)
{
    static const char zeroes[4];

    return size % 4 && fwrite(zeroes, 4 - size % 4, 1, c->out) != 1
               ? fail(c, "the ramdisk", errno)
               : 0;
}

static int head(struct cpio *c, const char *name, const struct stat *st,
                uint64_t size)
{
    size_t len = strlen(name) + 1;
    const uint32_t fields[] = {
        c->next_ino++,
        st->st_mode,
        st->st_uid,
        st->st_gid,
        1, /* links: each name is a file of its own */
        (uint32_t)st->st_mtime,
        (uint32_t)size,
        0,
        0,
        major(st->st_rdev),
        minor(st->st_rdev),
        (uint32_t)len,
        0, /* no checksum */
    };

    if (size > UINT32_MAX)
        return fail(c, name, EFBIG);
    fputs("070701", c->out);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        fprintf(c->out, "%08X", fields[i]);
    if (fwrite(name, len, 1, c->out) != 1)
        return fail(c, "the ramdisk", errno);
    return pad(c, 110 + len);
}

static int put(struct cpio *c, const void *data, size_t size)
{
    if (size && fwrite(data, size, 1, c->out) != 1)
        return fail(c, "the ramdisk", errno);
    return pad(c, size);
}

int cpio_add(struct cpio *c, const char *name, mode_t mode, const void *data,
             size_t size)
{
    const struct stat st = {.st_mode = mode};

    return head(c, name, &st, size) ? -1 : put(c, data, size);
}

int cpio_end(struct cpio *c)
{
    if (cpio_add(c, "TRAILER!!!", 0, NULL, 0))
        return -1;
    return fflush(c->out) ? fail(c, "the ramdisk", errno) : 0;
}

/* A file that changes its size under us gets zeroes, or is cut. */
static int copy_file(struct cpio *c, const char *path, const char *name,
                     const struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    uint64_t left = (uint64_t)st->st_size;
    char bytes[65536];

    if (fd < 0)
        return fail(c, path, errno);
    rc = head(c, name, st, left);
    while (!rc && left) {
        size_t want = left < sizeof(bytes) ? left : sizeof(bytes);
        ssize_t n = read(fd, bytes, want);

        if (n < 0) {
            rc = fail(c, path, errno);
            break;
        }
        memset(bytes + n, 0, want - (size_t)n);
        if (fwrite(bytes, want, 1, c->out) != 1)
            rc = fail(c, "the ramdisk", errno);
        left -= want;
    }
    close(fd);
    return rc ? rc : pad(c, (size_t)st->st_size);
}

static int copy_link(struct cpio *c, const char *path, const char *name,
                     const struct stat *st)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof(target));

    if (n < 0)
        return fail(c, path, errno);
    return head(c, name, st, (uint64_t)n) ? -1 : put(c, target, (size_t)n);
}

static int visit(const char *path, const struct stat *st, int what,
                 struct FTW *ftw)
{
    const char *name = path + root_len;
    struct cpio *c = walking;

    (void)ftw;
    while (*name == '/')
        name++;
    if (!*name)
        return what == FTW_DNR ? fail(c, path, EACCES) : 0;
    if (what == FTW_DNR || what == FTW_NS)
        return fail(c, path, EACCES);
    if (S_ISREG(st->st_mode))
        return copy_file(c, path, name, st);
    if (S_ISLNK(st->st_mode))
        return copy_link(c, path, name, st);
    if (S_ISSOCK(st->st_mode))
        return 0;
    return head(c, name, st, 0);
}

int cpio_add_tree(struct cpio *c, const char *dir)
{
    struct stat st;

    if (stat(dir, &st))
        return fail(c, dir, errno);
    if (!S_ISDIR(st.st_mode))
        return fail(c, dir, ENOTDIR);
    walking = c;
    root_len = strlen(dir);
    /* Not across mounts: /proc and its like are not what was meant. */
    errno = 0;
    if (nftw(dir, visit, 64, FTW_PHYS | FTW_MOUNT) && !c->why[0])
        return fail(c, dir, errno);
    return c->why[0] ? -1 : 0;
}
