/*
 * Kernel files as distributions have them: a bzImage around each packing
 * that is supported, an ELF, a gzipped ELF; and what is none of these gets a
 * message instead of a crash.
 */
#include <lz4.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "boot/image.h"

#define KERNEL_SIZE 200000u
#define SETUP_SIZE  (3 * 512u) /* two setup sectors and the boot sector */
#define STUB_SIZE   100u       /* code in front of the payload */

static uint8_t kernel[KERNEL_SIZE], unpacked[KERNEL_SIZE];
static uint8_t file[2 * KERNEL_SIZE], packed[2 * KERNEL_SIZE];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < KERNEL_SIZE; i++)
        kernel[i] = (uint8_t)(i * i / 1000 ^ i % 7);
    memcpy(kernel, "\177ELF", 4);
    return 0;
}

static void append_size(size_t *n)
{
    uint32_t size = KERNEL_SIZE;

    memcpy(packed + *n, &size, 4);
    *n += 4;
}

static size_t pack_gzip(void)
{
    z_stream z;

    memset(&z, 0, sizeof(z));
    z.next_in = kernel;
    z.avail_in = KERNEL_SIZE;
    z.next_out = packed;
    z.avail_out = sizeof(packed);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), 0);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static size_t xz(lzma_check check)
{
    lzma_options_lzma lzma;
    lzma_filter filters[] = {{LZMA_FILTER_X86, NULL},
                             {LZMA_FILTER_LZMA2, &lzma},
                             {LZMA_VLI_UNKNOWN, NULL}};
    size_t n = 0;

    lzma_lzma_preset(&lzma, 6);
    assert_int_equal(lzma_stream_buffer_encode(filters, check, NULL, kernel,
                                               KERNEL_SIZE, packed, &n,
                                               sizeof(packed)),
                     LZMA_OK);
    append_size(&n);
    return n;
}

static size_t pack_xz(void)
{
    return xz(LZMA_CHECK_CRC32);
}

static size_t pack_xz_crc64(void)
{
    return xz(LZMA_CHECK_CRC64);
}

static size_t pack_lzma(void)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_options_lzma lzma;
    size_t n;

    lzma_lzma_preset(&lzma, 6);
    assert_int_equal(lzma_alone_encoder(&s, &lzma), LZMA_OK);
    s.next_in = kernel;
    s.avail_in = KERNEL_SIZE;
    s.next_out = packed;
    s.avail_out = sizeof(packed);
    assert_int_equal(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
    n = s.total_out;
    lzma_end(&s);
    append_size(&n);
    return n;
}

static size_t pack_zstd(void)
{
    size_t n = ZSTD_compress(packed, sizeof(packed), kernel, KERNEL_SIZE, 19);

    assert_false(ZSTD_isError(n));
    append_size(&n);
    return n;
}

static size_t pack_lz4(void)
{
    int len = LZ4_compress_default((char *)kernel, (char *)packed + 8,
                                   KERNEL_SIZE, sizeof(packed) - 8);
    size_t n = 8 + (size_t)len;

    memcpy(packed, "\x02\x21\x4c\x18", 4);
    memcpy(packed + 4, &len, 4);
    append_size(&n);
    return n;
}

/* Wrap the packed kernel as the boot protocol describes it. */
static size_t wrap(size_t payload)
{
    uint32_t offset = STUB_SIZE, length = (uint32_t)payload;

    memset(file, 0, SETUP_SIZE + STUB_SIZE);
    file[0x1f1] = 2;
    memcpy(file + 0x202, "HdrS", 4);
    file[0x206] = 0x0f;
    file[0x207] = 0x02;
    memcpy(file + 0x248, &offset, 4);
    memcpy(file + 0x24c, &length, 4);
    memcpy(file + SETUP_SIZE + STUB_SIZE, packed, payload);
    return SETUP_SIZE + STUB_SIZE + payload;
}

static const char *unpack_file(size_t size)
{
    struct kernel_image img;
    const char *why = image_recognise(file, size, &img);

    if (why)
        return why;
    assert_true(img.unpacked_size <= KERNEL_SIZE);
    if (img.packing == PACKING_NONE) {
        memcpy(unpacked, img.payload, img.payload_size);
        return NULL;
    }
    return image_unpack(&img, unpacked);
}

typedef size_t (*packer)(void);
static const packer packers[] = {pack_gzip, pack_xz,   pack_xz_crc64,
                                 pack_lzma, pack_zstd, pack_lz4};

static void test_bzimage_of_every_packing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
        memset(unpacked, 0, sizeof(unpacked));
        assert_null(unpack_file(wrap(packers[i]())));
        assert_memory_equal(unpacked, kernel, KERNEL_SIZE);
    }
}

static void test_elf_and_gzipped_elf(void **state)
{
    size_t n = pack_gzip();

    (void)state;
    memcpy(file, kernel, KERNEL_SIZE);
    assert_null(unpack_file(KERNEL_SIZE));
    memcpy(file, packed, n);
    memset(unpacked, 0, sizeof(unpacked));
    assert_null(unpack_file(n));
    assert_memory_equal(unpacked, kernel, KERNEL_SIZE);
}

/* A byte wrong in the middle, or the end missing: refused, never loaded. */
static void test_damage_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
        size_t payload = packers[i](), n = wrap(payload);

        assert_non_null(strstr(unpack_file(n - 1), "truncated"));
        memset(file + SETUP_SIZE + STUB_SIZE + payload / 2, 0xff, 64);
        /* LZ4, plain LZMA and a check we cannot run may not notice, but they
           must stay inside of their buffers. */
        if (packers[i] == pack_gzip || packers[i] == pack_xz)
            assert_non_null(unpack_file(n));
        else
            unpack_file(n);
    }
}

/* The claimed size is a bound, not a promise to believe. */
static void test_wrong_size_is_refused(void **state)
{
    uint32_t less = KERNEL_SIZE - 1, huge = 0x7fffffff;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
        size_t n = wrap(packers[i]());

        memcpy(file + n - 4, &less, 4);
        assert_non_null(unpack_file(n));
        memcpy(file + n - 4, &huge, 4);
        assert_non_null(strstr(unpack_file(n), "impossible size"));
    }
}

static void refused_with(const char *magic, size_t len, const char *what)
{
    memset(packed, 0, 1000);
    memcpy(packed, magic, len);
    assert_non_null(strstr(unpack_file(wrap(1000)), what));
}

static void test_messages_for_what_is_no_kernel(void **state)
{
    (void)state;
    refused_with("BZh9", 4, "repack it");
    refused_with("\x89LZO", 4, "repack it");
    refused_with("what?", 5, "repack it");

    memset(file, 0, 4096);
    memcpy(file, "070701", 6); /* an initrd in the kernel's place */
    assert_non_null(strstr(unpack_file(4096), "no kernel"));
    assert_non_null(strstr(unpack_file(3), "no kernel"));
    assert_non_null(strstr(unpack_file(0), "no kernel"));

    memset(packed, 0, 1000);
    assert_int_not_equal(wrap(1000), 0);
    file[0x206] = 7; /* protocol 2.07 */
    assert_non_null(strstr(unpack_file(SETUP_SIZE + 1100), "too old"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bzimage_of_every_packing),
        cmocka_unit_test(test_elf_and_gzipped_elf),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_wrong_size_is_refused),
        cmocka_unit_test(test_messages_for_what_is_no_kernel),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
