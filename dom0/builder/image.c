/* Kernels, from the cache or unpacked. */
#include "dom0/builder/image-internal.h"
#include "dom0/builder/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a kernel file may have packed. */
#define MAX_KERNEL_FILE (1ull << 30)

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

int image_unpack(struct image *img, const char *what,
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
    rc = image_unpack(img, "kernel", &k, err);
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

/* --- one unpacking per file ---------------------------------------------- */

/* A file that a thread unpacks right now. */
struct unpacking {
    struct unpacking *next;
    dev_t dev;
    ino_t ino;
    pid_t thread;
};

static struct unpacking *unpackings;
static pthread_mutex_t unpack_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unpack_ended = PTHREAD_COND_INITIALIZER;

static const struct unpacking *find_unpacking_locked(const struct stat *st)
{
    const struct unpacking *u = unpackings;

    while (u && (u->dev != st->st_dev || u->ino != st->st_ino))
        u = u->next;
    return u;
}

/* Who comes second waits, and then finds it in the cache. The first may have
 * been in no hurry; now somebody is. */
static void unpack_begin(struct unpacking *u, const struct stat *st)
{
    const struct unpacking *other;

    *u = (struct unpacking){
        .dev = st->st_dev, .ino = st->st_ino, .thread = gettid()};
    pthread_mutex_lock(&unpack_lock);
    while ((other = find_unpacking_locked(st))) {
        (void)setpriority(PRIO_PROCESS, (id_t)other->thread, 0);
        pthread_cond_wait(&unpack_ended, &unpack_lock);
    }
    u->next = unpackings;
    unpackings = u;
    pthread_mutex_unlock(&unpack_lock);
}

static void unpack_end(const struct unpacking *u)
{
    struct unpacking **link = &unpackings;

    pthread_mutex_lock(&unpack_lock);
    while (*link != u)
        link = &(*link)->next;
    *link = u->next;
    pthread_cond_broadcast(&unpack_ended);
    pthread_mutex_unlock(&unpack_lock);
}

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
    rc = file_read(f, &data, err);
    if (!rc)
        rc = load_read_kernel(img, f, data, cache_dir, err);
    if (data != img->data)
        free(data);
    return rc;
}

static int load_opened_kernel(struct image *img, const struct file *f,
                              const char *cache_dir, struct builder_error *err)
{
    struct unpacking u;
    int rc = 0;

    if (!is_cached(img, f, cache_dir)) {
        unpack_begin(&u, &f->st);
        rc = load_packed_kernel(img, f, cache_dir, err);
        unpack_end(&u);
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
    int rc = file_open(&f, path, "kernel", MAX_KERNEL_FILE, err);

    if (rc)
        return rc;
    *out = cache_dir ? kept_find(cache_dir, &f.st) : NULL;
    if (*out)
        goto close;
    img = image_new(path);
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
        kept_add(img, cache_dir, &f.st);
    *out = img;
close:
    close(f.fd);
    return rc;
}
