#include "dom0/daemon/storage.h"
#include "dom0/daemon/blockdev.h"
#include "dom0/daemon/create.h"
#include "dom0/daemon/helpers.h"
#include "dom0/daemon/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A user per guest, by number alone: a range that nobody hands out. */
#define FIRST_UID 0x7fff0000u

#define PROGRAM  "/usr/bin/qemu-storage-daemon"
#define WAIT_MS  20000
#define LOCK_MS  3000 /* for one that is just ending to let go of the image */
#define SAID_MAX 4096

static const char *const sockets[] = {"nbd.sock", "qmp.sock"};

bool storage_wanted(const struct guest_disk *disk)
{
    return disk->path &&
           (disk->format != DISK_RAW || disk_target_is_remote(disk->path));
}

static void disk_dir(const struct daemon *d, uint32_t domid, uint32_t devid,
                     char *path, size_t size)
{
    snprintf(path, size, "%s/images/%u-%u", d->o.run_dir, domid, devid);
}

/* Beside its folder, where it changes nothing. */
static void said_path(const char *dir, char *path, size_t size)
{
    snprintf(path, size, "%s.said", dir);
}

/* --- what it said, for a person ----------------------------------------------
 */

/* The last line of its output without what it repeats of its options. */
static void last_words(const char *dir, char *words, size_t size)
{
    char path[300], text[SAID_MAX + 1], *line, *from, *p;
    ssize_t n = -1;
    off_t length;
    int fd;

    snprintf(words, size, "it says nothing");
    said_path(dir, path, sizeof(path));
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    length = lseek(fd, 0, SEEK_END);
    n = pread(fd, text, SAID_MAX, length > SAID_MAX ? length - SAID_MAX : 0);
    close(fd);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    if (n <= 0)
        return;
    text[n] = 0;
    line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    from = strstr(line, "}: ");
    from = from ? from + 3 : strstr(line, ": ") ? strstr(line, ": ") + 2 : line;
    /* An image may have put anything there. */
    for (p = from; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    snprintf(words, size, "%.*s", (int)size - 1, from);
}

static int say_why(const struct guest_disk *disk, const char *words,
                   struct fault *f)
{
    const char *hint = "";

    if (strstr(words, "Permission denied"))
        hint = " (it may not look into a folder on the way there that others "
               "may not)";
    else if (strstr(words, "Unknown driver"))
        hint = " (install qemu-block-extra)";
    if (strstr(words, "Failed to get") && strstr(words, "lock"))
        return fault_set(f, -EBUSY, FAULT_BUSY,
                         "disk %s is in use by another guest or program",
                         disk->path);
    return fault_set(f, -EIO, FAULT_DEVICE, "disk %s: %s%s", disk->path, words,
                     hint);
}

/* --- beginning ---------------------------------------------------------------
 */

static int make_dir(const struct daemon *d, uint32_t domid,
                    const struct guest_disk *disk, char *dir, size_t size,
                    struct fault *f)
{
    char path[300];
    uid_t uid = FIRST_UID + domid;

    snprintf(path, sizeof(path), "%s/images", d->o.run_dir);
    disk_dir(d, domid, disk->devid, dir, size);
    if ((mkdir(path, 0711) && errno != EEXIST) || chmod(path, 0711) ||
        (mkdir(dir, 0700) && errno != EEXIST) ||
        lchown(dir, uid, d->block_uid ? d->block_gid : uid) || chmod(dir, 0710))
        return fault_set(f, -errno, FAULT_FAILED, "disk %s: cannot make %s: %s",
                         disk->vdev, dir, strerror(errno));
    /* What one before it said is of no interest. */
    said_path(dir, path, sizeof(path));
    unlink(path);
    return 0;
}

/* Whether the file system can do without the page cache. */
static bool can_be_direct(const struct guest_disk *disk)
{
    int fd =
        disk_target_is_remote(disk->path)
            ? -1
            : open(disk->path, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int start(struct daemon *d, uint32_t domid,
                 const struct guest_disk *disk, const char *dir,
                 const char *blockdev, struct fault *f)
{
    char name[48], chardev[400], server[400], said[300];
    const char *argv[] = {PROGRAM,       "--chardev",  chardev,  "--monitor",
                          "chardev=qmp", "--blockdev", blockdev, "--nbd-server",
                          server,        NULL};
    const struct supervised how = {
        .uid = FIRST_UID + domid, .gid = FIRST_UID + domid, .output = said};
    int rc;

    snprintf(name, sizeof(name), STORAGE_PREFIX "%u-%u", domid, disk->devid);
    snprintf(chardev, sizeof(chardev),
             "socket,id=qmp,path=%s/qmp.sock,server=on,wait=off", dir);
    snprintf(server, sizeof(server), "addr.type=unix,addr.path=%s/nbd.sock",
             dir);
    said_path(dir, said, sizeof(said));
    rc = helpers_keep(d, name, argv, &how);
    return rc ? fault_set(f, rc, FAULT_DEVICE,
                          "disk %s: cannot start its storage daemon: %s",
                          disk->vdev, strerror(-rc))
              : 0;
}

static int begin(struct daemon *d, struct guest *g, struct guest_disk *disk,
                 uint32_t domid, struct fault *f)
{
    char dir[256], *blockdev = NULL, *params = NULL;
    int rc;

    if (access(PROGRAM, X_OK))
        return fault_set(f, -errno, FAULT_DEVICE,
                         "disk %s: only qemu-storage-daemon knows images of "
                         "that kind: install qemu-system-common",
                         disk->vdev);
    rc = blockdev_text(disk, can_be_direct(disk), &blockdev, f);
    if (!rc)
        rc = make_dir(d, domid, disk, dir, sizeof(dir), f);
    if (!rc && asprintf(&params, "nbd:%s", dir) < 0) {
        params = NULL;
        rc = fault_set(f, -ENOMEM, FAULT_FAILED, "out of memory");
    }
    if (!rc) {
        registry_lock(d->registry);
        free(disk->params);
        disk->params = params;
        params = NULL;
        rc = disk_let_in(&disk->claim, FIRST_UID + domid, disk->path, f);
        registry_unlock(d->registry);
    }
    if (!rc)
        rc = start(d, domid, disk, dir, blockdev, f);
    if (rc)
        log_error("guest %s: disk %s: %s", g->name, disk->vdev, f->text);
    free(params);
    free(blockdev);
    return rc;
}

int storage_begin(struct daemon *d, struct guest *g, uint32_t domid,
                  struct fault *f)
{
    int rc = 0;

    for (size_t i = 0; i < g->nr_disks; i++) {
        int one = storage_wanted(&g->disks[i])
                      ? begin(d, g, &g->disks[i], domid, f)
                      : 0;

        rc = rc ? rc : one;
    }
    return rc;
}

/* --- until it serves ---------------------------------------------------------
 */

/* Its sockets are made in the order of its options, this one last. */
static bool serves(const char *dir)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = false;

    if (fd < 0)
        return false;
    if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/nbd.sock",
                         dir) < sizeof(addr.sun_path))
        yes = !connect(fd, (struct sockaddr *)&addr, sizeof(addr));
    close(fd);
    return yes;
}

static int wait_for(struct daemon *d, const struct guest_disk *disk,
                    uint32_t domid, struct fault *f)
{
    int64_t begun = now_ms();
    char dir[256], name[48], words[400];
    bool locked;

    disk_dir(d, domid, disk->devid, dir, sizeof(dir));
    snprintf(name, sizeof(name), STORAGE_PREFIX "%u-%u", domid, disk->devid);
    while (!serves(dir)) {
        if (helpers_restarts(d, name)) {
            last_words(dir, words, sizeof(words));
            locked = strstr(words, "Failed to get") && strstr(words, "lock");
            if (!locked || now_ms() - begun > LOCK_MS)
                return say_why(disk, words, f);
        }
        if (now_ms() - begun > WAIT_MS)
            return fault_set(f, -ETIMEDOUT, FAULT_TIMEOUT,
                             "disk %s: its storage daemon does not come up",
                             disk->vdev);
        usleep(5000);
    }
    return 0;
}

int storage_wait(struct daemon *d, const struct guest *g, uint32_t domid,
                 struct fault *f)
{
    int rc = 0;

    for (size_t i = 0; i < g->nr_disks && !rc; i++)
        if (storage_wanted(&g->disks[i]))
            rc = wait_for(d, &g->disks[i], domid, f);
    return rc;
}

void storage_reclaim(struct daemon *d, struct guest *g)
{
    struct fault f = {0};

    for (size_t i = 0; i < g->nr_disks && g->domid; i++) {
        struct guest_disk *disk = &g->disks[i];

        if (storage_wanted(disk) &&
            !create_claim_disk(d, g, disk, DISK_HELD, &f) &&
            disk->claim.fd >= 0)
            disk->claim.let_in = FIRST_UID + g->domid;
    }
}

/* --- the end -----------------------------------------------------------------
 */

void storage_stop_disk(struct daemon *d, uint32_t domid, uint32_t devid)
{
    char dir[256], path[300], name[48];

    disk_dir(d, domid, devid, dir, sizeof(dir));
    if (access(dir, F_OK))
        return; /* there never was one */
    snprintf(name, sizeof(name), STORAGE_PREFIX "%u-%u", domid, devid);
    helpers_stop(d, name);
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, sockets[i]);
        unlink(path);
    }
    said_path(dir, path, sizeof(path));
    unlink(path);
    if (rmdir(dir))
        log_warn("%s: %s", dir, strerror(errno));
}

void storage_stop(struct daemon *d, uint32_t domid)
{
    char path[300];
    unsigned dom, dev;
    struct dirent *e;
    DIR *dir;

    snprintf(path, sizeof(path), "%s/images", d->o.run_dir);
    dir = opendir(path);
    while (dir && (e = readdir(dir)))
        if (sscanf(e->d_name, "%u-%u", &dom, &dev) == 2 && dom == domid)
            storage_stop_disk(d, domid, dev);
    if (dir)
        closedir(dir);
}
