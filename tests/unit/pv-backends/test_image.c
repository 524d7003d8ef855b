/*
 * Opening an image: one writer or many readers, and a sentence for a person
 * when it cannot be.
 *
 * sources: pv-backends/block/image.c pv-backends/block/bufpool.c
 */
#include "pv-backends/block/bufpool.h"
#include "pv-backends/block/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char path[64];
static struct backend_why why;

/* The runtime's, which this test has no use for otherwise. */
int backend_fail(struct backend_why *w, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(w->text, sizeof(w->text), fmt, ap);
    va_end(ap);
    return rc;
}

static int setup(void **state)
{
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/image-%d", getpid());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    close(fd);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    rmdir(path);
    return 0;
}

static void test_file(void **state)
{
    struct image img;

    (void)state;
    assert_int_equal(image_open(&img, path, false, &why), 0);
    assert_int_equal(img.size_bytes, 1 << 20);
    assert_int_equal(img.sector_size, 512);
    assert_true(img.can_discard);
    image_close(&img);
    assert_int_equal(image_open(&img, path, true, &why), 0);
    assert_false(img.can_discard);
    image_close(&img);
}

static void test_size_and_sectors_may_change(void **state)
{
    struct image img;

    (void)state;
    assert_int_equal(image_open(&img, path, false, &why), 0);
    image_set_sector_size(&img, 1024);
    assert_int_equal(img.sector_size, 512);
    image_set_sector_size(&img, 4096);
    assert_int_equal(img.sector_size, 4096);
    assert_false(image_resized(&img));
    assert_int_equal(truncate(path, 2 << 20), 0);
    assert_true(image_resized(&img));
    assert_int_equal(img.size_bytes, 2 << 20);
    assert_false(image_resized(&img));
    assert_int_equal(truncate(path, 0), 0);
    assert_false(image_resized(&img));
    image_close(&img);
}

static void test_second_writer_is_told_who_the_first_is(void **state)
{
    struct image first, second;
    char pid[32];

    (void)state;
    assert_int_equal(image_open(&first, path, false, &why), 0);
    assert_int_equal(image_open(&second, path, false, &why), -EBUSY);
    snprintf(pid, sizeof(pid), "process %d (", getpid());
    assert_non_null(strstr(why.text, pid));
    assert_int_equal(image_open(&second, path, true, &why), -EBUSY);
    image_close(&first);
    assert_int_equal(image_open(&second, path, false, &why), 0);
    image_close(&second);
}

static void test_readers_share(void **state)
{
    struct image first, second;

    (void)state;
    assert_int_equal(image_open(&first, path, true, &why), 0);
    assert_int_equal(image_open(&second, path, true, &why), 0);
    image_close(&second);
    assert_int_equal(image_open(&second, path, false, &why), -EBUSY);
    image_close(&first);
}

static void test_lock_of_a_killed_holder_is_free(void **state)
{
    struct image img;
    int status;
    pid_t pid = fork();

    (void)state;
    if (!pid) {
        if (image_open(&img, path, false, &why))
            _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(image_open(&img, path, false, &why), 0);
    image_close(&img);
}

static void test_what_cannot_be_a_disk(void **state)
{
    struct image img;

    (void)state;
    assert_int_equal(image_open(&img, "/no/such/file", true, &why), -ENOENT);
    assert_non_null(strstr(why.text, "/no/such/file"));
    assert_int_equal(image_open(&img, "/dev/null", true, &why), -EINVAL);
    assert_int_equal(image_open(&img, "/tmp", true, &why), -EINVAL);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(image_open(&img, path, true, &why), -EINVAL);
}

static void test_buffers_stay_under_their_bound(void **state)
{
    struct bufpool pool;
    void *a, *b;

    (void)state;
    bufpool_init(&pool, 100000);
    a = bufpool_get(&pool, 524288); /* the first is always given */
    assert_non_null(a);
    assert_null(bufpool_get(&pool, 512));
    bufpool_put(&pool, a, 524288);
    a = bufpool_get(&pool, 512);
    b = bufpool_get(&pool, 40000);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(bufpool_get(&pool, 65536));
    bufpool_put(&pool, a, 512);
    assert_ptr_equal(bufpool_get(&pool, 4096), a); /* kept for reuse */
    assert_null(bufpool_get(&pool, 524289));
    bufpool_put(&pool, a, 4096);
    bufpool_put(&pool, b, 40000);
    bufpool_destroy(&pool);
}

#define IMAGE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMAGE_TEST(test_file),
        IMAGE_TEST(test_size_and_sectors_may_change),
        IMAGE_TEST(test_second_writer_is_told_who_the_first_is),
        IMAGE_TEST(test_readers_share),
        IMAGE_TEST(test_lock_of_a_killed_holder_is_free),
        IMAGE_TEST(test_what_cannot_be_a_disk),
        cmocka_unit_test(test_buffers_stay_under_their_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
