#include "dom0/daemon/diskclaim.h"

#include "dom0/daemon/acl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Block devices: an exclusive open fails while dom0 has it, or a partition of
 * it, mounted or in a volume group or array. */
static int check_device_free(const char *path, struct fault *f)
{
    int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);

    if (fd < 0 && errno == EBUSY)
        return fault_set(f, -EBUSY, FAULT_DEVICE,
                         "disk %s is mounted or in use in dom0", path);
    if (fd >= 0)
        close(fd);
    return 0;
}

/* Is the file `st` what loop device `name` shows? */
static bool loop_shows(const char *name, const struct stat *st)
{
    char path[300];
    struct loop_info64 info;
    bool same = false;
    int fd;

    snprintf(path, sizeof(path), "/sys/block/%s/loop", name);
    if (access(path, F_OK))
        return false; /* not set up */
    snprintf(path, sizeof(path), "/dev/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!ioctl(fd, LOOP_GET_STATUS64, &info))
        same = info.lo_inode == st->st_ino && info.lo_device == st->st_dev;
    close(fd);
    return same;
}

/* Image files: dom0 can only mount them through a loop device. */
static int check_file_free(const char *path, const struct stat *st,
                           struct fault *f)
{
    DIR *dir = opendir("/sys/block");
    struct dirent *e;
    int rc = 0;

    while (dir && !rc && (e = readdir(dir)))
        if (!strncmp(e->d_name, "loop", 4) && loop_shows(e->d_name, st))
            rc = fault_set(f, -EBUSY, FAULT_DEVICE,
                           "disk %s is attached to /dev/%s in dom0", path,
                           e->d_name);
    if (dir)
        closedir(dir);
    return rc;
}

static int identify(struct disk_claim *c, const char *path, enum disk_use use,
                    struct fault *f)
{
    struct stat st;

    if (fstat(c->fd, &st))
        return fault_set(f, -errno, FAULT_DEVICE, "disk %s: %s", path,
                         strerror(errno));
    if (S_ISBLK(st.st_mode)) {
        c->dev = st.st_rdev;
        c->ino = 0;
        if (ioctl(c->fd, BLKGETSIZE64, &c->size_bytes))
            return fault_set(f, -errno, FAULT_DEVICE, "disk %s: %s", path,
                             strerror(errno));
        if (c->writable && use == DISK_NEW)
            return check_device_free(path, f);
        return 0;
    }
    if (!S_ISREG(st.st_mode))
        return fault_set(f, -EINVAL, FAULT_DEVICE,
                         "disk %s is neither a file nor a block device", path);
    c->dev = st.st_dev;
    c->ino = st.st_ino;
    c->size_bytes = (uint64_t)st.st_size;
    return use == DISK_NEW ? check_file_free(path, &st, f) : 0;
}

/* Below the bytes that QEMU locks. */
enum { OUR_BYTES = 100, WHOLE_FILE = 0 };

static int lock(const struct disk_claim *c, const char *path,
                enum disk_opener opener, struct fault *f)
{
    struct flock fl = {
        .l_type = (short)(c->writable ? F_WRLCK : F_RDLCK),
        .l_whence = SEEK_SET,
        .l_len = opener == DISK_QEMUS ? OUR_BYTES : WHOLE_FILE,
    };

    if (!fcntl(c->fd, F_OFD_SETLK, &fl))
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return fault_set(f, -EBUSY, FAULT_BUSY,
                         "disk %s is in use by another guest or program", path);
    return fault_set(f, -errno, FAULT_DEVICE, "disk %s cannot be locked: %s",
                     path, strerror(errno));
}

int disk_claim(struct disk_claim *c, const char *path, bool writable,
               enum disk_use use, enum disk_opener opener, struct fault *f)
{
    int rc;

    *c = (struct disk_claim){.writable = writable};
    /* Not blocking: it might be a FIFO. */
    c->fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (c->fd < 0)
        return fault_set(f, -errno, FAULT_DEVICE, "disk %s: %s", path,
                         errno == ENOENT ? "there is no such file"
                                         : strerror(errno));
    rc = identify(c, path, use, f);
    if (!rc && c->size_bytes < 512)
        rc = fault_set(f, -EINVAL, FAULT_DEVICE,
                       "disk %s is shorter than one sector", path);
    if (!rc)
        rc = lock(c, path, opener, f);
    if (rc)
        disk_release(c);
    return rc;
}

int disk_let_in(struct disk_claim *c, uid_t uid, const char *path,
                struct fault *f)
{
    int rc;

    if (c->fd < 0)
        return 0;
    if (c->let_in && c->let_in != uid)
        acl_let_in(c->fd, c->let_in, 0);
    c->let_in = 0;
    rc = acl_let_in(c->fd, uid, c->writable ? 6 : 4);
    if (rc)
        return fault_set(f, rc, FAULT_DEVICE,
                         "disk %s: the user of its storage daemon cannot be "
                         "let in at the file by an access control list: %s",
                         path, strerror(-rc));
    c->let_in = uid;
    return 0;
}

void disk_release(struct disk_claim *c)
{
    if (c->fd >= 0 && c->let_in)
        acl_let_in(c->fd, c->let_in, 0);
    c->let_in = 0;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}
