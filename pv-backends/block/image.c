#include "pv-backends/block/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { SECTOR = 512, MAX_SECTOR = 4096 };

/* --- who else has it --------------------------------------------------------
 */

/* A process's command line, for a person to read. */
static void process_name(long pid, char *name, size_t size)
{
    char path[64];
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, name, size - 1);
        close(fd);
    }
    if (n <= 0) {
        snprintf(name, size, "an ended process");
        return;
    }
    for (ssize_t i = 0; i < n - 1; i++)
        if (!name[i])
            name[i] = ' ';
    name[n] = 0;
}

/* The holder of a lock on this inode, from /proc/locks. */
static void lock_holder(const struct stat *st, char *text, size_t size)
{
    char line[256], name[96];
    unsigned int dev_major, dev_minor;
    unsigned long inode;
    FILE *f = fopen("/proc/locks", "re");
    long pid;

    snprintf(text, size, "another process");
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%*d: %*s %*s %*s %ld %x:%x:%lu", &pid, &dev_major,
                   &dev_minor, &inode) != 4 ||
            inode != st->st_ino || dev_major != major(st->st_dev) ||
            dev_minor != minor(st->st_dev))
            continue;
        process_name(pid, name, sizeof(name));
        snprintf(text, size, "process %ld (%s)", pid, name);
        break;
    }
    if (f)
        fclose(f);
}

/* A loop device over this file: dom0 may have it mounted. */
static bool loop_over(const struct stat *file, char *text, size_t size)
{
    char path[300], backing[4096];
    DIR *dir = opendir("/sys/block");
    struct dirent *entry;
    struct stat st;
    bool found = false;
    FILE *f;

    while (dir && !found && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, "loop", 4))
            continue;
        snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file",
                 entry->d_name);
        f = fopen(path, "re");
        if (!f)
            continue;
        if (fgets(backing, sizeof(backing), f)) {
            backing[strcspn(backing, "\n")] = 0;
            found = !stat(backing, &st) && st.st_dev == file->st_dev &&
                    st.st_ino == file->st_ino;
        }
        fclose(f);
        if (found)
            snprintf(text, size, "the loop device /dev/%.32s", entry->d_name);
    }
    if (dir)
        closedir(dir);
    return found;
}

static int lock_image(struct image *img, const char *path,
                      const struct stat *st, struct backend_why *why)
{
    char holder[160];

    if (!img->is_device && !img->read_only &&
        loop_over(st, holder, sizeof(holder)))
        return backend_fail(why, -EBUSY, "%s is in use by %s", path, holder);
    if (!flock(img->fd, (img->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
        return 0;
    if (errno != EWOULDBLOCK)
        return backend_fail(why, -errno, "cannot lock %s: %s", path,
                            strerror(errno));
    lock_holder(st, holder, sizeof(holder));
    return backend_fail(why, -EBUSY, "%s is in use by %s", path, holder);
}

/* --- what it is like --------------------------------------------------------
 */

static bool device_can(dev_t dev, const char *what)
{
    char path[96];
    unsigned long long bytes = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/queue/%s_max_bytes",
             major(dev), minor(dev), what);
    f = fopen(path, "re");
    if (!f)
        return false;
    if (fscanf(f, "%llu", &bytes) != 1)
        bytes = 0;
    fclose(f);
    return bytes;
}

/* To punch a hole into a device (fallocate(2)) is to write zeroes there: one
 * that discards but cannot do that refuses it. */
static bool device_discards(dev_t dev)
{
    return device_can(dev, "discard") && device_can(dev, "write_zeroes");
}

static int inspect_device(struct image *img, const struct stat *st)
{
    int logical = SECTOR;
    unsigned int physical = SECTOR;

    if (ioctl(img->fd, BLKGETSIZE64, &img->size_bytes) ||
        ioctl(img->fd, BLKSSZGET, &logical))
        return -errno;
    if (ioctl(img->fd, BLKPBSZGET, &physical))
        physical = logical;
    img->sector_size = logical;
    img->physical_sector_size = physical;
    img->can_discard = !img->read_only && device_discards(st->st_rdev);
    return 0;
}

/* Direct I/O in pieces of 512 bytes, or through the page cache. */
static void choose_direct(struct image *img)
{
    int flags = fcntl(img->fd, F_GETFL);
    void *page;

    img->direct = false;
    if (fcntl(img->fd, F_SETFL, flags | O_DIRECT))
        return;
    if (posix_memalign(&page, MAX_SECTOR, MAX_SECTOR) == 0) {
        /* Older kernels have no better way to ask for the alignment. */
        img->direct = pread(img->fd, page, SECTOR, 0) == SECTOR;
        free(page);
    }
    if (!img->direct)
        fcntl(img->fd, F_SETFL, flags);
}

static int inspect(struct image *img, const struct stat *st)
{
    if (img->is_device)
        return inspect_device(img, st);
    img->size_bytes = st->st_size;
    img->sector_size = img->physical_sector_size = SECTOR;
    img->can_discard = !img->read_only;
    return 0;
}

/* What it is, and the lock. */
static int settle(struct image *img, const char *path, struct backend_why *why)
{
    struct stat st;
    int rc;

    if (fstat(img->fd, &st))
        return backend_fail(why, -errno, "%s: %s", path, strerror(errno));
    img->is_device = S_ISBLK(st.st_mode);
    if (!img->is_device && !S_ISREG(st.st_mode))
        return backend_fail(why, -EINVAL,
                            "%s is neither a file nor a block device", path);
    rc = lock_image(img, path, &st, why);
    if (rc)
        return rc;
    rc = inspect(img, &st);
    if (rc || img->size_bytes < img->sector_size ||
        img->sector_size > MAX_SECTOR || img->sector_size < SECTOR)
        return backend_fail(why, rc ? rc : -EINVAL,
                            "%s has no size a disk could have", path);
    choose_direct(img);
    return 0;
}

int image_take(struct image *img, int fd, const char *path, bool read_only,
               struct backend_why *why)
{
    int flags = fcntl(fd, F_GETFL), rc;

    *img = (struct image){.fd = fd, .read_only = read_only};
    if (flags < 0 || (!read_only && (flags & O_ACCMODE) != O_RDWR))
        rc = backend_fail(why, -EBADF, "%s was not opened to be written", path);
    else
        rc = settle(img, path, why);
    if (rc)
        image_close(img);
    return rc;
}

int image_open(struct image *img, const char *path, bool read_only,
               struct backend_why *why)
{
    int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC, fd;
    struct stat st;

    *img = (struct image){.fd = -1};
    if (stat(path, &st))
        return backend_fail(why, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
        return backend_fail(why, -EINVAL,
                            "%s is neither a file nor a block device", path);

    /* On a device O_EXCL keeps mounts and other writers away. */
    if (S_ISBLK(st.st_mode) && !read_only)
        flags |= O_EXCL;
    fd = open(path, flags);
    if (fd < 0)
        return backend_fail(why, -errno,
                            errno == EBUSY
                                ? "%s is mounted or in use on this host"
                                : "cannot open %s: %s",
                            path, strerror(errno));
    return image_take(img, fd, path, read_only, why);
}

void image_empty(struct image *img)
{
    *img = (struct image){.fd = -1,
                          .read_only = true,
                          .sector_size = SECTOR,
                          .physical_sector_size = SECTOR};
}

void image_set_sector_size(struct image *img, unsigned int bytes)
{
    if (img->is_device || (bytes != SECTOR && bytes != MAX_SECTOR) ||
        img->size_bytes < bytes)
        return;
    img->sector_size = bytes;
    if (img->physical_sector_size < bytes)
        img->physical_sector_size = bytes;
}

bool image_resized(struct image *img)
{
    uint64_t size = 0;
    struct stat st;

    if (img->is_device) {
        if (ioctl(img->fd, BLKGETSIZE64, &size))
            return false;
    } else if (!fstat(img->fd, &st)) {
        size = st.st_size;
    }
    /* Nothing left is an accident, not a size for a guest's disk. */
    if (size == img->size_bytes || size < img->sector_size)
        return false;
    img->size_bytes = size;
    return true;
}

void image_close(struct image *img)
{
    if (img->fd >= 0)
        close(img->fd);
    img->fd = -1;
}
