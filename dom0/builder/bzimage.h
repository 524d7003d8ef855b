/*
 * What a kernel file is: an ELF image, one packed with gzip, or Linux's
 * bzImage with either inside. Pure: reads only the bytes it is given.
 */
#ifndef DOM0_BUILDER_BZIMAGE_H
#define DOM0_BUILDER_BZIMAGE_H

#include "dom0/builder/unpack.h"

/* No kernel is larger unpacked. */
#define KERNEL_MAX_UNPACKED (1u << 30)

struct kernel_file {
    enum packing packing;
    const uint8_t *payload; /* within the file */
    size_t payload_size;
    size_t unpacked_size;
};

/* NULL, or what is wrong with it (a sentence about "the file"). */
const char *bzimage_recognise(const uint8_t *file, size_t size,
                              struct kernel_file *k);

#endif
