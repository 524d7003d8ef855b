/*
 * Kernel files: recognised, unpacked whatever they are packed with, kept for
 * the next time; and ELF images that are no PV kernel.
 * sources: dom0/builder/image.c dom0/builder/bzimage.c dom0/builder/unpack.c
 * sources: dom0/builder/image-file.c dom0/builder/image-kept.c
 * sources: dom0/builder/ramdisk.c
 * sources: dom0/builder/cache.c dom0/builder/error.c
 * sources: dom0/builder/elf.c tests/unit/dom0/kernels.c
 * libs: -lz -llzma -lzstd -llz4 -lbz2 -llzo2 -lmd
 */
#include "dom0/builder/cache.h"
#include "dom0/builder/elf.h"
#include "dom0/builder/image.h"
#include "tests/unit/dom0/kernels.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The same kernel in every packing, made for the fuzzer too. */
#define SAMPLES "tests/fuzz/corpus/bzimage/"

static char dir[64], cache[80];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test-image-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(cache, sizeof(cache), "%s/cache", dir);
    return 0;
}

static int teardown(void **state)
{
    char command[100];

    (void)state;
    image_drop_kept();
    snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command);
}

static size_t read_sample(const char *name, uint8_t *buf, size_t room)
{
    char path[200];
    size_t size;
    FILE *f;

    snprintf(path, sizeof(path), "%s%s", SAMPLES, name);
    f = fopen(path, "r");
    assert_non_null(f);
    size = fread(buf, 1, room, f);
    fclose(f);
    return size;
}

static const char *write_kernel(const void *data, size_t size)
{
    static char path[100];
    FILE *f;

    snprintf(path, sizeof(path), "%s/kernel", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
    return path;
}

static struct image *load(const char *path, const char *cache_dir)
{
    struct builder_error err;
    struct image *img;

    if (image_load_kernel(path, cache_dir, &img, &err))
        fail_msg("%s: %s", path, err.text);
    return img;
}

static void test_every_packing_unpacks(void **state)
{
    static const char *const names[] = {
        "elf", "gzip-elf", "gzip", "xz", "lzma", "bzip2", "zstd", "lz4", "lzo"};
    struct image *first = load(SAMPLES "elf", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[200];
        struct image *img;

        snprintf(path, sizeof(path), "%s%s", SAMPLES, names[i]);
        img = load(path, NULL);
        assert_int_equal(img->size, first->size);
        assert_memory_equal(img->data, first->data, img->size);
        if (strchr(names[i], '-') == NULL && i)
            assert_string_equal(img->packing, names[i]);
        image_free(img);
    }
    image_free(first);
}

static void refused(const char *path, int rc, const char *part)
{
    struct builder_error err = {0};
    struct image *img;

    assert_int_equal(image_load_kernel(path, NULL, &img, &err), rc);
    if (!strstr(err.text, part))
        fail_msg("`%s' lacks `%s'", err.text, part);
}

static void test_damaged_files_are_refused(void **state)
{
    uint8_t buf[8192];
    size_t size;

    (void)state;
    for (const char **n =
             (const char *[]){"gzip", "xz", "zstd", "bzip2", "lzo", NULL};
         *n; n++) {
        size = read_sample(*n, buf, sizeof(buf));
        buf[1024 + 60] ^= 0x55;
        refused(write_kernel(buf, size), -EILSEQ, "does not unpack");
    }
    size = read_sample("xz", buf, sizeof(buf));
    refused(write_kernel(buf, size - 20), -EINVAL, "truncated");
    refused(write_kernel("#!/bin/sh\n", 10), -EINVAL,
            "no kernel (neither bzImage nor ELF)");
    refused(write_kernel("", 0), -EINVAL, "is empty");
    refused("/tmp", -EINVAL, "not a plain file");
    /* A claim to be larger than anything. */
    size = read_sample("xz", buf, sizeof(buf));
    memset(buf + size - 4, 0xff, 4);
    refused(write_kernel(buf, size), -EINVAL, "impossible size");
}

static unsigned nr_entries(void)
{
    DIR *d = opendir(cache);
    struct dirent *de;
    unsigned nr = 0;

    while (d && (de = readdir(d)))
        nr += de->d_name[0] != '.';
    if (d)
        closedir(d);
    return nr;
}

static void test_second_load_comes_from_the_cache(void **state)
{
    struct image *a = load(SAMPLES "xz", cache), *b;

    (void)state;
    /* As in another process. */
    image_drop_kept();
    b = load(SAMPLES "xz", cache);
    assert_ptr_not_equal(a, b);
    assert_false(a->from_cache);
    assert_true(b->from_cache);
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
    assert_string_equal(a->warning, "");
    image_free(a);
    image_free(b);
}

static void test_kernel_stays_mapped_for_the_next_guest(void **state)
{
    struct image *a = load(SAMPLES "xz", cache), *b = load(SAMPLES "xz", cache);
    struct image *c = load(SAMPLES "zstd", cache);

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    image_free(a);
    image_drop_kept();
    /* Its last user keeps it. */
    assert_int_equal(b->data[0], 0x7f);
    image_free(b);
    image_free(c);
}

static void test_pages_of_zeroes_are_told(void **state)
{
    struct test_kernel t = test_kernel_linux;
    size_t size;
    uint8_t *elf = test_kernel_make(&t, &size);
    struct image *img;

    (void)state;
    memset(elf + 2 * 4096, 0, 4096);
    memset(elf + 3 * 4096, 0, 4095);
    img = load(write_kernel(elf, size), NULL);
    assert_int_equal(img->nonzero[0] & 0x1f, 0x1b);
    image_free(img);
    free(elf);
}

static void test_changed_file_is_noticed(void **state)
{
    uint8_t buf[8192];
    size_t size = read_sample("gzip", buf, sizeof(buf));
    struct image *img = load(write_kernel(buf, size), cache);

    (void)state;
    image_free(img);
    size = read_sample("xz", buf, sizeof(buf));
    img = load(write_kernel(buf, size), cache);
    assert_false(img->from_cache);
    assert_string_equal(img->packing, "xz");
    image_free(img);
}

static void test_known_file_is_found_by_its_identity(void **state)
{
    struct image *img = load(SAMPLES "xz", cache);
    struct stat st = {.st_ino = 7, .st_size = 100};
    struct cache_key k;
    uint8_t buf[8192];
    int fd;

    (void)state;
    image_free(img);
    cache_key_of(&k, buf, read_sample("xz", buf, sizeof(buf)));
    assert_int_equal(cache_open_by_file(cache, &st), -ENOENT);
    cache_link(cache, &k, &st);
    fd = cache_open_by_file(cache, &st);
    assert_true(fd >= 0);
    close(fd);
    st.st_ctim.tv_nsec = 1;
    assert_int_equal(cache_open_by_file(cache, &st), -ENOENT);
    /* What changed this moment may change again unseen. */
    clock_gettime(CLOCK_REALTIME, &st.st_ctim);
    cache_link(cache, &k, &st);
    assert_int_equal(cache_open_by_file(cache, &st), -ENOENT);
}

static void *load_thread(void *unused)
{
    (void)unused;
    return load(SAMPLES "xz", cache);
}

static void test_two_who_want_a_new_kernel_unpack_it_once(void **state)
{
    pthread_t threads[2];
    void *img[2];
    int from_cache = 0;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_thread, NULL),
                         0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &img[i]), 0);
        from_cache += ((struct image *)img[i])->from_cache;
    }
    /* The later one found it mapped, or in the cache. */
    assert_true(img[0] == img[1] || from_cache == 1);
    for (int i = 0; i < 2; i++)
        image_free(img[i]);
}

static void test_cache_that_cannot_be_written_is_a_warning(void **state)
{
    const struct rlimit none = {1000, RLIM_INFINITY};
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    struct image *img;

    (void)state;
    img = load(SAMPLES "xz", "/dev/null/cache");
    assert_non_null(strstr(img->warning, "Not a directory"));
    assert_int_equal(img->size, 4696);
    image_free(img);

    /* As on a full disk, the file ends in the middle. */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    img = load(SAMPLES "xz", cache);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_non_null(strstr(img->warning, "unpacks it again"));
    assert_int_equal(nr_entries(), 0);
    image_free(img);
}

static void test_oldest_kernels_leave_the_cache(void **state)
{
    struct cache_key k = {"x"};

    (void)state;
    for (int i = 0; i < CACHE_MAX_KERNELS + 5; i++) {
        int fd;

        snprintf(k.hash, sizeof(k.hash), "%d", i);
        fd = cache_store(cache, &k, "kernel", 6);
        assert_true(fd >= 0);
        futimens(fd, (struct timespec[2]){{.tv_sec = i}, {.tv_sec = i}});
        close(fd);
    }
    assert_int_equal(nr_entries(), CACHE_MAX_KERNELS);
    strcpy(k.hash, "0");
    assert_int_equal(cache_open(cache, &k), -ENOENT);
}

static void test_emptied_cache_file_is_not_used(void **state)
{
    struct image *img = load(SAMPLES "xz", cache);
    char command[200];

    (void)state;
    image_free(img);
    image_drop_kept();
    snprintf(command, sizeof(command), "for f in %s/*.elf; do : > $f; done",
             cache);
    assert_int_equal(system(command), 0);
    img = load(SAMPLES "xz", cache);
    assert_false(img->from_cache);
    image_free(img);
}

static void test_sha256_of_known_texts(void **state)
{
    static const struct {
        const char *text, *hash;
    } cases[] = {
        {"",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct cache_key k;

        cache_key_of(&k, cases[i].text, strlen(cases[i].text));
        assert_string_equal(k.hash, cases[i].hash);
    }
}

/* --- ELF ----------------------------------------------------------------- */

static const char *parse(const struct test_kernel *t, struct pv_kernel *k)
{
    size_t size;
    uint8_t *elf = test_kernel_make(t, &size);
    const char *why = elf_parse_kernel(elf, size, k);

    free(elf);
    return why;
}

static void test_notes_are_read(void **state)
{
    struct pv_kernel k;

    (void)state;
    assert_null(parse(&test_kernel_linux, &k));
    assert_int_equal(k.entry, test_kernel_linux.entry);
    assert_int_equal(k.p2m_base, test_kernel_linux.p2m_base);
    assert_true(k.mod_start_pfn);
    assert_false(k.has_hypercall_page);
    assert_string_equal(k.guest_os, "test");
    assert_int_equal(k.start, 0xffffffff80200000);
    assert_int_equal(k.end, 0xffffffff80209000);
}

static void test_kernels_of_another_kind_are_refused(void **state)
{
    struct test_kernel t = test_kernel_linux;
    struct pv_kernel k;

    (void)state;
    t.features = "writable_page_tables|!auto_translated_physmap";
    assert_non_null(strstr(parse(&t, &k), "demands a feature"));
    t.features = "!no_such_thing";
    assert_non_null(strstr(parse(&t, &k), "demands a feature"));
    t = test_kernel_linux;
    t.entry = 0x1000;
    assert_non_null(strstr(parse(&t, &k), "entry point"));
    t = test_kernel_linux;
    t.p2m_base = 0x8000000001;
    assert_non_null(strstr(parse(&t, &k), "INIT_P2M"));
    t = test_kernel_old;
    t.hypercall_page = t.virt_base;
    assert_non_null(strstr(parse(&t, &k), "hypercall page"));
    t = test_kernel_linux;
    t.file_size = t.mem_size + 1;
    assert_non_null(strstr(parse(&t, &k), "program headers"));
}

/* Xen's PADDR_OFFSET note: what to subtract from a segment's p_paddr. */
static void test_addresses_are_counted_from_the_offset(void **state)
{
    struct test_kernel t = test_kernel_offset;
    struct pv_kernel k;

    (void)state;
    assert_null(parse(&t, &k));
    assert_int_equal(k.start, t.entry);
    assert_int_equal(k.segment[0].va, t.entry);
    t.paddr_offset = 0;
    assert_non_null(strstr(parse(&t, &k), "program headers"));
    t.paddr = UINT64_MAX - 0xfff;
    assert_non_null(strstr(parse(&t, &k), "program headers"));
}

static void test_any_cut_of_an_image_is_refused_or_whole(void **state)
{
    size_t size;
    uint8_t *elf = test_kernel_make(&test_kernel_linux, &size);
    struct pv_kernel k;

    (void)state;
    for (size_t n = 0; n < size; n += 7) {
        uint8_t *part = malloc(n + 1);

        memcpy(part, elf, n);
        assert_non_null(elf_parse_kernel(part, n, &k));
        free(part);
    }
    ((Elf64_Ehdr *)elf)->e_ident[EI_CLASS] = ELFCLASS32;
    assert_non_null(strstr(elf_parse_kernel(elf, size, &k), "32-bit"));
    free(elf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_every_packing_unpacks),
        T(test_damaged_files_are_refused),
        T(test_second_load_comes_from_the_cache),
        T(test_kernel_stays_mapped_for_the_next_guest),
        T(test_pages_of_zeroes_are_told),
        T(test_changed_file_is_noticed),
        T(test_known_file_is_found_by_its_identity),
        T(test_two_who_want_a_new_kernel_unpack_it_once),
        T(test_cache_that_cannot_be_written_is_a_warning),
        T(test_oldest_kernels_leave_the_cache),
        T(test_emptied_cache_file_is_not_used),
        T(test_sha256_of_known_texts),
        T(test_notes_are_read),
        T(test_kernels_of_another_kind_are_refused),
        T(test_addresses_are_counted_from_the_offset),
        T(test_any_cut_of_an_image_is_refused_or_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
