#include "dom0/builder/image.h"
#include "dom0/builder/bzimage.h"
#include "dom0/builder/cache.h"

#include <errno.h>
#include <fcntl.h>
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

/* The bytes are private from here on, whoever writes to the file. */
static int read_file(const struct file *f, uint8_t **data,
                     struct builder_error *err)
{
    size_t size = (size_t)f->st.st_size, done = 0;
    uint8_t *p = malloc(size);

    if (!p)
        return builder_fail(err, -ENOMEM,
                            "There is no memory in dom0 for the %s %s.",
                            f->what, f->path);
    while (done < size) {
        ssize_t n = pread(f->fd, p + done, size - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fail_file(err, f, n ? -errno : -EIO);
            free(p);
            return err->rc;
        }
        done += (size_t)n;
    }
    *data = p;
    return 0;
}

static struct image *new_image(const char *path)
{
    struct image *img = calloc(1, sizeof(*img));

    if (!img)
        return NULL;
    img->fd = -1;
    img->path = strdup(path);
    if (!img->path) {
        free(img);
        return NULL;
    }
    return img;
}

void image_free(struct image *img)
{
    if (!img)
        return;
    if (img->mapped)
        munmap((void *)(uintptr_t)img->data, img->size);
    else
        free((void *)(uintptr_t)img->data);
    if (img->fd >= 0)
        close(img->fd);
    free(img->path);
    free(img);
}

/* Nobody but root writes there, and nobody writes twice. */
static int use_cached(struct image *img, int fd)
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
    img->fd = fd;
    return 0;
}

static int take_cached(struct image *img, int fd)
{
    int rc;

    if (fd < 0)
        return fd;
    rc = use_cached(img, fd);
    if (rc) {
        close(fd);
        return rc;
    }
    img->packing = "cached";
    img->from_cache = 1;
    return 0;
}

static int unpack_kernel(struct image *img, const struct kernel_file *k,
                         struct builder_error *err)
{
    uint8_t *data = malloc(k->unpacked_size);
    int rc;

    if (!data)
        return builder_fail(err, -ENOMEM,
                            "There is no memory in dom0 to unpack the kernel "
                            "%s.",
                            img->path);
    rc =
        unpack(k->packing, k->payload, k->payload_size, data, k->unpacked_size);
    if (rc) {
        free(data);
        if (rc == -ENOMEM)
            return builder_fail(err, rc,
                                "There is no memory in dom0 to unpack the "
                                "kernel %s.",
                                img->path);
        return builder_fail(err, rc,
                            "The kernel %s is damaged: its %s payload does "
                            "not unpack.",
                            img->path, packing_name(k->packing));
    }
    img->data = data;
    img->size = k->unpacked_size;
    img->packing = packing_name(k->packing);
    return 0;
}

/* The unpacked bytes stay in memory whether they can be kept or not. */
static void keep_kernel(struct image *img, const char *dir,
                        const struct cache_key *key, const struct stat *st)
{
    int fd = cache_store(dir, key, img->data, img->size);

    if (fd < 0) {
        snprintf(img->warning, sizeof(img->warning),
                 "The unpacked kernel could not be kept under %s (%s): the "
                 "next start unpacks it again.",
                 dir, strerror(-fd));
        return;
    }
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
    rc = unpack_kernel(img, &k, err);
    if (!rc && cache_dir)
        keep_kernel(img, cache_dir, &key, &f->st);
    return rc;
}

int image_load_kernel(const char *path, const char *cache_dir,
                      struct image **out, struct builder_error *err)
{
    struct image *img;
    uint8_t *data = NULL;
    struct file f;
    int rc = open_file(&f, path, "kernel", MAX_KERNEL_FILE, err);

    if (rc)
        return rc;
    img = new_image(path);
    if (!img) {
        rc = builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
        goto close;
    }
    if (cache_dir && !take_cached(img, cache_open_by_file(cache_dir, &f.st)))
        goto done;
    rc = read_file(&f, &data, err);
    if (!rc)
        rc = load_read_kernel(img, &f, data, cache_dir, err);
    if (data != img->data)
        free(data);
    if (rc) {
        image_free(img);
        goto close;
    }
done:
    *out = img;
close:
    close(f.fd);
    return rc;
}

int image_load_ramdisk(const char *path, struct image **out,
                       struct builder_error *err)
{
    struct image *img;
    uint8_t *data;
    struct file f;
    int rc = open_file(&f, path, "ramdisk", MAX_RAMDISK, err);

    if (rc)
        return rc;
    img = new_image(path);
    if (!img) {
        rc = builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
        goto close;
    }
    rc = read_file(&f, &data, err);
    if (rc) {
        image_free(img);
        goto close;
    }
    img->data = data;
    img->size = (size_t)f.st.st_size;
    img->packing = "none";
    *out = img;
close:
    close(f.fd);
    return rc;
}
