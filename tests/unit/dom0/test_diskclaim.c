/*
 * A disk can be claimed once for writing or many times for reading; what is no
 * disk is refused with a sentence.
 *
 * sources: dom0/daemon/diskclaim.c dom0/daemon/acl.c
 * sources: dom0/daemon/fault.c
 */
#include "dom0/daemon/diskclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char path[64];

static int setup(void **state)
{
    int fd;

    (void)state;
    strcpy(path, "/tmp/pv-disk-XXXXXX");
    fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    close(fd);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static int claim(struct disk_claim *c, bool writable, struct fault *f)
{
    *f = (struct fault){0};
    return disk_claim(c, path, writable, DISK_NEW, DISK_OURS, f);
}

static void test_written_once(void **state)
{
    struct disk_claim a, b;
    struct fault f;

    (void)state;
    assert_int_equal(claim(&a, true, &f), 0);
    assert_int_equal(a.size_bytes, 1 << 20);
    assert_int_equal(claim(&b, true, &f), -EBUSY);
    assert_int_equal(b.fd, -1);
    assert_non_null(strstr(f.text, "in use"));
    assert_int_equal(claim(&b, false, &f), -EBUSY);
    disk_release(&a);
    assert_int_equal(claim(&b, true, &f), 0);
    disk_release(&b);
    disk_release(&b); /* harmless */
}

static void test_read_by_many(void **state)
{
    struct disk_claim a, b, c;
    struct fault f;

    (void)state;
    assert_int_equal(claim(&a, false, &f), 0);
    assert_int_equal(claim(&b, false, &f), 0);
    assert_true(disk_claim_same(&a, &b));
    assert_int_equal(claim(&c, true, &f), -EBUSY);
    disk_release(&a);
    disk_release(&b);
}

/* The backend holds its own kind of lock on the same file. */
static void test_backends_lock_is_not_in_the_way(void **state)
{
    struct disk_claim a;
    struct fault f;
    int fd = open(path, O_RDWR);

    (void)state;
    assert_int_equal(claim(&a, true, &f), 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    disk_release(&a);
    close(fd);
}

static void test_what_is_no_disk_is_refused(void **state)
{
    struct disk_claim c;
    struct fault f = {0};
    char fifo[80];

    (void)state;
    assert_int_equal(
        disk_claim(&c, "/does/not/exist", true, DISK_NEW, DISK_OURS, &f),
        -ENOENT);
    assert_non_null(strstr(f.text, "no such file"));
    f = (struct fault){0};
    assert_true(disk_claim(&c, "/tmp", false, DISK_NEW, DISK_OURS, &f) < 0);
    f = (struct fault){0};
    assert_true(disk_claim(&c, "/dev/null", true, DISK_NEW, DISK_OURS, &f) < 0);
    assert_non_null(strstr(f.text, "neither a file nor a block device"));
    snprintf(fifo, sizeof(fifo), "%s.fifo", path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    f = (struct fault){0};
    assert_true(disk_claim(&c, fifo, false, DISK_NEW, DISK_OURS, &f) < 0);
    unlink(fifo);
    assert_int_equal(truncate(path, 511), 0);
    assert_true(claim(&c, true, &f) < 0);
    assert_non_null(strstr(f.text, "shorter than one sector"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_written_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_by_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backends_lock_is_not_in_the_way,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_disk_is_refused, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
