/*
 * kill-at-step PID N: SIGKILL for process PID when the threads it starts from
 * now on come to their Nth step, just before they take it. A step is a system
 * call by which others see a change: hypercalls, the store, files, children.
 *
 * Says "ready" when it watches, and "killed" at the end; or, if SIGTERM tells
 * it before that the operation is over, "steps K" for the K there were.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_OLD = 256, SYSCALL_STOP = SIGTRAP | 0x80 };

static pid_t old[MAX_OLD];
static int nr_old;

static bool is_old(pid_t tid)
{
    for (int i = 0; i < nr_old; i++)
        if (old[i] == tid)
            return true;
    return false;
}

static int seize(pid_t tid)
{
    if (nr_old == MAX_OLD ||
        ptrace(PTRACE_SEIZE, tid, 0,
               PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE))
        return -1;
    old[nr_old++] = tid;
    return 0;
}

static int seize_all(pid_t pid)
{
    char path[64];
    struct dirent *e;
    DIR *dir;
    int rc = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    dir = opendir(path);
    while (dir && !rc && (e = readdir(dir)))
        if (atoi(e->d_name))
            rc = seize(atoi(e->d_name));
    if (dir)
        closedir(dir);
    return dir ? rc : -1;
}

static bool is_step(unsigned long nr)
{
    switch (nr) {
    case SYS_ioctl:
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_rename:
    case SYS_unlink:
    case SYS_mkdir:
    case SYS_flock:
        return true;
    }
    return false;
}

/* Whether `tid`, stopped at a system call's border, is about to take a step. */
static bool at_step(pid_t tid)
{
    struct __ptrace_syscall_info info;

    return !is_old(tid) &&
           ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) > 0 &&
           info.op == PTRACE_SYSCALL_INFO_ENTRY && is_step(info.entry.nr);
}

static volatile sig_atomic_t over;

static void on_term(int sig)
{
    (void)sig;
    over = 1;
}

/* The steps taken; `limit` if it was killed there. */
static int watch(pid_t pid, int limit)
{
    int status, nr = 0, sig;
    pid_t tid;

    while (!over) {
        tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            break;
        if (!WIFSTOPPED(status))
            continue;
        sig = WSTOPSIG(status);
        if (sig == SYSCALL_STOP && at_step(tid) && ++nr == limit) {
            kill(pid, SIGKILL);
            return nr;
        }
        if (sig == SYSCALL_STOP || sig == SIGTRAP || status >> 16)
            sig = 0; /* a stop for us, no signal of its own */
        ptrace(is_old(tid) ? PTRACE_CONT : PTRACE_SYSCALL, tid, 0, sig);
    }
    return nr;
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_handler = on_term};
    pid_t pid = argc == 3 ? atoi(argv[1]) : 0;
    int limit = pid ? atoi(argv[2]) : 0, nr;

    if (limit <= 0 || seize_all(pid)) {
        fprintf(stderr, "usage: kill-at-step PID N\n");
        return 2;
    }
    sigaction(SIGTERM, &sa, NULL);
    puts("ready");
    fflush(stdout);
    nr = watch(pid, limit);
    printf(nr == limit ? "killed\n" : "steps %d\n", nr);
    return nr == limit ? 0 : 1;
}
