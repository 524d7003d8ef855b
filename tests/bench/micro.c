/*
 * Micro costs of a kernel as a process sees them: nanoseconds per null system
 * call, pipe round, fork, exec and page fault. Static, so that a guest without
 * a C library runs it too. Prints "BENCH name ns" lines.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAULT_PAGES 2048

static const char *self;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void do_syscall(void)
{
    syscall(SYS_getppid);
}

static void do_fork(void)
{
    pid_t pid = fork();

    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
}

static void do_exec(void)
{
    pid_t pid = vfork();

    if (!pid) {
        execl(self, self, "exit", (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

/* The first touch of FAULT_PAGES anonymous pages. */
static void do_faults(void)
{
    size_t size = FAULT_PAGES * 4096;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t i;

    if (p == MAP_FAILED)
        return;
    madvise(p, size, MADV_NOHUGEPAGE);
    for (i = 0; i < size; i += 4096)
        p[i] = 1;
    munmap(p, size);
}

static int pipe_there[2], pipe_back[2];

static void do_pipe(void)
{
    char c = 0;

    if (write(pipe_there[1], &c, 1) != 1 || read(pipe_back[0], &c, 1) != 1)
        _exit(1);
}

static void echo(void)
{
    char c;

    close(pipe_there[1]); /* or it would wait for itself at the end */
    while (read(pipe_there[0], &c, 1) == 1)
        if (write(pipe_back[1], &c, 1) != 1)
            break;
    _exit(0);
}

/* Repeat for a quarter of a second; `per` is how many things one call does. */
static void measure(const char *name, void (*call)(void), unsigned int per)
{
    uint64_t begin, end, n = 0;

    call();
    begin = now_ns();
    do {
        call();
        n++;
        end = now_ns();
    } while (end - begin < 250000000);
    printf("BENCH %s %llu\n", name,
           (unsigned long long)((end - begin) / (n * per)));
}

/* A batch, so that reading the clock does not count. */
static void do_syscalls(void)
{
    int i;

    for (i = 0; i < 1000; i++)
        do_syscall();
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "exit"))
        return 0;
    if (pipe(pipe_there) || pipe(pipe_back))
        return 1;
    measure("syscall", do_syscalls, 1000);
    measure("fork", do_fork, 1);
    measure("exec", do_exec, 1);
    measure("fault", do_faults, FAULT_PAGES);
    fflush(stdout);
    if (!fork())
        echo();
    measure("pipe", do_pipe, 1);
    close(pipe_there[1]);
    return 0;
}
