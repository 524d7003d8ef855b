/* What the patches of guest-patches/ are measured by: the first process of a PV
   guest. The kernel's command line says `ops=NAME,...` and `times=N`; a line
   "BENCH name nanoseconds" is printed for each time, and marks stand around it
   in the guest's trace. With `wait=SECONDS` it waits before the first. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096ul
#define MIB   (1ul << 20)
#define NR(a) (sizeof(a) / sizeof((a)[0]))

static const char *current = "start";

_Noreturn static void fail(const char *what)
{
    printf("BENCH-FAIL %s: %s: %s\n", current, what, strerror(errno));
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}

/* Seen in a trace as so many calls of one kind in a row, which nobody else
 * makes. */
static void mark(void)
{
    static int fd = -1;
    char text[32];

    if (fd < 0 &&
        (fd = open("/sys/hypervisor/properties/pagesize", O_RDONLY)) < 0)
        fail("a file that asks the hypervisor");
    for (int i = 0; i < 12; i++)
        if (pread(fd, text, sizeof(text), 0) <= 0)
            fail("asking the hypervisor");
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t began_ns;

static void begin(void)
{
    mark();
    began_ns = now_ns();
}

static void end_as(const char *name)
{
    uint64_t took = now_ns() - began_ns;

    mark();
    printf("BENCH %s %llu\n", name, (unsigned long long)took);
}

static void end(void)
{
    end_as(current);
}

/* Memory that is there, each page with a number of its own. */
static char *dirty(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        fail("mmap");
    for (size_t at = 0; at < size; at += PAGE)
        *(size_t *)(p + at) = at ^ (size_t)p;
    return p;
}

static void check(const char *p, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE)
        if (*(const size_t *)(p + at) != (at ^ (size_t)p))
            fail("memory has changed");
}

static void reap(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
        fail("child");
}

/* A child of a process with 8 MiB in use; what each writes the other keeps. */
static void op_fork(void)
{
    char *p = dirty(8 * MIB);
    pid_t pid;

    begin();
    pid = fork();
    if (!pid)
        _exit(0);
    reap(pid);
    end();
    check(p, 8 * MIB);
    munmap(p, 8 * MIB);
}

static void op_unmap(void)
{
    char *p = dirty(8 * MIB);

    begin();
    munmap(p, 8 * MIB);
    end();
}

/* A program's heap that is copied on the first write after a fork. */
static void op_copy(void)
{
    char *p = dirty(MIB);
    pid_t pid = fork();

    if (!pid) {
        pause();
        _exit(1);
    }
    begin();
    for (size_t at = 0; at < MIB; at += PAGE)
        p[at + 100] = 1;
    end();
    kill(pid, 9);
    waitpid(pid, NULL, 0);
    check(p, MIB);
    munmap(p, MIB);
}

/* 4 MiB of the page cache, read by a map. */
static void op_map_file(void)
{
    int fd = open("/file", O_RDWR | O_CREAT, 0600);
    volatile char *p;
    char sum = 0;

    if (fd < 0 || posix_fallocate(fd, 0, 4 * MIB))
        fail("file");
    p = mmap(NULL, 4 * MIB, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        fail("mmap");
    begin();
    for (size_t at = 0; at < 4 * MIB; at += PAGE)
        sum |= p[at];
    end();
    if (sum)
        fail("a hole reads as something");
    munmap((void *)p, 4 * MIB);
    close(fd);
}

/* A dynamically linked program, from fork to its end. */
static void op_exec(void)
{
    pid_t pid;

    begin();
    pid = fork();
    if (!pid) {
        execl("/bin/bash", "bash", "-c", ":", NULL);
        _exit(1);
    }
    reap(pid);
    end();
}

/* 64 processes that are there at a time. */
static void op_crowd(void)
{
    enum { N = 64 };
    pid_t pid[N];

    begin();
    for (int i = 0; i < N; i++) {
        pid[i] = fork();
        if (!pid[i]) {
            pause();
            _exit(1);
        }
    }
    for (int i = 0; i < N; i++)
        kill(pid[i], 9);
    for (int i = 0; i < N; i++)
        waitpid(pid[i], NULL, 0);
    end();
}

/* A byte handed to and fro between two processes, 500 times. */
static void op_switch(void)
{
    int to[2], fro[2];
    char byte = 0;
    pid_t pid;

    if (pipe(to) || pipe(fro))
        fail("pipe");
    pid = fork();
    if (!pid) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1 && write(fro[1], &byte, 1) == 1)
            ;
        _exit(0);
    }
    begin();
    for (int i = 0; i < 500; i++)
        if (write(to[1], &byte, 1) != 1 || read(fro[0], &byte, 1) != 1)
            fail("pipe");
    end();
    close(to[0]);
    close(to[1]);
    close(fro[0]);
    close(fro[1]);
    reap(pid);
}

#define XEN_MEMORY "/sys/devices/system/xen_memory/xen_memory0/"

static long balloon_kib(void)
{
    FILE *f = fopen(XEN_MEMORY "info/current_kb", "r");
    long kib;

    if (!f || fscanf(f, "%ld", &kib) != 1)
        fail("the balloon");
    fclose(f);
    return kib;
}

static void balloon_to(long kib, const char *name)
{
    FILE *f = fopen(XEN_MEMORY "target_kb", "w");

    if (!f)
        fail("the balloon's target");
    begin();
    fprintf(f, "%ld", kib);
    fclose(f);
    for (int i = 0; balloon_kib() != kib; i++) {
        if (i == 20000)
            fail("the balloon does not get there");
        usleep(1000);
    }
    end_as(name);
}

/* 64 MiB to the host and back. */
static void op_balloon(void)
{
    long kib = balloon_kib();

    balloon_to(kib - 64 * 1024, "balloon-out");
    balloon_to(kib, "balloon-in");
}

static long meminfo_kib(const char *name)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    long kib = -1;

    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, name, strlen(name)))
            kib = atol(line + strlen(name) + 1);
    if (f)
        fclose(f);
    return kib;
}

/* Idle, then a program that takes most of the memory, then idle. */
static void op_hog(void)
{
    size_t size = (size_t)meminfo_kib("MemTotal") * 1024 / 4 * 3 & ~(PAGE - 1);
    char *p;

    printf("BENCH-IDLE available-KiB %ld\n", meminfo_kib("MemAvailable"));
    sleep(15);
    printf("BENCH-IDLE available-KiB %ld\n", meminfo_kib("MemAvailable"));
    begin();
    p = dirty(size);
    end();
    check(p, size);
    printf("BENCH-FULL\n");
    sleep(3);
    munmap(p, size);
    sleep(15);
    printf("BENCH-IDLE available-KiB %ld\n", meminfo_kib("MemAvailable"));
    sleep(2);
}

static const struct {
    const char *name;
    void (*run)(void);
} ops[] = {
    {"fork", op_fork},         {"unmap", op_unmap},     {"copy", op_copy},
    {"map-file", op_map_file}, {"exec", op_exec},       {"crowd", op_crowd},
    {"switch", op_switch},     {"balloon", op_balloon}, {"hog", op_hog},
};

static void run(const char *name, int times)
{
    current = name;
    for (size_t i = 0; i < NR(ops); i++) {
        if (strcmp(ops[i].name, name))
            continue;
        for (int n = 0; n < times; n++)
            ops[i].run();
        return;
    }
    fail("no such operation");
}

int main(void)
{
    char *list = getenv("ops"), *times = getenv("times"),
         *wait = getenv("wait");
    uint64_t booted = now_ns();

    setvbuf(stdout, NULL, _IOLBF, 0);
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    printf("BENCH boot %llu\n", (unsigned long long)booted);
    sleep(wait ? (unsigned int)atoi(wait) : 0);
    for (char *op = list ? strtok(list, ",") : NULL; op; op = strtok(NULL, ","))
        run(op, times ? atoi(times) : 1);
    current = "end";
    printf("BENCH-OK\n");
    reboot(RB_POWER_OFF);
    fail("power off");
}
