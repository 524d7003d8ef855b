/* Images and their references, and the kernels that stay mapped. */
#include "dom0/builder/image-internal.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct image *image_new(const char *path)
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

struct image *kept_find(const char *cache_dir, const struct stat *packed)
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

void kept_add(struct image *img, const char *cache_dir,
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
