#include "dom0/daemon/coredump.h"

#include "dom0/daemon/log.h"
#include "dom0/debug/dump.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* "-20260131-235959.core" behind the guest's name. */
#define SUFFIX     "-%Y%m%d-%H%M%S.core"
#define SUFFIX_LEN 21
/* A disk is not filled to the brim: whoever lives on it needs some. */
#define RESERVE_PERCENT 5

/* mkdir -p, of the last two parts. */
static int make_folder(const char *dir)
{
    char parent[300];
    char *slash;

    snprintf(parent, sizeof(parent), "%s", dir);
    slash = strrchr(parent, '/');
    if (slash && slash > parent) {
        *slash = 0;
        (void)mkdir(parent, 0755); /* the next one tells */
    }
    return mkdir(dir, 0700) && errno != EEXIST ? -errno : 0;
}

/* Is there room for all of its memory, whatever of it is zeroes? */
static int check_room(const char *dir, uint64_t size, struct fault *f)
{
    struct statvfs fs;
    uint64_t free, reserve;

    if (statvfs(dir, &fs))
        return fault_set(f, -errno, FAULT_FAILED, "%s: %s", dir,
                         strerror(errno));
    free = (uint64_t)fs.f_bavail * fs.f_frsize;
    reserve = (uint64_t)fs.f_blocks * fs.f_frsize / 100 * RESERVE_PERCENT;
    if (free >= reserve && free - reserve >= size)
        return 0;
    return fault_set(f, -ENOSPC, FAULT_FAILED,
                     "%s has %llu MiB left, %d%% of it stay free, and it has "
                     "%llu MiB of memory",
                     dir, (unsigned long long)free >> 20, RESERVE_PERCENT,
                     (unsigned long long)size >> 20);
}

static int write_it(struct target *t, const struct guest *g, const char *path,
                    struct fault *f)
{
    uint64_t nr_pages = 0;
    int rc = dump_to_file(t, path, &nr_pages);

    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "%s: %s", path, dump_problem(rc));
    log_info("guest %s: its memory is in %s (%llu MiB)", g->name, path,
             (unsigned long long)nr_pages / 256);
    return 0;
}

static int dump(const char *dir, struct guest *g, struct fault *f)
{
    char path[700], when[SUFFIX_LEN + 1];
    time_t now = time(NULL);
    uint64_t size;
    struct target *t;
    struct tm tm;
    int rc = make_folder(dir);

    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "%s: %s", dir, strerror(-rc));
    rc = target_open(&t, g->domid);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "%s", strerror(-rc));
    rc = target_memory(t, &size);
    if (rc)
        fault_set(f, rc, FAULT_FAILED, "%s", strerror(-rc));
    else
        rc = check_room(dir, size, f);
    localtime_r(&now, &tm);
    strftime(when, sizeof(when), SUFFIX, &tm);
    snprintf(path, sizeof(path), "%s/%s%s", dir, g->name, when);
    if (!rc)
        rc = write_it(t, g, path, f);
    target_close(t);
    return rc;
}

/* --- not too many ----------------------------------------------------------*/

/* Is it one of this guest's, and not of one whose name begins as its does? */
static bool is_of(const char *file, const char *guest)
{
    static const char form[] = "-dddddddd-dddddd.core";
    size_t len = strlen(guest);

    if (strncmp(file, guest, len) || strlen(file + len) != SUFFIX_LEN)
        return false;
    for (size_t i = 0; i < SUFFIX_LEN; i++) {
        char c = file[len + i];

        if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i])
            return false;
    }
    return true;
}

/* How many there are; the oldest, whose name is the lowest. */
static unsigned count(const char *dir, const char *guest, char oldest[256])
{
    DIR *folder = opendir(dir);
    struct dirent *e;
    unsigned nr = 0;

    while (folder && (e = readdir(folder))) {
        if (!is_of(e->d_name, guest))
            continue;
        if (!nr++ || strcmp(e->d_name, oldest) < 0)
            snprintf(oldest, 256, "%s", e->d_name);
    }
    if (folder)
        closedir(folder);
    return nr;
}

static void remove_oldest(const char *dir, const char *guest, unsigned kept)
{
    char oldest[256], path[600];

    while (count(dir, guest, oldest) > kept) {
        snprintf(path, sizeof(path), "%s/%s", dir, oldest);
        if (unlink(path)) {
            log_warn("%s: %s", path, strerror(errno));
            return;
        }
    }
}

void coredump_write(struct daemon *d, struct guest *g)
{
    const char *before;
    struct fault f = {0};

    if (!*d->o.dumps_dir)
        return;
    registry_lock(d->registry);
    before = g->busy;
    g->busy = "its memory is being dumped";
    registry_unlock(d->registry);
    if (dump(d->o.dumps_dir, g, &f))
        log_error("guest %s: no dump of its memory: %s", g->name, f.text);
    else
        remove_oldest(d->o.dumps_dir, g->name, d->o.dumps_kept);
    registry_lock(d->registry);
    g->busy = before;
    registry_unlock(d->registry);
}
