/*
 * After privilege_drop() a process (a child here) can do none of what it gave
 * up, keeps what it kept, and can still start threads and open files.
 *
 * sources: pv-backends/runtime/privilege.c pv-backends/runtime/log.c
 * libs: -lpthread
 */
#include "pv-backends/runtime/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* What became of a child that drops all but `keep` and runs `fn`. */
static int in_child(uint64_t keep, int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (!pid)
        _exit(privilege_drop(keep) ? 99 : fn());
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
    assert_int_equal(in_child(0, refused_calls), 0);
}

static void test_daily_work_goes_on(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(in_child(0, daily_work), 0);
}

static void test_only_the_kept_capability(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(in_child(1ull << CAP_NET_ADMIN, capabilities), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_calls),
        cmocka_unit_test(test_daily_work_goes_on),
        cmocka_unit_test(test_only_the_kept_capability),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
