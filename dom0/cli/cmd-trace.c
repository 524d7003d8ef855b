/* What a guest asks of the hypervisor and what it is given, with times. */
#include "dom0/cli/cli.h"

#include "dom0/debug/trace.h"
#include "dom0/libs/hypercall/hypercall.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 20, BUFFER_KIB = 256 };

struct show {
    struct tracer *t;
    FILE *file; /* NULL: lines on standard output */
    struct trace_json json;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
    interrupted = signo;
}

static void show_record(void *arg, const struct trace_record *r)
{
    struct show *s = arg;
    double us = tracer_us(s->t, r->tsc);
    struct trace_text text;

    if (s->file) {
        trace_json_add(&s->json, r, us);
        return;
    }
    trace_describe(r, &text);
    if (r->event == TRC_LOST_RECORDS)
        printf("%14.3f cpu%-3u -    ", us, r->cpu);
    else
        printf("%14.3f cpu%-3u v%-3u ", us, r->cpu, r->vcpu);
    printf("%-9s %s%s%s\n", text.kind, text.what, text.more[0] ? "  " : "",
           text.more);
}

/*
 * Another process, which nothing but our end ends: it turns tracing off then,
 * whatever became of us. It has the port of VIRQ_TBUF too, so that nobody can
 * begin before it has. It says a byte when it is ready.
 */
static pid_t guard_start(int *hold)
{
    int ends[2], null;
    struct hv *hv;
    pid_t pid;
    char c;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -1;
    pid = fork();
    if (pid) {
        close(ends[0]);
        *hold = ends[1];
        return pid;
    }
    close(ends[1]);
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    if (hv_open(&hv) || write(ends[0], "", 1) != 1)
        _exit(EXIT_FAILED);
    while (read(ends[0], &c, 1) < 0 && errno == EINTR)
        ;
    _exit(hv_trace_turn(hv, false) ? EXIT_FAILED : EXIT_OK);
}

static void guard_end(pid_t pid, int hold)
{
    close(hold);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static bool guard_is_ready(int hold)
{
    ssize_t n;
    char c;

    do
        n = read(hold, &c, 1);
    while (n < 0 && errno == EINTR && !interrupted);
    return n == 1;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Until the time is over, the guest gone, or somebody has had enough. */
static void follow(struct show *s, const char *guest, double seconds)
{
    struct pollfd p = {.fd = tracer_fd(s->t), .events = POLLIN};
    double end = now() + seconds;

    while (!interrupted && !ferror(stdout) && (!seconds || now() < end)) {
        poll(&p, 1, LOOK_MS);
        tracer_read(s->t, false, show_record, s);
        if (!s->file)
            fflush(stdout);
        if (tracer_guest_is_gone(s->t)) {
            say_error("%s has ended", guest);
            break;
        }
    }
}

static void report(const struct show *s, const char *guest, const char *path)
{
    const struct trace_totals *n = tracer_totals(s->t);

    if (!n->nr_records)
        say_error("nothing of %s was recorded: it did not run", guest);
    if (n->nr_lost)
        say_error("%llu records of the host were lost for want of room",
                  (unsigned long long)n->nr_lost);
    if (n->nr_garbled)
        say_error("%llu times what the buffers held made no sense",
                  (unsigned long long)n->nr_garbled);
    if (s->file)
        printf("%s: %llu records, %.3f s\n", path,
               (unsigned long long)n->nr_records,
               tracer_us(s->t, n->last_tsc) / 1e6);
}

static int record(struct show *s, const char *guest, double seconds)
{
    int hold, rc;
    pid_t guard = guard_start(&hold);

    if (guard < 0) {
        say_error("%s", strerror(errno));
        return EXIT_FAILED;
    }
    rc = guard_is_ready(hold) ? tracer_turn(s->t, true) : -EIO;
    if (rc == -EIO)
        say_error("what would turn tracing off after pvn did not start");
    else if (rc)
        say_error("tracing cannot be turned on: %s", strerror(-rc));
    else
        follow(s, guest, seconds);
    (void)tracer_turn(s->t, false);
    if (!rc)
        tracer_read(s->t, true, show_record, s);
    guard_end(guard, hold);
    return rc ? EXIT_FAILED : EXIT_OK;
}

static int cannot(int rc)
{
    switch (rc) {
    case -EEXIST:
        say_error("another program traces: pvn trace, or xentrace");
        return EXIT_BUSY;
    case -ENOSYS:
    case -EOPNOTSUPP:
        say_error("this hypervisor cannot trace");
        return EXIT_FAILED;
    case -ENOMEM:
        say_error("the hypervisor has no memory for buffers of that size");
        return EXIT_MEMORY;
    case -EPROTO:
        say_error("what the hypervisor tells about its buffers makes no sense");
        return EXIT_FAILED;
    default:
        say_error("no trace: %s", strerror(-rc));
        return EXIT_FAILED;
    }
}

static int open_file(struct show *s, const char *path, uint32_t domid,
                     const char *guest)
{
    int fd =
        path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

    s->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (path && !s->file) {
        say_error("%s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    if (path)
        trace_json_begin(&s->json, s->file, domid, guest);
    return EXIT_OK;
}

static int close_file(struct show *s, const char *path)
{
    bool bad;

    if (!s->file) {
        bad = fflush(stdout) || ferror(stdout);
        path = "standard output";
    } else {
        trace_json_end(&s->json,
                       tracer_us(s->t, tracer_totals(s->t)->last_tsc));
        bad = ferror(s->file);
        bad |= fclose(s->file) != 0;
    }
    if (bad && interrupted != SIGPIPE)
        say_error("%s: %s", path, strerror(errno));
    return bad ? EXIT_FAILED : EXIT_OK;
}

static int trace(const char *guest, const char *path, double seconds,
                 uint32_t pages)
{
    struct show s = {0};
    uint32_t domid;
    int rc, status = guest_domid(guest, &domid);

    if (status)
        return status;
    rc = tracer_open(&s.t, domid, pages);
    if (rc)
        return cannot(rc);
    if (pages != tracer_pages(s.t))
        say_error("warning: the buffers are of %u KiB a processor until the "
                  "host restarts",
                  tracer_pages(s.t) * 4);
    status = open_file(&s, path, domid, guest);
    if (!status) {
        status = record(&s, guest, seconds);
        report(&s, guest, path);
        rc = close_file(&s, path);
        status = status ? status : rc;
    }
    tracer_close(s.t);
    return status;
}

int cmd_trace(int argc, char **argv)
{
    const char *guest, *path = NULL, *seconds = NULL, *size = NULL;
    const struct opt opts[] = {{"seconds", 's', NULL, &seconds},
                               {"output", 'o', NULL, &path},
                               {"buffer", 'b', NULL, &size},
                               {0}};
    const struct sigaction end = {.sa_handler = on_signal};
    long long kib = BUFFER_KIB;
    double time = 0;
    char *rest = NULL;

    if (options_take(opts, argc, argv, &guest, 1, 1) < 0)
        return EXIT_USAGE;
    if (seconds) {
        time = strtod(seconds, &rest);
        if (*rest || !(time > 0 && time < 1e9)) {
            say_error("%s: not a number of seconds", seconds);
            return EXIT_USAGE;
        }
    }
    if (size)
        kib = parse_size_kib(size);
    if (kib < 4 || kib > 4096) {
        say_error("%s: buffers are of 4K to 4M", size);
        return EXIT_USAGE;
    }
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    sigaction(SIGPIPE, &end, NULL);
    return trace(guest, path, time, (uint32_t)(kib / 4));
}
