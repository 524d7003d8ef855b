/* What the files that load images share. */
#ifndef DOM0_BUILDER_IMAGE_INTERNAL_H
#define DOM0_BUILDER_IMAGE_INTERNAL_H

#include "dom0/builder/bzimage.h"
#include "dom0/builder/image.h"

#include <sys/stat.h>

/* A file as it was found. */
struct file {
    const char *path, *what;
    int fd;
    struct stat st;
};

/* A plain file of 1 to `max` bytes; `what` is its name in the message. */
int file_open(struct file *f, const char *path, const char *what, uint64_t max,
              struct builder_error *err);
/* All of it, malloc()ed: private from here on, whoever writes to the file. */
int file_read(const struct file *f, uint8_t **data, struct builder_error *err);
/* `size` bytes from `offset` on; -EIO when there are fewer. */
int file_read_at(int fd, uint8_t *to, size_t size, size_t offset);

/* Empty, with one reference; NULL: no memory. */
struct image *image_new(const char *path);
/* Unpack k's payload into `img`; `what` as above. */
int image_unpack(struct image *img, const char *what,
                 const struct kernel_file *k, struct builder_error *err);

/* The kernels that stay mapped: one found is a reference of the caller's. */
struct image *kept_find(const char *cache_dir, const struct stat *packed);
void kept_add(struct image *img, const char *cache_dir,
              const struct stat *packed);

#endif
