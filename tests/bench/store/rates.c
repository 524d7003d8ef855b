#include "tests/bench/store/bench.h"
#include "tests/bench/store/wire.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUE "0123456789abcdef"

static int op_read(int fd, int k, unsigned long round)
{
    char path[64];

    (void)round;
    sprintf(path, "%s/c%d/value", base, k);
    return wire_ask_path(fd, XS_READ, 0, path) >= 0;
}

int op_write(int fd, int k, unsigned long round)
{
    char path[64];

    (void)round;
    sprintf(path, "%s/c%d/value", base, k);
    return wire_write(fd, 0, path, VALUE) >= 0;
}

static int op_directory(int fd, int k, unsigned long round)
{
    char path[64];

    (void)round;
    sprintf(path, "%s/c%d/dir", base, k);
    return wire_ask_path(fd, XS_DIRECTORY, 0, path) >= 0;
}

static int op_tx5(int fd, int k, unsigned long round)
{
    uint32_t tx = wire_start(fd);
    char path[64];
    int i;

    (void)round;
    for (i = 0; i < 5; i++) {
        sprintf(path, "%s/c%d/tx%d", base, k, i);
        wire_write(fd, tx, path, VALUE);
    }
    return wire_end(fd, tx, "T") >= 0;
}

/* New nodes under a parent that all clients share, each for a while. */
static int op_tx_parent(int fd, int k, unsigned long round)
{
    uint32_t tx = wire_start(fd);
    char path[64];
    int i;

    for (i = 0; i < 5; i++) {
        sprintf(path, "%s/shared/n%d-%lu-%d", base, k, round % 50, i);
        wire_write(fd, tx, path, VALUE);
    }
    return wire_end(fd, tx, "T") >= 0;
}

static int op_tx_node(int fd, int k, unsigned long round)
{
    uint32_t tx = wire_start(fd);
    char path[64], value[32];

    sprintf(path, "%s/counter", base);
    sprintf(value, "%d-%lu", k, round);
    wire_ask_path(fd, XS_READ, tx, path);
    wire_write(fd, tx, path, value);
    return wire_end(fd, tx, "T") >= 0;
}

int op_start_abort(int fd, int k, unsigned long round)
{
    (void)k;
    (void)round;
    return wire_end(fd, wire_start(fd), "F") >= 0;
}

#define PIPELINE 64

static int op_pipelined(int fd, int k, unsigned long round)
{
    char buf[PIPELINE * 64], path[64], reply[REPLY_BYTES];
    size_t len = 0;
    int i;

    (void)round;
    sprintf(path, "%s/c%d/value", base, k);
    for (i = 0; i < PIPELINE; i++)
        len += wire_pack(buf + len, XS_READ, 0, path, strlen(path) + 1);
    wire_send(fd, buf, len);
    for (i = 0; i < PIPELINE; i++)
        wire_take_reply(fd, reply);
    return PIPELINE;
}

double per_second(const struct bench *b, int fd, op_fn *op)
{
    double t = now();
    unsigned long n = 0;

    while (now() < t + b->seconds)
        n += (unsigned long)op(fd, 0, n);
    return (double)n / (now() - t);
}

/* --- many clients -----------------------------------------------------------
 */

/* Counters of all clients, shared with them. */
struct tally {
    unsigned long done[CLIENTS_MAX], failed[CLIENTS_MAX];
    int ready, go;
};

static void client(const struct bench *b, op_fn *op, int k, struct tally *t)
{
    int fd = wire_connect(b->path), n;
    unsigned long round = 0;
    double until;

    __atomic_add_fetch(&t->ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&t->go, __ATOMIC_ACQUIRE))
        sched_yield();
    for (until = now() + b->seconds; now() < until;) {
        n = op(fd, k, round++);
        t->done[k] += (unsigned long)n;
        t->failed[k] += !n;
    }
    exit(0);
}

/* All connect first: that is not what is measured. */
static void run_clients(const struct bench *b, op_fn *op, int nr,
                        struct tally *t)
{
    int k;

    for (k = 0; k < nr; k++)
        if (!fork())
            client(b, op, k, t);
    while (__atomic_load_n(&t->ready, __ATOMIC_ACQUIRE) < nr)
        sched_yield();
    __atomic_store_n(&t->go, 1, __ATOMIC_RELEASE);
    for (k = 0; k < nr; k++)
        wait(NULL);
}

static void rate(const struct bench *b, const char *name, op_fn *op, int nr)
{
    struct tally *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double cpu = daemon_cpu_us(b), done = 0, failed = 0;
    char text[80];
    int k;

    if (t == MAP_FAILED)
        die("mmap");
    run_clients(b, op, nr, t);
    cpu = daemon_cpu_us(b) - cpu;
    for (k = 0; k < nr; k++) {
        done += (double)t->done[k];
        failed += (double)t->failed[k];
    }
    munmap(t, sizeof(*t));
    figure(name, nr, done / b->seconds, "per-s");
    snprintf(text, sizeof(text), "%s-aborts", name);
    if (failed)
        figure(text, nr, failed / b->seconds, "per-s");
    snprintf(text, sizeof(text), "%s-cpu", name);
    if (b->daemon && done)
        figure(text, nr, cpu / done, "us");
}

static void make_nodes(const struct bench *b)
{
    int fd = wire_connect(b->path), k, i;
    char path[64];

    for (k = 0; k < CLIENTS_MAX; k++) {
        sprintf(path, "%s/c%d/value", base, k);
        wire_write(fd, 0, path, VALUE);
        for (i = 0; i < 10; i++) {
            sprintf(path, "%s/c%d/dir/%d", base, k, i);
            wire_write(fd, 0, path, "");
        }
    }
    sprintf(path, "%s/counter", base);
    wire_write(fd, 0, path, "0");
    sprintf(path, "%s/shared", base);
    wire_write(fd, 0, path, "");
    close(fd);
}

struct point {
    const char *name;
    op_fn *op;
    int most; /* clients */
};

static void measure(const struct bench *b, const struct point *p)
{
    int nr;

    if (!wanted(b, p->name))
        return;
    for (nr = 1; nr <= p->most && nr <= b->most_clients; nr *= nr == 8 ? 4 : 8)
        rate(b, p->name, p->op, nr);
}

void rates(const struct bench *b)
{
    static const struct point points[] = {
        {"read", op_read, 32},
        {"write", op_write, 32},
        {"directory", op_directory, 32},
        {"tx-5-writes", op_tx5, 32},
        {"tx-shared-parent", op_tx_parent, 32},
        {"tx-shared-node", op_tx_node, 32},
        {"pipelined-reads", op_pipelined, 1},
    };
    size_t i;

    make_nodes(b);
    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        measure(b, &points[i]);
}

void echo_points(const struct bench *b)
{
    static const struct point echo = {"echo", op_read, 32};
    static const struct point piped = {"echo-pipelined", op_pipelined, 1};

    measure(b, &echo);
    measure(b, &piped);
}
