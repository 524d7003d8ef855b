/*
 * Any bytes as a kernel file, unpacked if they can be.
 * sources: dom0/builder/bzimage.c dom0/builder/unpack.c
 * libs: -lz -llzma -lzstd -llz4 -lbz2 -llzo2
 */
#include "dom0/builder/bzimage.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kernel_file k;
    uint8_t *out;

    if (bzimage_recognise(data, size, &k))
        return 0;
    /* Large claims are true of large files only; they cost time here. */
    if (k.unpacked_size > 4 << 20)
        k.unpacked_size = 4 << 20;
    out = malloc(k.unpacked_size);
    if (out)
        (void)unpack(k.packing, k.payload, k.payload_size, out,
                     k.unpacked_size);
    free(out);
    return 0;
}
