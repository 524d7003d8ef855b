/*
 * Packing a ramdisk: what the kernel's unpacker would find in it.
 *
 * sources: dom0/cli/cpio.c
 */
#include "dom0/cli/cpio.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static char dir[] = "/tmp/test-cpio-XXXXXX";
static char *packed;
static size_t size;

/* One field of the header at `at`, by its place. */
static unsigned long field(size_t at, unsigned int i)
{
    char text[9] = {0};

    memcpy(text, packed + at + 6 + i * 8, 8);
    return strtoul(text, NULL, 16);
}

static size_t up4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* The header of a name; SIZE_MAX when it is not in the archive. */
static size_t find(const char *name)
{
    for (size_t at = 0; at + 110 < size;) {
        size_t data = up4(at + 110 + field(at, 11));

        assert_memory_equal(packed + at, "070701", 6);
        assert_int_equal(packed[at + 110 + field(at, 11) - 1], 0);
        if (!strcmp(packed + at + 110, name))
            return at;
        at = up4(data + field(at, 6));
    }
    return SIZE_MAX;
}

static const char *data_of(size_t at)
{
    return packed + up4(at + 110 + field(at, 11));
}

static void pack(const char *tree)
{
    struct cpio c;
    FILE *out;

    free(packed);
    packed = NULL;
    out = open_memstream(&packed, &size);
    cpio_begin(&c, out);
    assert_int_equal(cpio_add_tree(&c, tree), 0);
    assert_int_equal(cpio_add(&c, ".pvn", S_IFDIR | 0755, NULL, 0), 0);
    assert_int_equal(cpio_add(&c, ".pvn/cmd", S_IFREG | 0644, "a\0b", 4), 0);
    assert_int_equal(cpio_end(&c), 0);
    fclose(out);
}

static void put(const char *name, const char *text)
{
    char path[100];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static int begin(void **state)
{
    char path[100];

    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/bin", dir);
    mkdir(path, 0711);
    put("bin/tool", "12345");
    chmod(path, 0711);
    put("empty", "");
    snprintf(path, sizeof(path), "%s/link", dir);
    return symlink("bin/tool", path);
}

static int end(void **state)
{
    char command[64];

    (void)state;
    free(packed);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    return system(command);
}

static void test_tree_is_packed_whole(void **state)
{
    size_t at;

    (void)state;
    pack(dir);
    at = find("bin/tool");
    assert_int_equal(field(at, 6), 5);
    assert_memory_equal(data_of(at), "12345", 5);
    assert_int_equal(field(find("bin"), 1), S_IFDIR | 0711);
    at = find("link");
    assert_true(S_ISLNK(field(at, 1)));
    assert_memory_equal(data_of(at), "bin/tool", 8);
    assert_int_equal(field(find("empty"), 6), 0);
    assert_memory_equal(data_of(find(".pvn/cmd")), "a\0b", 4);
    assert_int_not_equal(find("TRAILER!!!"), SIZE_MAX);
    assert_int_equal(find("nothing"), SIZE_MAX);
    assert_int_equal(size % 4, 0);
}

static void test_what_cannot_be_read_is_said(void **state)
{
    struct cpio c;
    char path[100];
    FILE *out = fopen("/dev/null", "w");

    (void)state;
    cpio_begin(&c, out);
    snprintf(path, sizeof(path), "%s/absent", dir);
    assert_int_equal(cpio_add_tree(&c, path), -1);
    assert_non_null(strstr(c.why, "absent"));
    cpio_begin(&c, out);
    snprintf(path, sizeof(path), "%s/empty", dir);
    assert_int_equal(cpio_add_tree(&c, path), -1);
    fclose(out);
}

static void test_full_disk_is_an_error(void **state)
{
    FILE *out = fopen("/dev/full", "w");
    struct cpio c;

    (void)state;
    cpio_begin(&c, out);
    assert_true(cpio_add_tree(&c, dir) || cpio_end(&c));
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_is_packed_whole),
        cmocka_unit_test(test_what_cannot_be_read_is_said),
        cmocka_unit_test(test_full_disk_is_an_error),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
