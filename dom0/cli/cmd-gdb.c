/* A gdb on a guest: on standard input and output, or on a port. */
#include "dom0/cli/cli.h"

#include "dom0/debug/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_MS = 2, WAIT_MS = 1000 };

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
    (void)signo;
    interrupted = 1;
}

static void send_bytes(void *arg, const char *bytes, size_t n)
{
    /* A gdb that is gone is noticed by the read that follows. */
    (void)console_write(*(int *)arg, bytes, n);
}

static void serve(struct gdb *g, int in)
{
    uint8_t bytes[4096];
    struct pollfd p = {.fd = in, .events = POLLIN};

    while (!interrupted) {
        int n = poll(&p, 1, gdb_is_running(g) ? LOOK_MS : WAIT_MS);
        ssize_t got;

        if (n < 0 && errno != EINTR)
            return;
        gdb_look(g);
        if (n <= 0)
            continue;
        got = read(in, bytes, sizeof(bytes));
        if (got <= 0 || !gdb_input(g, bytes, (size_t)got))
            return;
    }
}

static int session(struct target *t, int in, int out, bool go_on)
{
    const char *warning;
    struct gdb *g = gdb_begin(t, send_bytes, &out, go_on, &warning);

    if (!g)
        return EXIT_FAILED;
    if (warning)
        say_error("%s", warning);
    serve(g, in);
    gdb_end(g);
    return EXIT_OK;
}

/* Only from this machine: whoever gets in owns the guest. */
static int listen_at(const char *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    long n = parse_number(port, 1, 65535);
    int fd, one = 1;

    if (n < 0) {
        say_error("%s: no port", port);
        return -1;
    }
    addr.sin_port = htons((uint16_t)n);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
        listen(fd, 1)) {
        say_error("port %s: %s", port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    fprintf(stderr, "pvn: gdb -ex 'target remote :%s'; Ctrl-C ends this\n",
            port);
    return fd;
}

/* One gdb after the other. */
static int serve_port(struct target *t, const char *port, bool go_on)
{
    int fd = listen_at(port), peer;

    if (fd < 0)
        return EXIT_FAILED;
    while (!interrupted && target_state(t) != TARGET_GONE) {
        peer = accept(fd, NULL, NULL);
        if (peer < 0)
            continue;
        (void)session(t, peer, peer, go_on);
        close(peer);
    }
    close(fd);
    return EXIT_OK;
}

static void watch_signals(void)
{
    const struct sigaction end = {.sa_handler = on_signal};

    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
}

int gdb_serve(const char *guest, const char *port)
{
    struct target *t;
    int status = guest_target(guest, &t);

    if (status)
        return status;
    watch_signals();
    status = serve_port(t, port, true);
    target_close(t);
    return status;
}

int cmd_gdb(int argc, char **argv)
{
    const char *guest, *port = NULL;
    const struct opt opts[] = {{"port", 'p', NULL, &port}, {0}};
    struct target *t;
    int status;

    if (options_take(opts, argc, argv, &guest, 1, 1) < 0)
        return EXIT_USAGE;
    status = guest_target(guest, &t);
    if (status)
        return status;
    watch_signals();
    status = port ? serve_port(t, port, false)
                  : session(t, STDIN_FILENO, STDOUT_FILENO, false);
    target_close(t);
    return status;
}
