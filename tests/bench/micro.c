/*
 * Micro costs of a kernel as a process sees them. Static, so that a guest
 * without a C library runs it too. A line for each:
 *   BENCH <what> <value> <unit>
 *
 *   micro [-t MS] [what...]     MS: how long each is repeated (250)
 *
 * Everything runs on one CPU but what has two in its name, which is left out
 * on a machine of one.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE           4096
#define FAULT_PAGES    2048
#define RING_PROCESSES 16
#define COPY_BYTES     (8u << 20)
/* An emulator's TLB has one place for pages that are a power of 2 apart. */
#define COPY_APART      (37 * PAGE)
#define TIMER_NS        1000000
#define MEMBARRIER_CALL 8  /* PRIVATE_EXPEDITED */
#define MEMBARRIER_JOIN 16 /* REGISTER_PRIVATE_EXPEDITED */

static const char *self;
static unsigned int repeat_ms = 250;

static void die(const char *what)
{
    fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void run_on(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        die("sched_setaffinity");
}

static void report(const char *what, double value, const char *unit)
{
    printf("BENCH %s %.1f %s\n", what, value, unit);
    fflush(stdout);
}

/* Repeat `call` for the time asked for; it does `per` of the thing at once. */
static void measure(const char *what, void (*call)(void), unsigned int per)
{
    uint64_t begin, end, n = 0;

    call();
    begin = now_ns();
    do {
        call();
        n++;
        end = now_ns();
    } while (end - begin < (uint64_t)repeat_ms * 1000000);
    report(what, (double)(end - begin) / (double)(n * per), "ns");
}

/* ---- the system call, signals -------------------------------------------- */

/* A batch, so that reading the clock does not count. */
static void syscalls(void)
{
    for (int i = 0; i < 1000; i++)
        syscall(SYS_getppid);
}

static void clock_reads(void)
{
    for (int i = 0; i < 1000; i++)
        now_ns();
}

static void on_signal(int nr)
{
    (void)nr;
}

static void signals(void)
{
    for (int i = 0; i < 100; i++)
        kill(getpid(), SIGUSR1);
}

/* ---- processes --------------------------------------------------------------
 */

static void fork_exit(void)
{
    pid_t pid = fork();

    if (!pid)
        _exit(0);
    waitpid(pid, NULL, 0);
}

static void exec_exit(void)
{
    pid_t pid = vfork();

    if (!pid) {
        execl(self, self, "exit", (char *)NULL);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

/* ---- memory
 * -------------------------------------------------------------------
 */

static char *map(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        die("mmap");
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}

/* The first touch of FAULT_PAGES anonymous pages. */
static void faults(void)
{
    char *p = map(FAULT_PAGES * PAGE);

    for (size_t i = 0; i < FAULT_PAGES; i++)
        p[i * PAGE] = 1;
    munmap(p, FAULT_PAGES * PAGE);
}

static void map_unmap(void)
{
    for (int i = 0; i < 20; i++) {
        char *p = map(PAGE);

        *p = 1;
        munmap(p, PAGE);
    }
}

static char *guarded;

static void on_fault(int nr)
{
    (void)nr;
    mprotect(guarded, PAGE, PROT_READ | PROT_WRITE);
}

/* A write to a protected page, the handler that opens it, and back. */
static void protection_faults(void)
{
    for (int i = 0; i < 20; i++) {
        mprotect(guarded, PAGE, PROT_READ);
        *(volatile char *)guarded = 1;
    }
}

static char *copy_from, *copy_to;

static void copy_memory(void)
{
    memcpy(copy_to, copy_from, COPY_BYTES);
    __asm__ volatile("" ::: "memory");
}

/* ---- pipes
 * --------------------------------------------------------------------
 */

static int pipe_there[2], pipe_back[2];

static void token(int from, int to)
{
    char c;

    if (read(from, &c, 1) != 1 || write(to, &c, 1) != 1)
        _exit(0);
}

static void ping_pong(void)
{
    char c = 0;

    if (write(pipe_there[1], &c, 1) != 1 || read(pipe_back[0], &c, 1) != 1)
        die("pipe");
}

static void pipes(const char *what, int other_cpu)
{
    pid_t pid;

    if (pipe(pipe_there) || pipe(pipe_back))
        die("pipe");
    pid = fork();
    if (!pid) {
        run_on(other_cpu);
        for (;;)
            token(pipe_there[0], pipe_back[1]);
    }
    measure(what, ping_pong, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(pipe_there[i]);
        close(pipe_back[i]);
    }
}

static void pipe_one_cpu(const char *what)
{
    pipes(what, 0);
}

static void pipe_two_cpus(const char *what)
{
    pipes(what, 1);
}

/* A token goes round many processes: nanoseconds a hop. */
static int ring_first[2], ring_last;

static void ring_round(void)
{
    char c = 0;

    if (write(ring_first[1], &c, 1) != 1 || read(ring_last, &c, 1) != 1)
        die("ring");
}

static void context_switches(const char *what)
{
    pid_t pid[RING_PROCESSES];
    int from;

    if (pipe(ring_first))
        die("pipe");
    from = ring_first[0];
    for (int i = 0; i < RING_PROCESSES; i++) {
        int next[2];

        if (pipe(next))
            die("pipe");
        pid[i] = fork();
        if (!pid[i])
            for (;;)
                token(from, next[1]);
        close(from);
        close(next[1]);
        from = next[0];
    }
    ring_last = from;
    measure(what, ring_round, RING_PROCESSES + 1);
    for (int i = 0; i < RING_PROCESSES; i++) {
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    close(ring_first[1]);
    close(ring_last);
}

/* ---- another CPU, and time
 * ------------------------------------------------------
 */

static volatile bool spin;

static void *spin_there(void *unused)
{
    (void)unused;
    run_on(1);
    spin = true;
    while (spin)
        ;
    return NULL;
}

/* The kernel interrupts the other CPU, which spins, and waits for it. */
static void barriers(void)
{
    for (int i = 0; i < 10; i++)
        if (syscall(SYS_membarrier, MEMBARRIER_CALL, 0, 0))
            die("membarrier");
}

static void ipi_two_cpus(const char *what)
{
    pthread_t other;

    if (syscall(SYS_membarrier, MEMBARRIER_JOIN, 0, 0))
        return; /* a kernel without it */
    if (pthread_create(&other, NULL, spin_there, NULL))
        die("pthread_create");
    while (!spin)
        sched_yield();
    measure(what, barriers, 10);
    spin = false;
    pthread_join(other, NULL);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* How much later than asked a sleeper runs. */
static void timer_lateness(const char *what)
{
    enum { MOST = 500 };
    uint64_t late[MOST];
    size_t n = 0;

    while (n < MOST && n < repeat_ms) {
        struct timespec ask = {.tv_nsec = TIMER_NS};
        uint64_t begin = now_ns();

        nanosleep(&ask, NULL);
        late[n++] = now_ns() - begin - TIMER_NS;
    }
    qsort(late, n, sizeof(late[0]), by_value);
    report(what, (double)late[n / 2], "ns");
}

/* ---- the list ---------------------------------------------------------------
 */

static const struct workload {
    const char *name;
    void (*call)(void); /* measured by measure(), `per` things a call */
    unsigned int per;
    void (*whole)(const char *what); /* or does it all itself */
    int cpus;
} workloads[] = {
    {"syscall", syscalls, 1000, NULL, 1},
    {"clock-read", clock_reads, 1000, NULL, 1},
    {"signal", signals, 100, NULL, 1},
    {"pipe", NULL, 0, pipe_one_cpu, 1},
    {"pipe-two-cpus", NULL, 0, pipe_two_cpus, 2},
    {"fork", fork_exit, 1, NULL, 1},
    {"exec", exec_exit, 1, NULL, 1},
    {"page-fault", faults, FAULT_PAGES, NULL, 1},
    {"protection-fault", protection_faults, 20, NULL, 1},
    {"mmap-munmap", map_unmap, 20, NULL, 1},
    {"context-switch-16", NULL, 0, context_switches, 1},
    {"memory-copy-8MiB", copy_memory, 1, NULL, 1},
    {"timer-lateness", NULL, 0, timer_lateness, 1},
    {"ipi-two-cpus", NULL, 0, ipi_two_cpus, 2},
};

static bool is_wanted(const char *name, char **list)
{
    if (!*list)
        return true;
    for (; *list; list++)
        if (!strcmp(name, *list))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "exit"))
        return 0;
    argv++;
    if (*argv && !strcmp(*argv, "-t") && argv[1]) {
        repeat_ms = (unsigned int)strtoul(argv[1], NULL, 10);
        argv += 2;
    }
    run_on(0);
    signal(SIGUSR1, on_signal);
    signal(SIGSEGV, on_fault);
    guarded = map(PAGE);
    copy_from = map(COPY_BYTES);
    copy_to = (char *)map(COPY_BYTES + COPY_APART) + COPY_APART;
    memset(copy_from, 1, COPY_BYTES);
    memset(copy_to, 1, COPY_BYTES);

    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        const struct workload *w = &workloads[i];

        if (!is_wanted(w->name, argv) || cpus < w->cpus)
            continue;
        if (w->call)
            measure(w->name, w->call, w->per);
        else
            w->whole(w->name);
    }
    return 0;
}
