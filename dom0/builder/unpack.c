#include "dom0/builder/unpack.h"

#include <bzlib.h>
#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define MAX_DECODER_MEMORY (256u << 20)

static const struct {
    enum packing packing;
    uint8_t len, magic[8];
    const char *name;
} kinds[] = {
    {PACKING_NONE, 4, {0x7f, 'E', 'L', 'F'}, "none"},
    {PACKING_GZIP, 2, {0x1f, 0x8b}, "gzip"},
    {PACKING_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}, "xz"},
    {PACKING_LZMA, 3, {0x5d, 0, 0}, "lzma"},
    {PACKING_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}, "zstd"},
    {PACKING_LZ4, 4, {0x02, 0x21, 0x4c, 0x18}, "lz4"},
    {PACKING_BZIP2, 3, {'B', 'Z', 'h'}, "bzip2"},
    {PACKING_LZO, 4, {0x89, 'L', 'Z', 'O'}, "lzo"},
};
#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

enum packing unpack_detect(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < NR_KINDS; i++)
        if (size >= kinds[i].len && !memcmp(data, kinds[i].magic, kinds[i].len))
            return kinds[i].packing;
    return PACKING_UNKNOWN;
}

const char *packing_name(enum packing p)
{
    for (size_t i = 0; i < NR_KINDS; i++)
        if (kinds[i].packing == p)
            return kinds[i].name;
    return "unknown";
}

static int unpack_gzip(const uint8_t *in, size_t in_size, uint8_t *out,
                       size_t out_size)
{
    z_stream z = {0};
    int rc;

    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)in_size;
    z.next_out = out;
    z.avail_out = (uInt)out_size;
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return -ENOMEM;
    rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return rc == Z_STREAM_END && !z.avail_out ? 0 : -EILSEQ;
}

static int unpack_xz(const uint8_t *in, size_t in_size, uint8_t *out,
                     size_t out_size)
{
    uint64_t memlimit = MAX_DECODER_MEMORY;
    size_t in_pos = 0, out_pos = 0;
    lzma_ret rc = lzma_stream_buffer_decode(&memlimit, 0, NULL, in, &in_pos,
                                            in_size, out, &out_pos, out_size);

    if (rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR)
        return -ENOMEM;
    return rc == LZMA_OK && out_pos == out_size ? 0 : -EILSEQ;
}

static int unpack_lzma(const uint8_t *in, size_t in_size, uint8_t *out,
                       size_t out_size)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_ret rc;
    size_t left;

    if (lzma_alone_decoder(&s, MAX_DECODER_MEMORY) != LZMA_OK)
        return -ENOMEM;
    s.next_in = in;
    s.avail_in = in_size;
    s.next_out = out;
    s.avail_out = out_size;
    do
        rc = lzma_code(&s, LZMA_FINISH);
    while (rc == LZMA_OK && s.avail_out);
    left = s.avail_out;
    lzma_end(&s);
    if (rc == LZMA_MEM_ERROR || rc == LZMA_MEMLIMIT_ERROR)
        return -ENOMEM;
    return (rc == LZMA_OK || rc == LZMA_STREAM_END) && !left ? 0 : -EILSEQ;
}

static int unpack_zstd(const uint8_t *in, size_t in_size, uint8_t *out,
                       size_t out_size)
{
    return ZSTD_decompress(out, out_size, in, in_size) == out_size ? 0
                                                                   : -EILSEQ;
}

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static uint32_t be32(const uint8_t *p)
{
    return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 |
           (uint32_t)p[0] << 24;
}

/* Blocks of up to 8 MiB unpacked, each behind its packed length. */
#define LZ4_BLOCK (8u << 20)

static int unpack_lz4(const uint8_t *in, size_t in_size, uint8_t *out,
                      size_t out_size)
{
    size_t pos = 4, done = 0;

    while (done < out_size) {
        size_t room = out_size - done < LZ4_BLOCK ? out_size - done : LZ4_BLOCK;
        uint32_t len;
        int n;

        if (in_size - pos < 4)
            return -EILSEQ;
        len = le32(in + pos);
        pos += 4;
        if (len == 0x184c2102) /* a frame may follow a frame */
            continue;
        if (len > in_size - pos || len > LZ4_COMPRESSBOUND(LZ4_BLOCK))
            return -EILSEQ;
        n = LZ4_decompress_safe((const char *)in + pos, (char *)out + done,
                                (int)len, (int)room);
        if (n <= 0)
            return -EILSEQ;
        pos += len;
        done += (size_t)n;
    }
    return 0;
}

static int unpack_bzip2(const uint8_t *in, size_t in_size, uint8_t *out,
                        size_t out_size)
{
    unsigned n = (unsigned)out_size;
    int rc = BZ2_bzBuffToBuffDecompress((char *)out, &n, (char *)(uintptr_t)in,
                                        (unsigned)in_size, 0, 0);

    if (rc == BZ_MEM_ERROR)
        return -ENOMEM;
    return rc == BZ_OK && n == out_size ? 0 : -EILSEQ;
}

/* lzop's file: a header, then blocks with lengths and checksums. */
enum lzop_flags {
    LZOP_ADLER32_D = 0x1,
    LZOP_ADLER32_C = 0x2,
    LZOP_CRC32_D = 0x100,
    LZOP_CRC32_C = 0x200,
    LZOP_FILTER = 0x800,
};
#define LZOP_NEW   0x940 /* versions from this on have longer headers */
#define LZOP_BLOCK (64u << 20)

/* Length of the header, 0: it is none. */
static size_t lzop_header(const uint8_t *in, size_t size, uint32_t *flags)
{
    static const uint8_t magic[9] = {0x89, 'L',  'Z',  'O', 0,
                                     0x0d, 0x0a, 0x1a, 0x0a};
    size_t pos = sizeof(magic);
    unsigned version;

    if (size < 48 || memcmp(in, magic, sizeof(magic)))
        return 0;
    version = (unsigned)in[pos] << 8 | in[pos + 1];
    pos += 4; /* version, library */
    if (version >= LZOP_NEW)
        pos += 2; /* version needed */
    pos += 1;     /* method */
    if (version >= LZOP_NEW)
        pos += 1; /* level */
    *flags = be32(in + pos);
    pos += 4;
    if (*flags & LZOP_FILTER)
        pos += 4;
    pos += 8; /* mode, time */
    if (version >= LZOP_NEW)
        pos += 4;
    pos += 1u + in[pos] + 4; /* name, checksum */
    return pos <= size ? pos : 0;
}

static int unpack_lzo(const uint8_t *in, size_t in_size, uint8_t *out,
                      size_t out_size)
{
    uint32_t flags;
    size_t pos = lzop_header(in, in_size, &flags), done = 0;

    if (!pos)
        return -EILSEQ;
    while (done < out_size) {
        size_t sums =
            (flags & LZOP_ADLER32_D ? 4u : 0) + (flags & LZOP_CRC32_D ? 4u : 0);
        uint32_t len, packed;
        lzo_uint n;

        if (in_size - pos < 8)
            return -EILSEQ;
        len = be32(in + pos);
        packed = be32(in + pos + 4);
        pos += 8;
        if (packed < len)
            sums += (flags & LZOP_ADLER32_C ? 4u : 0) +
                    (flags & LZOP_CRC32_C ? 4u : 0);
        if (!len || len > LZOP_BLOCK || len > out_size - done || packed > len ||
            in_size - pos < sums || packed > in_size - pos - sums)
            return -EILSEQ;
        pos += sums;
        n = len;
        if (packed == len)
            memcpy(out + done, in + pos, len);
        else if (lzo1x_decompress_safe(in + pos, packed, out + done, &n,
                                       NULL) != LZO_E_OK ||
                 n != len)
            return -EILSEQ;
        pos += packed;
        done += len;
    }
    return 0;
}

int unpack(enum packing p, const uint8_t *in, size_t in_size, uint8_t *out,
           size_t out_size)
{
    if (in_size > UINT32_MAX || out_size > UINT32_MAX)
        return -EILSEQ;
    switch (p) {
    case PACKING_NONE:
        if (in_size != out_size)
            return -EILSEQ;
        memcpy(out, in, in_size);
        return 0;
    case PACKING_GZIP:
        return unpack_gzip(in, in_size, out, out_size);
    case PACKING_XZ:
        return unpack_xz(in, in_size, out, out_size);
    case PACKING_LZMA:
        return unpack_lzma(in, in_size, out, out_size);
    case PACKING_ZSTD:
        return unpack_zstd(in, in_size, out, out_size);
    case PACKING_LZ4:
        return unpack_lz4(in, in_size, out, out_size);
    case PACKING_BZIP2:
        return unpack_bzip2(in, in_size, out, out_size);
    case PACKING_LZO:
        return unpack_lzo(in, in_size, out, out_size);
    case PACKING_UNKNOWN:
        break;
    }
    return -EILSEQ;
}
