#include "boot/image.h"

/* The setup header's fields (Linux boot protocol 2.08 and later). */
#define SETUP_SECTS    0x1f1
#define SETUP_MAGIC    0x202 /* "HdrS" */
#define SETUP_VERSION  0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define SETUP_END      0x250

#define MAX_UNPACKED (1ull << 30)

static const struct {
    enum packing packing;
    uint8_t len, magic[6];
} magics[] = {
    {PACKING_NONE, 4, {0x7f, 'E', 'L', 'F'}},
    {PACKING_GZIP, 2, {0x1f, 0x8b}},
    {PACKING_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
    {PACKING_LZMA, 3, {0x5d, 0, 0}},
    {PACKING_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}},
    {PACKING_LZ4, 4, {0x02, 0x21, 0x4c, 0x18}},
    {PACKING_BZIP2, 3, {'B', 'Z', 'h'}},
    {PACKING_LZO, 4, {0x89, 'L', 'Z', 'O'}},
};

static uint32_t word_at(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static enum packing detect(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
        if (size >= magics[i].len && !memcmp(p, magics[i].magic, magics[i].len))
            return magics[i].packing;
    return PACKING_UNKNOWN;
}

static bool is_bzimage(const uint8_t *p, size_t size)
{
    return size >= SETUP_END && !memcmp(p + SETUP_MAGIC, "HdrS", 4);
}

/* Find the packed kernel inside of a bzImage. */
static const char *find_payload(const uint8_t *p, size_t size,
                                struct kernel_image *img)
{
    uint64_t sects = p[SETUP_SECTS] ? p[SETUP_SECTS] : 4;
    uint64_t start = (sects + 1) * 512 + word_at(p + PAYLOAD_OFFSET);
    uint64_t len = word_at(p + PAYLOAD_LENGTH);
    uint16_t version = (uint16_t)(p[SETUP_VERSION] | p[SETUP_VERSION + 1] << 8);

    if (version < 0x208 || !len)
        return "the kernel is too old to say where its payload is: give its "
               "ELF file (vmlinux) instead";
    if (start > size || len > size - start)
        return "the kernel file is truncated: copy it again";
    img->payload = p + start;
    img->payload_size = len;
    return NULL;
}

const char *image_recognise(const void *file, size_t size,
                            struct kernel_image *img)
{
    const char *why = NULL;

    img->payload = file;
    img->payload_size = size;
    if (is_bzimage(file, size))
        why = find_payload(file, size, img);
    if (why)
        return why;

    img->packing = detect(img->payload, img->payload_size);
    img->unpacked_size = img->payload_size;
    if (img->packing == PACKING_NONE)
        return NULL;
    if (img->packing == PACKING_UNKNOWN && img->payload == file)
        return "the first module is no kernel (neither bzImage nor ELF): the "
               "kernel must be the first module, the initrd the second";
    if (img->packing >= PACKING_BZIP2)
        return "the kernel is packed with a method that is not known here: "
               "repack it with gzip, xz, lzma, zstd or lz4, or give its ELF "
               "file (vmlinux)";
    if (img->packing != PACKING_GZIP && img->payload == file)
        return "a packed kernel without a bzImage around it must be packed "
               "with gzip";

    /* The build appends the size where the method has none at its end; gzip
       ends with it anyway. */
    if (img->payload_size < 16)
        return "the kernel file is truncated: copy it again";
    img->unpacked_size = word_at(img->payload + img->payload_size - 4);
    if (img->packing != PACKING_GZIP)
        img->payload_size -= 4;
    if (!img->unpacked_size || img->unpacked_size > MAX_UNPACKED)
        return "the kernel file claims an impossible size: copy it again";
    return NULL;
}

typedef int (*decoder)(const void *in, size_t in_size, void *out,
                       size_t out_size);

const char *image_unpack(const struct kernel_image *img, void *out)
{
    static const decoder decoders[] = {
        [PACKING_GZIP] = decode_gzip, [PACKING_XZ] = decode_xz,
        [PACKING_LZMA] = decode_lzma, [PACKING_ZSTD] = decode_zstd,
        [PACKING_LZ4] = decode_lz4,
    };

    if (decoders[img->packing](img->payload, img->payload_size, out,
                               img->unpacked_size))
        return "the kernel file is damaged (it does not unpack): copy it "
               "again";
    return NULL;
}
