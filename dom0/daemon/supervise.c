#include "dom0/daemon/supervise.h"
#include "dom0/daemon/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A child that lived so long is started again without waiting. */
#define HEALTHY_S      1 /* guests wait for it meanwhile: that long is enough */
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 2000

struct child {
    struct child *next;
    struct supervisor *s;
    char *name;
    char **argv; /* NULL: an orphan that is only being stopped */
    uid_t uid;   /* 0: ours */
    gid_t gid;
    char *output; /* NULL: ours */
    pid_t pid;    /* 0: not running */
    int pidfd;
    struct event *ended; /* the pidfd */
    struct event *timer; /* start again, or kill for good */
    int backoff_ms;
    time_t started;
    unsigned restarts;
    bool stopping;
    void (*done)(void *arg);
    void *done_arg;
};

struct supervisor {
    struct event_base *base;
    char *dir;
    struct child *children;
};

static time_t now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

/* --- records ---------------------------------------------------------------*/

/* When process `pid` started, in ticks since boot; 0 if there is none. */
static unsigned long long start_time(pid_t pid)
{
    char path[64], stat[1024], *p;
    unsigned long long t = 0;
    ssize_t n;
    int fd, field;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, stat, sizeof(stat) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    stat[n] = 0;
    /* The second field may hold anything; the last ')' ends it. */
    p = strrchr(stat, ')');
    for (field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (p)
        t = strtoull(p, NULL, 10);
    return t;
}

static void record_path(const struct supervisor *s, const char *name,
                        char *path, size_t size)
{
    snprintf(path, size, "%s/%s", s->dir, name);
}

static void record_remove(const struct child *c)
{
    char path[512];

    record_path(c->s, c->name, path, sizeof(path));
    unlink(path);
}

/* The recorded process if it still lives, as a pidfd; -1 if not. */
static int record_open(const struct supervisor *s, const char *name, pid_t *pid)
{
    char path[512];
    unsigned long long start = 0;
    int fd, n, p = 0;
    FILE *f;

    record_path(s, name, path, sizeof(path));
    f = fopen(path, "re");
    if (!f)
        return -1;
    n = fscanf(f, "%d %llu", &p, &start);
    fclose(f);
    if (n != 2 || p <= 1)
        return -1;
    fd = (int)syscall(SYS_pidfd_open, p, 0);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    /* Compared while we hold the descriptor: the number cannot be reused by
     * another process now and still have the same start time. */
    if (start_time(p) != start) {
        close(fd);
        return -1;
    }
    *pid = p;
    return fd;
}

/* --- starting --------------------------------------------------------------*/

/*
 * In the child, between clone and exec: write the record under its final name.
 * Only async-signal-safe calls, for the parent has threads. Should the parent
 * die before the record is there, so do we (PR_SET_PDEATHSIG): a process that
 * nobody knows of must not become the program.
 */
static int child_record(const char *tmp, const char *path, pid_t parent)
{
    char stat[1024], line[64], *p, *q;
    int fd, field;
    ssize_t n;
    size_t len = 0;
    pid_t pid = getpid(), rest;
    char digits[16];
    int nr = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        return -1;
    fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    n = read(fd, stat, sizeof(stat) - 1);
    close(fd);
    if (n <= 0)
        return -1;
    stat[n] = 0;
    p = strrchr(stat, ')');
    for (field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (!p)
        return -1;
    for (rest = pid; rest; rest /= 10)
        digits[nr++] = (char)('0' + rest % 10);
    while (nr)
        line[len++] = digits[--nr];
    line[len++] = ' ';
    for (q = p + 1; *q >= '0' && *q <= '9' && len < sizeof(line) - 1; q++)
        line[len++] = *q;
    line[len++] = '\n';
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    n = write(fd, line, len);
    close(fd);
    if (n != (ssize_t)len || rename(tmp, path))
        return -1;
    prctl(PR_SET_PDEATHSIG, 0);
    return getppid() == parent ? 0 : -1;
}

/*
 * Calls of the kernel's, not of the C library, which would have all threads
 * change with us, and they are the parent's.
 */
static int child_user(const struct child *c)
{
    if (!c->uid)
        return 0;
    if (syscall(SYS_setgroups, 0, NULL) ||
        syscall(SYS_setresgid, c->gid, c->gid, c->gid) ||
        syscall(SYS_setresuid, c->uid, c->uid, c->uid))
        return -1;
    umask(0); /* its folder says who may use its sockets */
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

#define OUTPUT_MAX (64 * 1024)

/* One that fails again and again fills no disk. */
static int child_output(const struct child *c)
{
    struct stat st;
    int fd;

    if (!c->output)
        return 0;
    fd = open(c->output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
              0600);
    if (fd < 0 || fstat(fd, &st) ||
        (st.st_size > OUTPUT_MAX && ftruncate(fd, 0)))
        return -1;
    return dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0 ? -1 : 0;
}

struct birth {
    const struct child *c;
    const char *tmp, *path;
    pid_t parent;
};

/*
 * The child shares the parent's memory until it is the program, and the loop's
 * thread stands still so long: copying a process of this size costs more than
 * all the rest. Signals stay blocked until none of our handlers is left, for
 * a handler run here would talk to the parent's loop.
 */
static int child_become(void *arg)
{
    static const char sorry[] = "pvnd: cannot start ";
    const struct birth *b = arg;
    const struct child *c = b->c;
    sigset_t none;
    int null, sig;

    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    for (sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0); /* a terminal's Ctrl-C is not for it */
    if (!child_record(b->tmp, b->path, b->parent) && !child_output(c) &&
        !child_user(c))
        execv(c->argv[0], c->argv);
    if (write(STDERR_FILENO, sorry, sizeof(sorry) - 1) < 0 ||
        write(STDERR_FILENO, c->argv[0], strlen(c->argv[0])) < 0 ||
        write(STDERR_FILENO, "\n", 1) < 0)
        _exit(126);
    _exit(127);
}

#define STACK_BYTES (64 * 1024)

static pid_t give_birth(struct birth *b)
{
    char *stack = malloc(STACK_BYTES);
    sigset_t all, old;
    pid_t pid;

    if (!stack)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid = clone(child_become, stack + STACK_BYTES,
                CLONE_VM | CLONE_VFORK | SIGCHLD, b);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    free(stack); /* CLONE_VFORK: the child has left it */
    return pid;
}

static void child_ended(evutil_socket_t fd, short what, void *arg);
static void child_start(struct child *c);

static int child_watch(struct child *c, int pidfd, pid_t pid)
{
    c->pidfd = pidfd;
    c->pid = pid;
    c->started = now_s();
    c->ended = event_new(c->s->base, pidfd, EV_READ, child_ended, c);
    if (!c->ended || event_add(c->ended, NULL))
        return -ENOMEM;
    return 0;
}

static void child_later(struct child *c, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

    evtimer_add(c->timer, &tv);
}

static void child_start(struct child *c)
{
    char path[512], tmp[520];
    struct birth b = {c, tmp, path, getpid()};
    pid_t pid;
    int fd;

    record_path(c->s, c->name, path, sizeof(path));
    snprintf(tmp, sizeof(tmp), "%s.new", path);
    pid = give_birth(&b);
    fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (fd < 0) {
        log_error("cannot start %s: %s", c->name, strerror(errno));
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        child_later(c, BACKOFF_MAX_MS);
        return;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    child_watch(c, fd, pid);
}

static void child_free(struct child *c)
{
    struct child **p = &c->s->children;
    char **a;

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    if (c->ended)
        event_free(c->ended);
    if (c->timer)
        event_free(c->timer);
    if (c->pidfd >= 0)
        close(c->pidfd);
    for (a = c->argv; a && *a; a++)
        free(*a);
    free(c->argv);
    free(c->output);
    free(c->name);
    free(c);
}

static void child_gone(struct child *c)
{
    void (*done)(void *arg) = c->done;
    void *arg = c->done_arg;

    record_remove(c);
    child_free(c);
    if (done)
        done(arg);
}

static void log_end(const struct child *c, const siginfo_t *si, bool ours)
{
    if (!ours)
        log_warn("%s (pid %d) ended", c->name, (int)c->pid);
    else if (si->si_code == CLD_EXITED)
        log_warn("%s (pid %d) ended with status %d", c->name, (int)c->pid,
                 si->si_status);
    else
        log_warn("%s (pid %d) was ended by signal %d", c->name, (int)c->pid,
                 si->si_status);
}

static void child_ended(evutil_socket_t fd, short what, void *arg)
{
    struct child *c = arg;
    siginfo_t si = {0};
    bool ours;
    int delay = 0;

    (void)fd, (void)what;
    /* Fails for one we adopted: somebody else is its parent. */
    ours = !waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED);
    if (!c->stopping)
        log_end(c, &si, ours);
    event_free(c->ended);
    c->ended = NULL;
    close(c->pidfd);
    c->pidfd = -1;
    c->pid = 0;
    if (c->stopping) {
        child_gone(c);
        return;
    }
    if (now_s() - c->started >= HEALTHY_S) {
        c->backoff_ms = 0;
    } else {
        delay = c->backoff_ms;
        c->backoff_ms = delay ? delay * 2 : BACKOFF_MIN_MS;
        if (c->backoff_ms > BACKOFF_MAX_MS)
            c->backoff_ms = BACKOFF_MAX_MS;
    }
    c->restarts++;
    child_later(c, delay);
}

static void child_timer(evutil_socket_t fd, short what, void *arg)
{
    struct child *c = arg;

    (void)fd, (void)what;
    if (!c->stopping) {
        child_start(c);
    } else if (c->pid) {
        log_warn("%s (pid %d) does not end: killed", c->name, (int)c->pid);
        syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
    }
}

/* --- the interface ---------------------------------------------------------*/

int supervisor_create(struct supervisor **sp, struct event_base *base,
                      const char *dir)
{
    struct supervisor *s;

    if (mkdir(dir, 0755) && errno != EEXIST)
        return -errno;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->base = base;
    s->dir = strdup(dir);
    if (!s->dir) {
        free(s);
        return -ENOMEM;
    }
    *sp = s;
    return 0;
}

void supervisor_destroy(struct supervisor *s)
{
    if (!s)
        return;
    while (s->children)
        child_free(s->children);
    free(s->dir);
    free(s);
}

static struct child *child_find(struct supervisor *s, const char *name)
{
    struct child *c;

    for (c = s->children; c && strcmp(c->name, name); c = c->next)
        ;
    return c;
}

static struct child *child_new(struct supervisor *s, const char *name)
{
    struct child *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->s = s;
    c->pidfd = -1;
    c->next = s->children;
    s->children = c;
    c->name = strdup(name);
    c->timer = evtimer_new(s->base, child_timer, c);
    if (!c->name || !c->timer) {
        child_free(c);
        return NULL;
    }
    return c;
}

static int child_set_argv(struct child *c, const char *const *argv)
{
    size_t n = 0, i;

    while (argv[n])
        n++;
    c->argv = calloc(n + 1, sizeof(*c->argv));
    for (i = 0; c->argv && i < n; i++) {
        c->argv[i] = strdup(argv[i]);
        if (!c->argv[i])
            return -ENOMEM;
    }
    return c->argv ? 0 : -ENOMEM;
}

static int child_set_how(struct child *c, const struct supervised *how)
{
    c->uid = how->uid;
    c->gid = how->gid;
    c->output = how->output ? strdup(how->output) : NULL;
    return how->output && !c->output ? -ENOMEM : 0;
}

int supervisor_keep(struct supervisor *s, const char *name,
                    const char *const *argv)
{
    return supervisor_keep_as(s, name, argv, &(struct supervised){0});
}

int supervisor_keep_as(struct supervisor *s, const char *name,
                       const char *const *argv, const struct supervised *how)
{
    struct child *c;
    pid_t pid;
    int fd;

    if (child_find(s, name))
        return -EEXIST;
    c = child_new(s, name);
    if (!c)
        return -ENOMEM;
    if (child_set_argv(c, argv) || child_set_how(c, how)) {
        child_free(c);
        return -ENOMEM;
    }
    fd = record_open(s, name, &pid);
    if (fd < 0) {
        child_start(c);
        return 0;
    }
    log_info("%s (pid %d) still runs: adopted", name, (int)pid);
    if (child_watch(c, fd, pid)) {
        child_free(c);
        return -ENOMEM;
    }
    return 0;
}

void supervisor_stop(struct supervisor *s, const char *name, int grace_ms,
                     void (*done)(void *arg), void *arg)
{
    struct child *c = child_find(s, name);
    pid_t pid;
    int fd;

    if (!c) {
        /* One from before, perhaps, that nobody keeps. */
        fd = record_open(s, name, &pid);
        c = child_new(s, name);
        if (c && fd >= 0 && child_watch(c, fd, pid))
            c->pid = 0;
        else if (fd >= 0 && !c)
            close(fd);
        if (!c) {
            if (done)
                done(arg);
            return;
        }
    }
    if (c->stopping) { /* asked before: only the last asker is told */
        if (c->done)
            c->done(c->done_arg);
    }
    c->stopping = true;
    c->done = done;
    c->done_arg = arg;
    evtimer_del(c->timer);
    if (!c->pid) {
        child_gone(c);
        return;
    }
    syscall(SYS_pidfd_send_signal, c->pidfd, SIGTERM, NULL, 0);
    child_later(c, grace_ms);
}

void supervisor_each_orphan(struct supervisor *s,
                            void (*found)(void *ctx, const char *name),
                            void *ctx)
{
    struct dirent **list;
    int n, i;

    n = scandir(s->dir, &list, NULL, alphasort);
    for (i = 0; i < n; i++) {
        const char *name = list[i]->d_name;

        if (name[0] != '.' && !strstr(name, ".new") && !child_find(s, name))
            found(ctx, name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

pid_t supervisor_pid(struct supervisor *s, const char *name)
{
    struct child *c = child_find(s, name);

    return c ? c->pid : 0;
}

unsigned supervisor_restarts(struct supervisor *s, const char *name)
{
    struct child *c = child_find(s, name);

    return c ? c->restarts : 0;
}

json_t *supervisor_list(struct supervisor *s)
{
    json_t *list = json_array();
    struct child *c;

    for (c = s->children; c; c = c->next)
        json_array_append_new(
            list,
            json_pack("{s:s,s:i,s:i,s:I}", "name", c->name, "pid", (int)c->pid,
                      "restarts", (int)c->restarts, "up_seconds",
                      (json_int_t)(c->pid ? now_s() - c->started : 0)));
    return list;
}
