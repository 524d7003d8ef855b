/*
 * What QEMU is told of a disk, and who is let in at its file.
 *
 * sources: dom0/daemon/blockdev.c dom0/daemon/acl.c dom0/daemon/fault.c
 * sources: dom0/config/disk.c
 * libs: -ljansson
 */
#include "dom0/daemon/acl.h"
#include "dom0/daemon/blockdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/posix_acl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static json_t *told(enum disk_format format, const char *path)
{
    struct guest_disk d = {.vdev = "xvda",
                           .format = format,
                           .path = (char *)path,
                           .writable = true,
                           .discard = true,
                           .claim = {.fd = -1}};
    struct fault f = {0};
    char *text = NULL;
    json_t *o = NULL;

    if (!blockdev_text(&d, true, &text, &f))
        o = json_loads(text, 0, NULL);
    else
        assert_non_null(strstr(f.text, path));
    free(text);
    return o;
}

/* A member by its path of names, as text. */
static const char *at(const json_t *o, const char *a, const char *b,
                      const char *c)
{
    static char number[24];

    o = json_object_get(o, a);
    o = b ? json_object_get(o, b) : o;
    o = c ? json_object_get(o, c) : o;
    if (json_is_integer(o)) {
        snprintf(number, sizeof(number), "%lld",
                 (long long)json_integer_value(o));
        return number;
    }
    return json_is_string(o) ? json_string_value(o) : "";
}

static void test_files(void **state)
{
    json_t *o = told(DISK_QCOW2, "/a,b \"c\".qcow2");

    (void)state;
    assert_string_equal(at(o, "driver", NULL, NULL), "qcow2");
    assert_string_equal(at(o, "node-name", NULL, NULL), "disk");
    assert_string_equal(at(o, "discard", NULL, NULL), "unmap");
    assert_string_equal(at(o, "file", "driver", NULL), "file");
    assert_string_equal(at(o, "file", "filename", NULL), "/a,b \"c\".qcow2");
    assert_string_equal(at(o, "file", "locking", NULL), "on");
    json_decref(o);
    o = told(DISK_VHD, "/x.vhd");
    assert_string_equal(at(o, "driver", NULL, NULL), "vpc");
    json_decref(o);
}

static void test_targets_on_the_network(void **state)
{
    static const struct {
        const char *target, *a, *b, *c, *want;
    } cases[] = {
        {"nbd:h:10810", "file", "server", "port", "10810"},
        {"nbd:h", "file", "server", "port", "10809"},
        {"nbd:h:1:exportname=x y", "file", "export", NULL, "x y"},
        {"nbd:unix:/s:exportname=x", "file", "server", "path", "/s"},
        {"nbd://[::1]:7/e", "file", "server", "host", "::1"},
        {"nbd://[::1]:7/e", "file", "server", "port", "7"},
        {"nbd://h/e", "file", "export", NULL, "e"},
        {"nbd+unix:///e?socket=/s", "file", "server", "path", "/s"},
        {"nbd+unix:///e?socket=/s", "file", "export", NULL, "e"},
        {"iscsi://h/iqn.2001-04.com.x:y/1", "file", "target", NULL,
         "iqn.2001-04.com.x:y"},
        {"iscsi://h/iqn.x/1", "file", "portal", NULL, "h:3260"},
        {"iscsi://[fe80::1]:5/iqn.x/1", "file", "portal", NULL, "[fe80::1]:5"},
        {"iscsi://h/iqn.x/12", "file", "lun", NULL, "12"},
        {"rbd:p/i@s:id=u:conf=/c", "file", "snapshot", NULL, "s"},
        {"rbd:p/i@s:id=u:conf=/c", "file", "image", NULL, "i"},
        {"rbd:p/i@s:id=u:conf=/c", "file", "user", NULL, "u"},
        {"rbd:p/n/i", "file", "namespace", NULL, "n"},
        {"https://h/a:b?c=d", "file", "url", NULL, "https://h/a:b?c=d"},
        {"https://h/a:b?c=d", "file", "driver", NULL, "https"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *o = told(DISK_RAW, cases[i].target);

        assert_true(disk_target_is_remote(cases[i].target));
        assert_non_null(o);
        assert_string_equal(at(o, cases[i].a, cases[i].b, cases[i].c),
                            cases[i].want);
        json_decref(o);
    }
}

static void test_nonsense_is_refused(void **state)
{
    static const char *const targets[] = {
        "nbd:",         "nbd://",         "nbd://[::1",  "nbd:h:port",
        "nbd+unix://x", "iscsi://h",      "iscsi://h/t", "iscsi://u@h/t/1",
        "iscsi://h/t/", "iscsi://h/t/1x", "rbd:p",       "rbd:p/i:mon_host=h",
        "rbd:/i",       "nbd:[::1]x:5",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        if (told(DISK_RAW, targets[i]))
            fail_msg("%s was taken", targets[i]);
}

/* --- acl --------------------------------------------------------------------
 */

static struct acl plain(void)
{
    const uint32_t none = (uint32_t)ACL_UNDEFINED_ID;

    return (struct acl){.entries = {{ACL_USER_OBJ, 6, none},
                                    {ACL_GROUP_OBJ, 4, none},
                                    {ACL_OTHER, 0, none}},
                        .nr = 3};
}

static void test_a_user_comes_and_goes(void **state)
{
    struct acl acl = plain(), before = plain();

    (void)state;
    assert_int_equal(acl_edit(&acl, 7000, 6), 0);
    assert_int_equal(acl.nr, 5);
    assert_int_equal(acl.entries[1].tag, ACL_USER);
    assert_int_equal(acl.entries[1].id, 7000);
    assert_int_equal(acl.entries[3].tag, ACL_MASK);
    assert_int_equal(acl.entries[3].perm, 6);
    /* Once more, and less. */
    assert_int_equal(acl_edit(&acl, 7000, 4), 0);
    assert_int_equal(acl.nr, 5);
    assert_int_equal(acl.entries[1].perm, 4);
    /* A second one keeps the mask. */
    assert_int_equal(acl_edit(&acl, 7001, 4), 0);
    assert_int_equal(acl_edit(&acl, 7000, 0), 0);
    assert_int_equal(acl.nr, 5);
    assert_int_equal(acl_edit(&acl, 7001, 0), 0);
    assert_int_equal(acl.nr, before.nr);
    assert_memory_equal(acl.entries, before.entries,
                        acl.nr * sizeof(acl.entries[0]));
    assert_int_equal(acl_edit(&acl, 7001, 0), 0); /* harmless */
}

static void test_a_full_list_is_left(void **state)
{
    struct acl acl = plain();
    uid_t uid = 1;

    (void)state;
    while (!acl_edit(&acl, uid, 4))
        uid++;
    assert_int_equal(acl.nr, ACL_MAX_ENTRIES);
    assert_int_equal(acl_edit(&acl, uid, 4), -E2BIG);
}

static void test_a_file_has_one(void **state)
{
    char path[] = "/tmp/pv-acl-XXXXXX";
    int fd = mkstemp(path);
    struct stat st;
    int rc;

    (void)state;
    assert_int_equal(fchmod(fd, 0640), 0);
    rc = acl_let_in(fd, 7000, 6);
    unlink(path);
    if (rc == -EOPNOTSUPP)
        skip();
    assert_int_equal(rc, 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660); /* the mask's */
    assert_int_equal(acl_let_in(fd, 7000, 0), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_targets_on_the_network),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_a_user_comes_and_goes),
        cmocka_unit_test(test_a_full_list_is_left),
        cmocka_unit_test(test_a_file_has_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
