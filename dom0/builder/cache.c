#include "dom0/builder/cache.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX     ".elf"
#define TMP_PREFIX "tmp-"
#define ID_PREFIX  "file-"

void cache_key_of(struct cache_key *k, const void *file, size_t size)
{
    static_assert(sizeof(k->hash) == SHA256_DIGEST_STRING_LENGTH, "the hash");
    SHA256Data(file, size, k->hash);
}

/* All that changes with a file's content. */
static void identity(char *name, size_t size, const struct stat *st)
{
    snprintf(name, size, ID_PREFIX "%llx-%llx-%llx-%llx.%lx-%llx.%lx",
             (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
             (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtim.tv_sec,
             (unsigned long)st->st_mtim.tv_nsec,
             (unsigned long long)st->st_ctim.tv_sec,
             (unsigned long)st->st_ctim.tv_nsec);
}

static int open_dir(const char *dir)
{
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* One of ours: a plain file with something in it, used just now. */
static int open_kernel(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
        close(fd);
        return -ENOENT;
    }
    (void)futimens(fd, NULL); /* only the order of removal suffers */
    return fd;
}

int cache_open_by_file(const char *dir, const struct stat *packed)
{
    char name[160], target[80];
    int dirfd = open_dir(dir), fd;
    ssize_t n;

    if (dirfd < 0)
        return dirfd;
    identity(name, sizeof(name), packed);
    n = readlinkat(dirfd, name, target, sizeof(target) - 1);
    if (n < 0) {
        fd = -errno;
    } else {
        target[n] = 0;
        fd = strchr(target, '/') ? -ENOENT : open_kernel(dirfd, target);
    }
    close(dirfd);
    return fd;
}

int cache_open(const char *dir, const struct cache_key *k)
{
    int dirfd = open_dir(dir), fd;
    char name[80];

    if (dirfd < 0)
        return dirfd;
    snprintf(name, sizeof(name), "%s" SUFFIX, k->hash);
    fd = open_kernel(dirfd, name);
    close(dirfd);
    return fd;
}

bool cache_settled(const struct stat *st)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - st->st_ctim.tv_sec > 2 ||
           st->st_ctim.tv_sec - now.tv_sec > 2;
}

void cache_link(const char *dir, const struct cache_key *k,
                const struct stat *packed)
{
    int dirfd = cache_settled(packed) ? open_dir(dir) : -1;
    char name[160], tmp[64], target[80];

    if (dirfd < 0)
        return;
    identity(name, sizeof(name), packed);
    snprintf(target, sizeof(target), "%s" SUFFIX, k->hash);
    snprintf(tmp, sizeof(tmp), TMP_PREFIX "link-%ld", (long)gettid());
    unlinkat(dirfd, tmp, 0);
    if (!symlinkat(target, dirfd, tmp) && renameat(dirfd, tmp, dirfd, name))
        unlinkat(dirfd, tmp, 0);
    close(dirfd);
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        data += n;
        size -= (size_t)n;
    }
    /* A power cut must not leave a whole name with half a kernel. */
    return fdatasync(fd) ? -errno : 0;
}

/* --- removal ------------------------------------------------------------- */

struct entry {
    char name[80];
    time_t used;
};

static int by_age(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->used < y->used ? 1 : x->used > y->used ? -1 : 0;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && !strcmp(name + n - m, end);
}

/* Links whose kernel is gone, and what a killed writer left. */
static void sweep(int dirfd, const char *name, const struct stat *st)
{
    struct stat target;

    if (S_ISLNK(st->st_mode) && fstatat(dirfd, name, &target, 0))
        unlinkat(dirfd, name, 0);
    else if (!strncmp(name, TMP_PREFIX, strlen(TMP_PREFIX)) &&
             time(NULL) - st->st_mtime > 600)
        unlinkat(dirfd, name, 0);
}

/* Keep the newest; both passes are best effort. */
static void prune(const char *dir)
{
    struct entry *kernels = NULL, *grew;
    size_t nr = 0;
    struct dirent *de;
    struct stat st;
    DIR *d = opendir(dir);

    if (!d)
        return;
    while ((de = readdir(d))) {
        if (fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        if (!S_ISREG(st.st_mode) || !ends_in(de->d_name, SUFFIX) ||
            strlen(de->d_name) >= sizeof(kernels->name)) {
            sweep(dirfd(d), de->d_name, &st);
            continue;
        }
        grew = reallocarray(kernels, nr + 1, sizeof(*kernels));
        if (!grew)
            break;
        kernels = grew;
        strcpy(kernels[nr].name, de->d_name);
        kernels[nr++].used = st.st_mtime;
    }
    if (nr > CACHE_MAX_KERNELS)
        qsort(kernels, nr, sizeof(*kernels), by_age);
    for (size_t i = CACHE_MAX_KERNELS; i < nr; i++)
        unlinkat(dirfd(d), kernels[i].name, 0);
    free(kernels);
    closedir(d);
}

/* mkdir -p, of the last two parts. */
static void make_dir(const char *dir)
{
    char *parent = strdup(dir), *slash = parent ? strrchr(parent, '/') : NULL;

    if (slash && slash != parent) {
        *slash = 0;
        (void)mkdir(parent, 0755); /* the next one tells */
    }
    free(parent);
    (void)mkdir(dir, 0700);
}

int cache_store(const char *dir, const struct cache_key *k, const void *data,
                size_t size)
{
    char name[80], tmp[96];
    int dirfd, fd, rc;

    make_dir(dir);
    dirfd = open_dir(dir);
    if (dirfd < 0)
        return dirfd;
    snprintf(name, sizeof(name), "%s" SUFFIX, k->hash);
    snprintf(tmp, sizeof(tmp), TMP_PREFIX "%ld-%s", (long)gettid(), k->hash);
    unlinkat(dirfd, tmp, 0);
    fd = openat(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                0600);
    if (fd < 0) {
        rc = -errno;
        goto close_dir;
    }
    rc = write_all(fd, data, size);
    if (!rc && renameat(dirfd, tmp, dirfd, name))
        rc = -errno;
    if (rc)
        goto unlink;
    prune(dir);
    rc = fd;
    goto close_dir;

unlink:
    unlinkat(dirfd, tmp, 0);
    close(fd);
close_dir:
    close(dirfd);
    return rc;
}
