/*
 * Kernel files as they lie in /boot: a bzImage with a packed ELF inside, an
 * ELF, or a packed ELF. Pure, but for the decoders' malloc.
 */
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include "lib/lib.h"

enum packing {
    PACKING_NONE, /* an ELF as it is */
    PACKING_GZIP,
    PACKING_XZ,
    PACKING_LZMA,
    PACKING_ZSTD,
    PACKING_LZ4,
    PACKING_BZIP2,
    PACKING_LZO, /* known, but not decoded */
    PACKING_UNKNOWN
};

struct kernel_image {
    enum packing packing;
    const uint8_t *payload;
    size_t payload_size;
    size_t unpacked_size; /* as the file claims */
};

/* NULL, or why `file` is no kernel image and what to do about it. */
const char *image_recognise(const void *file, size_t size,
                            struct kernel_image *img);
/* Unpack into `out` of img->unpacked_size bytes. NULL, or what is wrong. */
const char *image_unpack(const struct kernel_image *img, void *out);

/*
 * decoders.c, compiled against the libraries' own headers. Each fills `out`
 * to its last byte and returns 0, or -1 when the input is damaged, does not
 * end there, or memory is out.
 */
int decode_gzip(const void *in, size_t in_size, void *out, size_t out_size);
int decode_xz(const void *in, size_t in_size, void *out, size_t out_size);
int decode_lzma(const void *in, size_t in_size, void *out, size_t out_size);
int decode_zstd(const void *in, size_t in_size, void *out, size_t out_size);
int decode_lz4(const void *in, size_t in_size, void *out, size_t out_size);

#endif
