/*
 * bench_store SOCKET [seconds [nodes]]: what a store daemon does per second
 * over its socket, one line per point: "name clients value unit". "echo" in
 * place of a socket's path starts a bare echo server and measures that: what
 * two processes can exchange at best.
 *
 * Clients are processes with one request on its way, except where it says
 * "pipelined". Each point writes below /bench and removes it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#define CLIENTS_MAX 32

static const char *socket_path;
static double seconds = 1;
static int most_nodes = 40000; /* to which the store is filled at the end */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- a client ---------------------------------------------------------------
 */

static int connect_to_store(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(addr.sun_path, socket_path, sizeof(addr.sun_path) - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
        die(socket_path);
    return fd;
}

static size_t pack(char *out, uint32_t type, uint32_t tx, const char *payload,
                   size_t len)
{
    struct xsd_sockmsg msg = {type, 1, tx, (uint32_t)len};

    memcpy(out, &msg, sizeof(msg));
    memcpy(out + sizeof(msg), payload, len);
    return sizeof(msg) + len;
}

static void read_all(int fd, void *out, size_t len)
{
    size_t at = 0;
    ssize_t n;

    while (at < len) {
        n = read(fd, (char *)out + at, len - at);
        if (n <= 0)
            die("read");
        at += (size_t)n;
    }
}

/* A reply's payload; events on the way are skipped. Its length; -1: an error.
 */
static int take_reply(int fd, char *payload)
{
    struct xsd_sockmsg msg;

    do {
        read_all(fd, &msg, sizeof(msg));
        read_all(fd, payload, msg.len);
    } while (msg.type == XS_WATCH_EVENT);
    payload[msg.len] = '\0';
    return msg.type == XS_ERROR ? -1 : (int)msg.len;
}

static int ask(int fd, uint32_t type, uint32_t tx, const char *payload,
               size_t len, char *reply)
{
    char buf[8192];
    size_t total = pack(buf, type, tx, payload, len);

    if (write(fd, buf, total) != (ssize_t)total)
        die("write");
    return take_reply(fd, reply);
}

static int ask_path(int fd, uint32_t type, uint32_t tx, const char *path)
{
    char reply[4200];

    return ask(fd, type, tx, path, strlen(path) + 1, reply);
}

static int put(int fd, uint32_t tx, const char *path, const char *value)
{
    char payload[4096], reply[4200];
    size_t len = strlen(path) + 1;

    memcpy(payload, path, len);
    memcpy(payload + len, value, strlen(value));
    return ask(fd, XS_WRITE, tx, payload, len + strlen(value), reply);
}

static uint32_t start(int fd)
{
    char reply[4200];

    if (ask(fd, XS_TRANSACTION_START, 0, "", 1, reply) < 0)
        die("transaction");
    return (uint32_t)atoi(reply);
}

static int end(int fd, uint32_t tx, const char *how)
{
    return ask_path(fd, XS_TRANSACTION_END, tx, how);
}

/* --- points -----------------------------------------------------------------
 */

/* One operation of client `k`; how many things it counts for. */
typedef int op_fn(int fd, int k, unsigned long round);

static int op_read(int fd, int k, unsigned long round)
{
    char path[64];

    (void)round;
    sprintf(path, "/bench/c%d/value", k);
    return ask_path(fd, XS_READ, 0, path) >= 0;
}

static int op_write(int fd, int k, unsigned long round)
{
    char path[64];

    (void)round;
    sprintf(path, "/bench/c%d/value", k);
    return put(fd, 0, path, "0123456789abcdef") >= 0;
}

static int op_directory(int fd, int k, unsigned long round)
{
    char path[64];

    (void)round;
    sprintf(path, "/bench/c%d/dir", k);
    return ask_path(fd, XS_DIRECTORY, 0, path) >= 0;
}

static int op_tx5(int fd, int k, unsigned long round)
{
    uint32_t tx = start(fd);
    char path[64];
    int i;

    (void)round;
    for (i = 0; i < 5; i++) {
        sprintf(path, "/bench/c%d/tx%d", k, i);
        put(fd, tx, path, "0123456789abcdef");
    }
    return end(fd, tx, "T") >= 0;
}

static int op_tx_parent(int fd, int k, unsigned long round)
{
    uint32_t tx = start(fd);
    char path[64];
    int i;

    for (i = 0; i < 5; i++) {
        sprintf(path, "/bench/shared/n%d-%lu-%d", k, round % 50, i);
        put(fd, tx, path, "0123456789abcdef");
    }
    return end(fd, tx, "T") >= 0;
}

static int op_tx_node(int fd, int k, unsigned long round)
{
    uint32_t tx = start(fd);
    char value[32];

    ask_path(fd, XS_READ, tx, "/bench/counter");
    sprintf(value, "%d-%lu", k, round);
    put(fd, tx, "/bench/counter", value);
    return end(fd, tx, "T") >= 0;
}

static int op_start_abort(int fd, int k, unsigned long round)
{
    (void)k;
    (void)round;
    return end(fd, start(fd), "F") >= 0;
}

#define PIPELINE 64

static int op_pipelined(int fd, int k, unsigned long round)
{
    char buf[PIPELINE * 64], path[64], reply[4200];
    size_t len = 0;
    int i;

    (void)round;
    sprintf(path, "/bench/c%d/value", k);
    for (i = 0; i < PIPELINE; i++)
        len += pack(buf + len, XS_READ, 0, path, strlen(path) + 1);
    if (write(fd, buf, len) != (ssize_t)len)
        die("write");
    for (i = 0; i < PIPELINE; i++)
        take_reply(fd, reply);
    return PIPELINE;
}

/* Counters of all clients, shared with them. */
struct tally {
    unsigned long done[CLIENTS_MAX], failed[CLIENTS_MAX];
};

static void client(op_fn *op, int k, struct tally *t, double until)
{
    int fd = connect_to_store(), n;
    unsigned long round = 0;

    while (now() < until) {
        n = op(fd, k, round++);
        t->done[k] += (unsigned long)n;
        t->failed[k] += !n;
    }
    exit(0);
}

static void point(const char *name, op_fn *op, int clients)
{
    struct tally *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned long done = 0, failed = 0;
    double begun = now();
    int k;

    for (k = 0; k < clients; k++)
        if (!fork())
            client(op, k, t, begun + seconds);
    while (wait(NULL) > 0)
        ;
    begun = now() - begun;
    for (k = 0; k < clients; k++) {
        done += t->done[k];
        failed += t->failed[k];
    }
    printf("%s %d %.0f per s", name, clients, (double)done / begun);
    if (failed)
        printf(" (and %.0f failed)", (double)failed / begun);
    putchar('\n');
    fflush(stdout);
    munmap(t, sizeof(*t));
}

static void make_nodes(int fd)
{
    char path[64];
    int k, i;

    for (k = 0; k < CLIENTS_MAX; k++) {
        sprintf(path, "/bench/c%d/value", k);
        put(fd, 0, path, "0123456789abcdef");
        for (i = 0; i < 10; i++) {
            sprintf(path, "/bench/c%d/dir/%d", k, i);
            put(fd, 0, path, "");
        }
    }
    put(fd, 0, "/bench/counter", "0");
    put(fd, 0, "/bench/shared", "");
}

static void one_shots(int fd)
{
    char path[64];
    double t;
    int i;

    t = now();
    for (i = 0; i < 3000; i++) {
        sprintf(path, "/bench/many/n%04d", i);
        put(fd, 0, path, "");
    }
    printf("create-3000-children 1 %.3f ms each\n", (now() - t) / 3);
    t = now();
    ask_path(fd, XS_RM, 0, "/bench/many");
    printf("remove-3000-children 1 %.3f ms\n", (now() - t) * 1000);
}

static double per_second(int fd, op_fn *op)
{
    double t = now();
    unsigned long n = 0;

    while (now() < t + seconds)
        n += (unsigned long)op(fd, 0, n);
    return (double)n / (now() - t);
}

static void with_watches(int fd)
{
    char req[64], reply[4200];
    int other = connect_to_store(), i, len;

    printf("write-0-watches 1 %.0f per s\n", per_second(fd, op_write));
    for (i = 0; i < 2000; i++) {
        len = sprintf(req, "/bench/watched/n%d%ctoken", i, 0) + 1;
        ask(other, XS_WATCH, 0, req, (size_t)len, reply);
    }
    printf("write-2000-watches 1 %.0f per s\n", per_second(fd, op_write));
    close(other);
}

/* Fill the store to `total` nodes, a hundred to a directory. */
static void fill(int fd, int from, int total)
{
    char path[64];
    int i;

    for (i = from; i < total; i++) {
        sprintf(path, "/bench/fill/d%d/n%d", i / 100, i % 100);
        put(fd, 0, path, "0123456789abcdef");
    }
}

static void by_size(int fd)
{
    static const int sizes[] = {100, 10000, 40000};
    int i, before = 0;

    for (i = 0; i < 3 && sizes[i] <= most_nodes; i++) {
        fill(fd, before, sizes[i]);
        before = sizes[i];
        printf("start-abort-%d-nodes 1 %.0f per s\n", sizes[i],
               per_second(fd, op_start_abort));
        printf("write-%d-nodes 1 %.0f per s\n", sizes[i],
               per_second(fd, op_write));
    }
}

/* --- the limit --------------------------------------------------------------
 */

static void echo_accept(int poll_fd, int listener)
{
    struct epoll_event ev = {.events = EPOLLIN};

    ev.data.fd = accept(listener, NULL, NULL);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, ev.data.fd, &ev);
}

static void echo_bytes(int fd)
{
    char buf[16384];
    ssize_t n = recv(fd, buf, sizeof(buf), 0);

    if (n <= 0 || send(fd, buf, (size_t)n, MSG_NOSIGNAL) < 0)
        close(fd);
}

static void echo_server(int listener)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};
    int poll_fd = epoll_create1(0);

    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        if (epoll_wait(poll_fd, &ev, 1, -1) != 1)
            continue;
        if (ev.data.fd == listener)
            echo_accept(poll_fd, listener);
        else
            echo_bytes(ev.data.fd);
    }
}

static void echo_points(void)
{
    static char path[64];
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t pid;

    sprintf(path, "/tmp/bench-echo-%d", (int)getpid());
    socket_path = path;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
        listen(listener, 64))
        die(path);
    pid = fork();
    if (!pid)
        echo_server(listener);
    close(listener);
    /* Not waited for by point(): it is no child of a point. */
    for (int clients = 1; clients <= 32; clients *= clients == 8 ? 4 : 8) {
        pid_t runner = fork();

        if (!runner) {
            point("echo", op_read, clients);
            exit(0);
        }
        waitpid(runner, NULL, 0);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    unlink(path);
}

static const struct {
    const char *name;
    op_fn *op;
    int most; /* clients */
} points[] = {
    {"read", op_read, 32},
    {"write", op_write, 32},
    {"directory", op_directory, 32},
    {"tx-5-writes", op_tx5, 32},
    {"tx-shared-parent", op_tx_parent, 32},
    {"tx-shared-node", op_tx_node, 32},
    {"tx-start-abort", op_start_abort, 1},
    {"read-pipelined", op_pipelined, 1},
};

int main(int argc, char **argv)
{
    size_t i;
    int fd, clients;

    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: bench_store SOCKET|echo [seconds [nodes]]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    socket_path = argv[1];
    if (argc > 2)
        seconds = atof(argv[2]);
    if (argc > 3)
        most_nodes = atoi(argv[3]);
    if (!strcmp(argv[1], "echo")) {
        echo_points();
        return 0;
    }
    fd = connect_to_store();
    make_nodes(fd);
    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        for (clients = 1; clients <= points[i].most;
             clients *= clients == 8 ? 4 : 8)
            point(points[i].name, points[i].op, clients);
    with_watches(fd);
    one_shots(fd);
    by_size(fd);
    ask_path(fd, XS_RM, 0, "/bench");
    return 0;
}
