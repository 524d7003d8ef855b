#include "dom0/builder/bzimage.h"

#include <stdbool.h>
#include <string.h>

/* The setup header's fields (Linux boot protocol, from 2.08 on). */
#define SETUP_SECTS    0x1f1
#define SETUP_MAGIC    0x202 /* "HdrS" */
#define SETUP_VERSION  0x206
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define SETUP_END      0x250

static uint32_t word_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static bool is_bzimage(const uint8_t *p, size_t size)
{
    return size >= SETUP_END && !memcmp(p + SETUP_MAGIC, "HdrS", 4);
}

static const char *find_payload(const uint8_t *p, size_t size,
                                struct kernel_file *k)
{
    uint64_t sects = p[SETUP_SECTS] ? p[SETUP_SECTS] : 4;
    uint64_t start = (sects + 1) * 512 + word_at(p + PAYLOAD_OFFSET);
    uint64_t len = word_at(p + PAYLOAD_LENGTH);
    unsigned version = p[SETUP_VERSION] | (unsigned)p[SETUP_VERSION + 1] << 8;

    if (version < 0x208 || !len)
        return "the kernel is too old to say where its payload is: use its ELF "
               "file (vmlinux)";
    if (start > size || len > size - start)
        return "the file is truncated";
    k->payload = p + start;
    k->payload_size = len;
    return NULL;
}

/* Kernel builds put the unpacked size behind the packed bytes; gzip ends with
   it anyway. */
static const char *find_size(struct kernel_file *k)
{
    if (k->payload_size < 16)
        return "the file is truncated";
    k->unpacked_size = word_at(k->payload + k->payload_size - 4);
    if (k->packing != PACKING_GZIP)
        k->payload_size -= 4;
    if (!k->unpacked_size || k->unpacked_size > KERNEL_MAX_UNPACKED)
        return "the file claims an impossible size";
    return NULL;
}

const char *bzimage_recognise(const uint8_t *file, size_t size,
                              struct kernel_file *k)
{
    const char *why = NULL;

    *k = (struct kernel_file){.payload = file, .payload_size = size};
    if (is_bzimage(file, size))
        why = find_payload(file, size, k);
    if (why)
        return why;
    k->packing = unpack_detect(k->payload, k->payload_size);
    k->unpacked_size = k->payload_size;
    if (k->packing == PACKING_NONE)
        return NULL;
    if (k->packing == PACKING_UNKNOWN)
        return k->payload == file
                   ? "the file is no kernel (neither bzImage nor ELF)"
                   : "the kernel in the file is packed with a method that is "
                     "not known here";
    if (k->packing != PACKING_GZIP && k->payload == file)
        return "a packed ELF file must be packed with gzip";
    return find_size(k);
}
