/*
 * Kernels and ramdisks: files opened, recognised and unpacked, ready to be
 * copied into a guest. No hypercalls here, so images may be loaded on another
 * thread than the one that builds.
 */
#ifndef DOM0_BUILDER_IMAGE_H
#define DOM0_BUILDER_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "dom0/builder/error.h"

/* Where unpacked kernels are kept for the next time. */
#define KERNEL_CACHE_DIR "/var/cache/paravane/kernels"

/* The PV GRUB that stands in for `bootloader = "pygrub"`. */
#define PV_GRUB "/usr/lib/grub-xen/grub-x86_64-xen.bin"

struct image {
    const uint8_t *data; /* private, read-only; the whole unpacked file, or
                            NULL: still in the file, see image_read() */
    size_t size;
    uint8_t *nonzero;    /* bit n: page n of it has a byte that is not zero;
                            NULL for ramdisks */
    char *path;          /* what was asked for */
    const char *packing; /* "none", "gzip", "xz", ...; "cached" */
    int from_cache;      /* unpacked by an earlier run */
    char warning[400];   /* empty, or what the user should hear */
    int mapped;          /* data is a mapping of a cached file */
    int fd;              /* of a ramdisk still in its file; else -1 */
    unsigned refs;
};

/*
 * Load a kernel: an ELF file, a bzImage, or a gzip-packed ELF file. It is
 * unpacked into `cache_dir` (NULL: no cache), keyed by the file's content; a
 * cache that cannot be written is a warning only. The result is an ELF image,
 * to be given back with image_free().
 *
 * The last few kernels stay mapped from the cache, because setting up such a
 * mapping costs as much as copying it. They are clean file pages, which the
 * system takes back when it needs them. Several threads may load and free.
 */
int image_load_kernel(const char *path, const char *cache_dir,
                      struct image **out, struct builder_error *err);
/* Let go of the kernels that nobody uses. */
void image_drop_kept(void);

/*
 * Open a ramdisk, to be used as it is: its bytes mean nothing to us, so they go
 * from the file to the guest without a stop in between.
 */
int image_load_ramdisk(const char *path, struct image **out,
                       struct builder_error *err);
/* Unpack one that is packed with gzip, and only such. */
int image_unpack_ramdisk(struct image *img, struct builder_error *err);

/* The `size` bytes of a ramdisk from `offset` on; -EIO when it has shrunk. */
int image_read(const struct image *img, size_t offset, void *to, size_t size);

void image_free(struct image *img); /* NULL is fine */

#endif
