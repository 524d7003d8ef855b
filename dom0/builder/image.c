#include "dom0/builder/image.h"
#include "dom0/builder/bzimage.h"
#include "dom0/builder/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a kernel file may have packed, and a ramdisk at all. */
#define MAX_KERNEL_FILE (1ull << 30)
#define MAX_RAMDISK     (4ull << 30)

/* A file as it was found. */
struct file {
    const char *path, *what;
    int fd;
    struct stat st;
};

static int fail_file(struct builder_error *err, const struct file *f, int rc)
{
    return builder_fail(err, rc, "The %s %s cannot be read: %s.", f->what,
                        f->path, strerror(-rc));
}

static int open_file(struct file *f, const char *path, const char *what,
                     uint64_t max, struct builder_error *err)
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

static int read_all(int fd, uint8_t *to, size_t size, size_t offset)
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

/* The bytes are private from here on, whoever writes to the file. */
static int read_file(const struct file *f, uint8_t **data,
                     struct builder_error *err)
{
    size_t size = (size_t)f->st.st_size;
    uint8_t *p = malloc(size);
    int rc;

    if (!p)
        return builder_fail(err, -ENOMEM,
                            "There is no memory in dom0 for the %s %s.",
                            f->what, f->path);
    rc = read_all(f->fd, p, size, 0);
    if (rc) {
        fail_file(err, f, rc);
        free(p);
        return rc;
    }
    *data = p;
    return 0;
}

static struct image *new_image(const char *path)
{
    struct image *img = calloc(1, sizeof(*img));

    if (!img)
        return NULL;
    img->refs = 1;
    img->fd = -1;
    img->path = strdup(path);
    if (!img->path) {
        free(img);
        return NULL;
    }
    return img;
}

static void destroy_image(struct image *img)
{
    if (img->mapped)
        munmap((void *)(uintptr_t)img->data, img->size);
    else
        free((void *)(uintptr_t)img->data);
    if (img->fd >= 0)
        close(img->fd);
    free(img->nonzero);
    free(img->path);
    free(img);
}

/* --- kernels that stay mapped -------------------------------------------- */

#define MAX_KEPT 4

static struct {
    struct image *img;
    char *cache_dir;
    struct stat packed;
} kept[MAX_KEPT]; /* newest first */
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && same_time(a->st_mtim, b->st_mtim) &&
           same_time(a->st_ctim, b->st_ctim);
}

static void put_locked(struct image *img)
{
    if (!--img->refs)
        destroy_image(img);
}

void image_free(struct image *img)
{
    if (!img)
        return;
    pthread_mutex_lock(&kept_lock);
    put_locked(img);
    pthread_mutex_unlock(&kept_lock);
}

static struct image *find_kept(const char *cache_dir, const struct stat *packed)
{
    struct image *img = NULL;

    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < MAX_KEPT && kept[i].img && !img; i++)
        if (same_file(&kept[i].packed, packed) &&
            !strcmp(kept[i].cache_dir, cache_dir))
            img = kept[i].img;
    if (img)
        img->refs++;
    pthread_mutex_unlock(&kept_lock);
    return img;
}

static void drop_kept_locked(int i)
{
    if (kept[i].img)
        put_locked(kept[i].img);
    free(kept[i].cache_dir);
    memset(&kept[i], 0, sizeof(kept[i]));
}

void image_drop_kept(void)
{
    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < MAX_KEPT; i++)
        drop_kept_locked(i);
    pthread_mutex_unlock(&kept_lock);
}

static void keep(struct image *img, const char *cache_dir,
                 const struct stat *packed)
{
    char *dir = strdup(cache_dir);

    if (!dir)
        return;
    pthread_mutex_lock(&kept_lock);
    drop_kept_locked(MAX_KEPT - 1);
    memmove(kept + 1, kept, (MAX_KEPT - 1) * sizeof(*kept));
    img->refs++;
    kept[0].img = img;
    kept[0].cache_dir = dir;
    kept[0].packed = *packed;
    pthread_mutex_unlock(&kept_lock);
}

/* --- kernels ------------------------------------------------------------- */

/* Nobody but root writes there, and nobody writes twice. */
static int map_cached(struct image *img, int fd)
{
    struct stat st;
    void *p;

    if (fstat(fd, &st))
        return -errno;
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    img->data = p;
    img->size = (size_t)st.st_size;
    img->mapped = 1;
    return 0;
}

static int take_cached(struct image *img, int fd)
{
    int rc;

    if (fd < 0)
        return fd;
    rc = map_cached(img, fd);
    close(fd);
    if (rc)
        return rc;
    img->packing = "cached";
    img->from_cache = 1;
    return 0;
}

static int unpack_image(struct image *img, const char *what,
                        const struct kernel_file *k, struct builder_error *err)
{
    uint8_t *data = malloc(k->unpacked_size);
    int rc;

    if (!data)
        return builder_fail(err, -ENOMEM,
                            "There is no memory in dom0 to unpack the %s %s.",
                            what, img->path);
    rc =
        unpack(k->packing, k->payload, k->payload_size, data, k->unpacked_size);
    if (rc) {
        free(data);
        if (rc == -ENOMEM)
            return builder_fail(err, rc,
                                "There is no memory in dom0 to unpack the %s "
                                "%s.",
                                what, img->path);
        return builder_fail(err, rc,
                            "The %s %s is damaged: its %s payload does not "
                            "unpack.",
                            what, img->path, packing_name(k->packing));
    }
    img->data = data;
    img->size = k->unpacked_size;
    img->packing = packing_name(k->packing);
    return 0;
}

/* In the cache from now on, if it can be written. */
static void keep_kernel(struct image *img, const char *dir,
                        const struct cache_key *key, const struct stat *st)
{
    void *data = (void *)(uintptr_t)img->data;
    int fd = cache_store(dir, key, data, img->size);

    if (fd < 0) {
        snprintf(img->warning, sizeof(img->warning),
                 "The unpacked kernel could not be kept under %s (%s): the "
                 "next start unpacks it again.",
                 dir, strerror(-fd));
        return;
    }
    if (!map_cached(img, fd))
        free(data);
    close(fd);
    cache_link(dir, key, st);
}

/* The file was read: is it known by content, or must it be unpacked? */
static int load_read_kernel(struct image *img, const struct file *f,
                            uint8_t *data, const char *cache_dir,
                            struct builder_error *err)
{
    struct kernel_file k;
    struct cache_key key;
    const char *why = bzimage_recognise(data, (size_t)f->st.st_size, &k);
    int rc;

    if (why)
        return builder_fail(err, -EINVAL, "The kernel %s cannot be used: %s.",
                            img->path, why);
    if (k.packing == PACKING_NONE && k.payload == data) {
        img->data = data;
        img->size = k.payload_size;
        img->packing = packing_name(k.packing);
        return 0;
    }
    if (cache_dir) {
        cache_key_of(&key, data, (size_t)f->st.st_size);
        if (!take_cached(img, cache_open(cache_dir, &key))) {
            cache_link(cache_dir, &key, &f->st);
            return 0;
        }
    }
    rc = unpack_image(img, "kernel", &k, err);
    if (!rc && cache_dir)
        keep_kernel(img, cache_dir, &key, &f->st);
    return rc;
}

/* What guests need not be given where their memory is zero anyway. */
static int find_nonzero(struct image *img)
{
    size_t nr = (img->size + 4095) / 4096;

    img->nonzero = calloc(1, nr / 8 + 1);
    if (!img->nonzero)
        return -ENOMEM;
    for (size_t i = 0; i < nr; i++) {
        const uint8_t *p = img->data + i * 4096;
        size_t size = i + 1 < nr ? 4096 : img->size - i * 4096;

        if (p[0] || memcmp(p, p + 1, size - 1))
            img->nonzero[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    return 0;
}

/* One at a time: who waits for another's kernel may find his own unpacked, and
 * two writers of one name in the cache would be in each other's way. */
static pthread_mutex_t unpack_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_cached(struct image *img, const struct file *f,
                      const char *cache_dir)
{
    return cache_dir &&
           !take_cached(img, cache_open_by_file(cache_dir, &f->st));
}

static int load_packed_kernel(struct image *img, const struct file *f,
                              const char *cache_dir, struct builder_error *err)
{
    uint8_t *data = NULL;
    int rc;

    if (is_cached(img, f, cache_dir))
        return 0;
    rc = read_file(f, &data, err);
    if (!rc)
        rc = load_read_kernel(img, f, data, cache_dir, err);
    if (data != img->data)
        free(data);
    return rc;
}

static int load_opened_kernel(struct image *img, const struct file *f,
                              const char *cache_dir, struct builder_error *err)
{
    int rc = 0;

    if (!is_cached(img, f, cache_dir)) {
        pthread_mutex_lock(&unpack_lock);
        rc = load_packed_kernel(img, f, cache_dir, err);
        pthread_mutex_unlock(&unpack_lock);
    }
    if (!rc && find_nonzero(img))
        rc = builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
    return rc;
}

int image_load_kernel(const char *path, const char *cache_dir,
                      struct image **out, struct builder_error *err)
{
    struct image *img;
    struct file f;
    int rc = open_file(&f, path, "kernel", MAX_KERNEL_FILE, err);

    if (rc)
        return rc;
    *out = cache_dir ? find_kept(cache_dir, &f.st) : NULL;
    if (*out)
        goto close;
    img = new_image(path);
    if (!img) {
        rc = builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
        goto close;
    }
    rc = load_opened_kernel(img, &f, cache_dir, err);
    if (rc) {
        image_free(img);
        goto close;
    }
    if (img->mapped && cache_settled(&f.st))
        keep(img, cache_dir, &f.st);
    *out = img;
close:
    close(f.fd);
    return rc;
}

/* --- ramdisks ------------------------------------------------------------ */

int image_load_ramdisk(const char *path, struct image **out,
                       struct builder_error *err)
{
    struct image *img;
    struct file f;
    int rc = open_file(&f, path, "ramdisk", MAX_RAMDISK, err);

    if (rc)
        return rc;
    img = new_image(path);
    if (!img) {
        close(f.fd);
        return builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
    }
    img->fd = f.fd;
    img->size = (size_t)f.st.st_size;
    img->packing = "none";
    *out = img;
    return 0;
}

int image_read(const struct image *img, size_t offset, void *to, size_t size)
{
    if (offset > img->size || size > img->size - offset)
        return -EINVAL;
    if (!img->data)
        return read_all(img->fd, to, size, offset);
    memcpy(to, img->data + offset, size);
    return 0;
}

/* What is to be unpacked has to be here. */
static int read_packed(struct image *img, uint8_t **data,
                       struct builder_error *err)
{
    struct file f = {.path = img->path, .what = "ramdisk", .fd = img->fd};

    f.st.st_size = (off_t)img->size;
    return read_file(&f, data, err);
}

static int unpack_ramdisk(struct image *img, const uint8_t *packed,
                          struct builder_error *err)
{
    struct kernel_file k = {
        .payload = packed, .payload_size = img->size, .packing = PACKING_GZIP};
    const uint8_t *end = packed + img->size;

    /* The last word is the unpacked size. */
    k.unpacked_size = end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 |
                      (size_t)end[-1] << 24;
    if (!k.unpacked_size || k.unpacked_size > KERNEL_MAX_UNPACKED)
        return builder_fail(err, -EINVAL,
                            "The ramdisk %s is damaged: it claims an "
                            "impossible size.",
                            img->path);
    return unpack_image(img, "ramdisk", &k, err);
}

int image_unpack_ramdisk(struct image *img, struct builder_error *err)
{
    uint8_t head[18], *packed;
    int rc;

    if (img->size < sizeof(head) || image_read(img, 0, head, sizeof(head)) ||
        unpack_detect(head, sizeof(head)) != PACKING_GZIP)
        return 0; /* and who reads it next is told if that fails */
    rc = read_packed(img, &packed, err);
    if (rc)
        return rc;
    rc = unpack_ramdisk(img, packed, err);
    free(packed);
    return rc;
}
