/*
 * Decompression of whole buffers whose unpacked size is known. Pure: nothing
 * is read past the input nor written past the output, whatever the bytes are.
 */
#ifndef DOM0_BUILDER_UNPACK_H
#define DOM0_BUILDER_UNPACK_H

#include <stddef.h>
#include <stdint.h>

enum packing {
    PACKING_UNKNOWN,
    PACKING_NONE, /* an ELF file */
    PACKING_GZIP,
    PACKING_XZ,
    PACKING_LZMA,
    PACKING_ZSTD,
    PACKING_LZ4, /* the legacy frame that kernels use */
    PACKING_BZIP2,
    PACKING_LZO,
};

enum packing unpack_detect(const uint8_t *data, size_t size);
const char *packing_name(enum packing p);

/* Fills `out` exactly, or -EILSEQ (damaged), -ENOMEM. */
int unpack(enum packing p, const uint8_t *in, size_t in_size, uint8_t *out,
           size_t out_size);

#endif
