/*
 * bench_store [options] SOCKET|DEVICE|echo: what a store daemon does per
 * second, one line per figure: "name clients value unit". "echo" starts a bare
 * echo server and measures that: what two processes can exchange at best.
 *
 *   -s SECONDS   per point (1)
 *   -c CLIENTS   no more of them (32)
 *   -n NODES     fill the store up to so many (40000)
 *   -d PID       the daemon: its time per request and its memory
 *   -p WORD,...  only points with such a word in their name (=NAME: that one)
 *   -b PATH      work below this node (/bench)
 *   -f NODES     make so many nodes, leave them, and measure nothing
 *   -g NODE      measure each time this node has another value, and write the
 *                figures to NODE-said instead: for a guest whose daemon is
 *                replaced, which sleeps for five seconds after it
 *
 * Clients are processes with one request on its way, except where it says
 * "pipelined". What they work on is removed at the end.
 */
#include "tests/bench/store/bench.h"
#include "tests/bench/store/wire.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *base = "/bench";

static FILE *figures; /* where they go */

bool wanted(const struct bench *b, const char *name)
{
    char words[512], *rest = words, *word;

    if (!b->only)
        return true;
    snprintf(words, sizeof(words), "%s", b->only);
    while ((word = strsep(&rest, ",")))
        if (*word == '=' ? !strcmp(name, word + 1) : !!strstr(name, word))
            return true;
    return false;
}

void figure(const char *name, int clients, double value, const char *unit)
{
    fprintf(figures, "%s %d %.*f %s\n", name, clients, value < 100 ? 2 : 0,
            value, unit);
    fflush(figures);
}

/* In nanoseconds, where the kernel counts so. */
static double run_time_us(pid_t pid)
{
    unsigned long long ns = 0;
    char name[64];
    FILE *f;

    snprintf(name, sizeof(name), "/proc/%d/schedstat", (int)pid);
    f = pid ? fopen(name, "re") : NULL;
    if (!f)
        return 0;
    if (fscanf(f, "%llu", &ns) != 1)
        ns = 0;
    fclose(f);
    return (double)ns / 1e3;
}

double daemon_cpu_us(const struct bench *b)
{
    unsigned long user = 0, sys = 0;
    double us = run_time_us(b->daemon);
    char name[64];
    FILE *f;

    if (us > 0)
        return us;
    snprintf(name, sizeof(name), "/proc/%d/stat", (int)b->daemon);
    f = b->daemon ? fopen(name, "re") : NULL;
    if (!f)
        return 0;
    if (fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
               &user, &sys) != 2)
        user = sys = 0;
    fclose(f);
    return (double)(user + sys) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static void measure(const struct bench *b)
{
    rates(b);
    costs(b);
    wire_ask_path(wire_connect(b->path), XS_RM, 0, base);
}

#define LOOK_US    200000
#define AFTER_SECS 5 /* for the daemon to be replaced in */

/* A connection for each look: what the last daemon said of this one is gone. */
static int read_go(const struct bench *b, const char *go, char *value)
{
    int fd = wire_connect(b->path);
    int len = wire_ask(fd, XS_READ, 0, go, strlen(go) + 1, value);

    close(fd);
    return len;
}

static void leave_figures(const struct bench *b, const char *go, char *text)
{
    int fd = wire_connect(b->path);
    char path[128];

    snprintf(path, sizeof(path), "%s-said", go);
    wire_write(fd, 0, path, text);
    close(fd);
}

static void measure_when_told(const struct bench *b, const char *go)
{
    char value[REPLY_BYTES], last[REPLY_BYTES] = "", *text;
    size_t len;

    for (;; usleep(LOOK_US)) {
        if (read_go(b, go, value) <= 0 || !strcmp(value, last))
            continue;
        strcpy(last, value);
        figures = open_memstream(&text, &len);
        if (!figures)
            die("memory");
        measure(b);
        fclose(figures);
        leave_figures(b, go, text);
        free(text);
        sleep(AFTER_SECS);
    }
}

static int usage(void)
{
    fputs("usage: bench_store [-s SECONDS] [-c CLIENTS] [-n NODES] [-d PID] "
          "[-p WORD,...] [-b PATH] [-f NODES] [-g NODE] SOCKET|DEVICE|echo\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct bench b = {
        .seconds = 1, .most_nodes = 40000, .most_clients = CLIENTS_MAX};
    const char *go = NULL;
    int c, filling = 0;

    figures = stdout;
    while ((c = getopt(argc, argv, "s:c:n:d:p:b:f:g:")) != -1)
        switch (c) {
        case 's':
            b.seconds = atof(optarg);
            break;
        case 'c':
            b.most_clients = atoi(optarg);
            break;
        case 'n':
            b.most_nodes = atoi(optarg);
            break;
        case 'd':
            b.daemon = atoi(optarg);
            break;
        case 'p':
            b.only = optarg;
            break;
        case 'b':
            base = optarg;
            break;
        case 'f':
            filling = atoi(optarg);
            break;
        case 'g':
            go = optarg;
            break;
        default:
            return usage();
        }
    if (optind + 1 != argc || b.most_clients > CLIENTS_MAX)
        return usage();
    signal(SIGPIPE, SIG_IGN);
    b.path = argv[optind];
    if (!strcmp(b.path, "echo")) {
        echo_rates(&b);
        return 0;
    }
    if (filling) {
        fill(wire_connect(b.path), 0, filling);
        return 0;
    }
    if (go)
        measure_when_told(&b, go);
    measure(&b);
    return 0;
}
