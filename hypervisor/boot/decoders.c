/*
 * Debian's decompressors behind five functions. This file alone sees the
 * libraries' headers, and none of ours: the C library's types come with them.
 */
#include <lz4.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

int decode_gzip(const void *in, size_t in_size, void *out, size_t out_size);
int decode_xz(const void *in, size_t in_size, void *out, size_t out_size);
int decode_lzma(const void *in, size_t in_size, void *out, size_t out_size);
int decode_zstd(const void *in, size_t in_size, void *out, size_t out_size);
int decode_lz4(const void *in, size_t in_size, void *out, size_t out_size);

int decode_gzip(const void *in, size_t in_size, void *out, size_t out_size)
{
    z_stream z;
    int rc;

    memset(&z, 0, sizeof(z));
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)in_size;
    z.next_out = out;
    z.avail_out = (uInt)out_size;
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return -1;
    rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return rc == Z_STREAM_END && !z.avail_out ? 0 : -1;
}

int decode_xz(const void *in, size_t in_size, void *out, size_t out_size)
{
    const uint8_t *p = in;
    uint64_t memlimit = UINT64_MAX;
    size_t in_pos = 0, out_pos = 0;
    uint32_t flags = 0;

    /*
     * CRC64 works through a pointer that a constructor sets, and nobody runs
     * constructors here. Byte 7 of the header names the check; Linux packs
     * its kernels with CRC32.
     */
    if (in_size > 8 && (p[7] & 15) == LZMA_CHECK_CRC64)
        flags = LZMA_IGNORE_CHECK;
    if (lzma_stream_buffer_decode(&memlimit, flags, NULL, in, &in_pos, in_size,
                                  out, &out_pos, out_size) != LZMA_OK)
        return -1;
    return out_pos == out_size ? 0 : -1;
}

int decode_lzma(const void *in, size_t in_size, void *out, size_t out_size)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_ret rc;

    if (lzma_alone_decoder(&s, UINT64_MAX) != LZMA_OK)
        return -1;
    s.next_in = in;
    s.avail_in = in_size;
    s.next_out = out;
    s.avail_out = out_size;
    do
        rc = lzma_code(&s, LZMA_FINISH);
    while (rc == LZMA_OK); /* no progress is an error, so it ends */
    lzma_end(&s);
    return rc == LZMA_STREAM_END && !s.avail_out ? 0 : -1;
}

int decode_zstd(const void *in, size_t in_size, void *out, size_t out_size)
{
    return ZSTD_decompress(out, out_size, in, in_size) == out_size ? 0 : -1;
}

/* The legacy frame: a magic word, then blocks behind their sizes. */
int decode_lz4(const void *in, size_t in_size, void *out, size_t out_size)
{
    const size_t block_max = 8u << 20;
    const uint8_t *p = (const uint8_t *)in + 4,
                  *end = (const uint8_t *)in + in_size;
    uint8_t *to = out;

    if (in_size < 4)
        return -1;
    while (end - p > 4 && out_size) {
        size_t room = out_size < block_max ? out_size : block_max;
        uint32_t size;
        int got;

        memcpy(&size, p, sizeof(size));
        p += sizeof(size);
        if (size > (size_t)(end - p) || size > INT32_MAX)
            return -1;
        got = LZ4_decompress_safe((const char *)p, (char *)to, (int)size,
                                  (int)room);
        if (got <= 0)
            return -1;
        p += size;
        to += got;
        out_size -= (size_t)got;
    }
    return out_size ? -1 : 0;
}
