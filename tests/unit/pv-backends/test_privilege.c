/*
 * After privilege_drop() a process (a child here) can do none of what it gave
 * up, keeps what it kept, and can still start threads and open files.
 *
 * sources: pv-backends/runtime/privilege.c pv-backends/runtime/instance.c
 * sources: pv-backends/runtime/confine.c pv-backends/runtime/log.c
 * libs: -lpthread
 */
#include "pv-backends/runtime/confine.h"
#include "pv-backends/runtime/privilege.h"
#include "pv-backends/runtime/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct privilege_user root = {0}, nobody = {65534, 65533};

/* What became of a child that drops all but `keep` and runs `fn`. */
static int in_child(uint64_t keep, struct privilege_user user, int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (!pid)
        _exit(privilege_drop(keep, user) ? 99 : fn());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int refused_calls(void)
{
    char name[] = "true", *argv[] = {name, NULL};
    int bad = 0;

    bad += execv("/bin/true", argv) != -1 || errno != EPERM;
    bad += unshare(CLONE_NEWUSER) != -1 || errno != EPERM;
    bad += syscall(SYS_ptrace, 0, 0, 0, 0) != -1 || errno != EPERM;
    bad += syscall(SYS_mount, 0, 0, 0, 0, 0) != -1 || errno != EPERM;
    bad += syscall(SYS_fork | 0x40000000) != -1;
    return bad;
}

static void *thread(void *arg)
{
    return arg;
}

static int daily_work(void)
{
    pthread_t t;
    void *back = NULL;
    int fd = open("/dev/null", O_RDWR);

    if (fd < 0 || write(fd, "x", 1) != 1)
        return 1;
    if (pthread_create(&t, NULL, thread, &fd) || pthread_join(t, &back))
        return 2;
    return back == &fd ? 0 : 3;
}

static int capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data))
        return 1;
    if (data[0].effective != 1u << CAP_NET_ADMIN || data[1].effective)
        return 2;
    if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0)
        return 3;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static void test_refused_calls(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(in_child(0, root, refused_calls), 0);
}

static void test_daily_work_goes_on(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(in_child(0, root, daily_work), 0);
}

static void test_only_the_kept_capability(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(in_child(1ull << CAP_NET_ADMIN, root, capabilities), 0);
}

/* Another user, for good, with no group of root's and the kept capability. */
static int as_nobody(void)
{
    gid_t groups[4];
    uid_t r, e, s;

    if (getresuid(&r, &e, &s) || r != nobody.uid || e != r || s != r)
        return 10;
    if (getgid() != nobody.gid || getgroups(4, groups))
        return 11;
    if (!setuid(0) || open("/proc/1/environ", O_RDONLY) >= 0)
        return 12;
    return capabilities();
}

static void test_another_user_with_the_kept_capability(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(in_child(1ull << CAP_NET_ADMIN, nobody, as_nobody), 0);
}

static void test_users_are_numbers_but_not_roots(void **state)
{
    static const char *const wrong[] = {"",    "1",     "1:",          "0:5",
                                        "5:0", "a:b",   "1:2:3",       "1:2 x",
                                        ":1",  "-1:-1", "4294967295:5"};
    struct privilege_user user;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(privilege_parse_user(wrong[i], &user), -EINVAL);
    assert_int_equal(privilege_parse_user("998:997", &user), 0);
    assert_int_equal(user.uid, 998);
    assert_int_equal(user.gid, 997);
}

/* What lies in the folder changes hands, but for what was linked there. */
static void test_a_folder_changes_hands(void **state)
{
    char dir[] = "/tmp/test-privilege-XXXXXX", file[64], linked[64], other[64];
    struct stat st;

    (void)state;
    if (geteuid())
        skip();
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/journal", dir);
    snprintf(linked, sizeof(linked), "%s/linked", dir);
    snprintf(other, sizeof(other), "%s.other", dir);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    close(open(other, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(link(other, linked), 0);
    assert_int_equal(instance_give(dir, nobody.uid), 0);
    assert_true(!stat(dir, &st) && st.st_uid == nobody.uid);
    assert_true(!stat(file, &st) && st.st_uid == nobody.uid);
    assert_true(!stat(other, &st) && st.st_uid == 0);
    unlink(linked);
    unlink(other);
    unlink(file);
    rmdir(dir);
}

/* --- files ------------------------------------------------------------------
 */

static char confined[] = "/tmp/test-confine-XXXXXX";

static bool opens(const char *dir, const char *name, int flags)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int only_its_files(void)
{
    char file[64];
    int bad = 0;

    if (confine_files(confined))
        return 50;
    snprintf(file, sizeof(file), "%s/journal", confined);
    bad += !opens(confined, "journal", O_RDWR | O_CREAT | O_EXCL);
    bad += unlink(file) != 0;
    bad += !opens("/proc/self", "status", O_RDONLY);
    bad += !opens("/etc", "passwd", O_RDONLY);
    bad += opens("/etc", "passwd", O_RDWR);
    bad += opens("/tmp", "test-confine-other", O_RDWR | O_CREAT);
    bad += opens("/", "tmp", O_RDONLY | O_DIRECTORY);
    return bad;
}

static void test_only_its_folder_is_open(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 0)
        skip(); /* the kernel cannot */
    assert_non_null(mkdtemp(confined));
    assert_int_equal(in_child(0, root, only_its_files), 0);
    rmdir(confined);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_its_folder_is_open),
        cmocka_unit_test(test_refused_calls),
        cmocka_unit_test(test_daily_work_goes_on),
        cmocka_unit_test(test_only_the_kept_capability),
        cmocka_unit_test(test_another_user_with_the_kept_capability),
        cmocka_unit_test(test_users_are_numbers_but_not_roots),
        cmocka_unit_test(test_a_folder_changes_hands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
