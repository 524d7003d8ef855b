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
    const uint8_t *data; /* private, read-only; the whole unpacked file */
    size_t size;
    int fd;              /* the same bytes as a file, or -1 */
    int mapped;          /* data is a mapping of it */
    char *path;          /* what was asked for */
    const char *packing; /* "none", "gzip", "xz", ... */
    int from_cache;      /* unpacked by an earlier run */
    char warning[400];   /* empty, or what the user should hear */
};

/*
 * Load a kernel: an ELF file, a bzImage, or a gzip-packed ELF file. It is
 * unpacked into `cache_dir` (NULL: no cache), keyed by the file's content; a
 * cache that cannot be written is a warning only. The result is an ELF image.
 */
int image_load_kernel(const char *path, const char *cache_dir,
                      struct image **out, struct builder_error *err);

/*
 * Load a ramdisk as it is: PV guests get it packed and unpack it themselves,
 * which every kernel of the last fifteen years can.
 */
int image_load_ramdisk(const char *path, struct image **out,
                       struct builder_error *err);

void image_free(struct image *img); /* NULL is fine */

#endif
