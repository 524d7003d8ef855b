/*
 * A gdb on a guest: on standard input and output, on a port of this machine, or
 * on a serial line.
 */
#include "dom0/cli/cli.h"

#include "dom0/debug/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { LOOK_MS = 2, WAIT_MS = 1000 };

/* To end; to end when no gdb is there any more. */
static volatile sig_atomic_t interrupted, no_more;

static void on_signal(int signo)
{
    if (signo == SIGUSR1)
        no_more = 1;
    else
        interrupted = 1;
}

static void send_bytes(void *arg, const char *bytes, size_t n)
{
    /* A gdb that is gone is noticed by the read that follows. */
    (void)console_write(*(int *)arg, bytes, n);
}

/* Something to be read, or not within `ms`. */
static bool is_ready(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, ms) > 0;
}

static void serve(struct gdb *g, int in)
{
    uint8_t bytes[4096];
    while (!interrupted) {
        bool ready = is_ready(in, gdb_is_running(g) ? LOOK_MS : WAIT_MS);
        ssize_t got;

        gdb_look(g);
        if (!ready)
            continue;
        got = read(in, bytes, sizeof(bytes));
        if (got <= 0 || !gdb_input(g, bytes, (size_t)got))
            return;
    }
}

/* `first` is what gdb has said already. */
static int session(struct target *t, int in, int out, bool go_on,
                   const char *first)
{
    const char *warning;
    struct gdb *g = gdb_begin(t, send_bytes, &out, go_on, &warning);

    if (!g)
        return EXIT_FAILED;
    if (warning)
        say_error("%s", warning);
    if (gdb_input(g, (const uint8_t *)first, strlen(first)))
        serve(g, in);
    gdb_end(g);
    target_forget(t);
    return EXIT_OK;
}

/* Is there to be another session? */
static bool goes_on(struct target *t)
{
    return !interrupted && !no_more && target_state(t) != TARGET_GONE;
}

/* --- a port ----------------------------------------------------------------*/

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
    while (goes_on(t)) {
        peer = is_ready(fd, WAIT_MS) ? accept(fd, NULL, NULL) : -1;
        if (peer < 0)
            continue;
        (void)session(t, peer, peer, go_on, "");
        close(peer);
    }
    close(fd);
    return EXIT_OK;
}

/* --- a serial line ---------------------------------------------------------*/

static int open_line(const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios how;

    if (fd < 0) {
        say_error("%s: %s", path, strerror(errno));
        return -1;
    }
    if (!tcgetattr(fd, &how)) {
        cfmakeraw(&how);
        how.c_cflag |= CLOCAL;
        cfsetspeed(&how, B115200);
        tcsetattr(fd, TCSANOW, &how);
    }
    fprintf(stderr, "pvn: a gdb at the other end of %s; Ctrl-C ends this\n",
            path);
    return fd;
}

/*
 * One gdb after the other. A line does not say when one comes or goes: a
 * session begins with its first packet and ends when it says so.
 */
static int serve_line(struct target *t, const char *path, bool go_on)
{
    int fd = open_line(path);
    char byte;

    if (fd < 0)
        return EXIT_FAILED;
    while (goes_on(t)) {
        if (!is_ready(fd, WAIT_MS))
            continue;
        if (read(fd, &byte, 1) != 1)
            break;
        if (byte == '$')
            (void)session(t, fd, fd, go_on, "$");
    }
    close(fd);
    return EXIT_OK;
}

static int serve_at(struct target *t, const char *where, bool go_on)
{
    return *where == '/' ? serve_line(t, where, go_on)
                         : serve_port(t, where, go_on);
}

static void watch_signals(void)
{
    const struct sigaction end = {.sa_handler = on_signal};

    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGUSR1, &end, NULL);
}

int gdb_serve(const char *guest, const char *where)
{
    struct target *t;
    int status = guest_target(guest, &t);

    if (status)
        return status;
    watch_signals();
    status = serve_at(t, where, true);
    target_close(t);
    return status;
}

int cmd_gdb(int argc, char **argv)
{
    const char *guest, *where = NULL;
    const struct opt opts[] = {{"port", 'p', NULL, &where}, {0}};
    struct target *t;
    int status;

    if (options_take(opts, argc, argv, &guest, 1, 1) < 0)
        return EXIT_USAGE;
    status = guest_target(guest, &t);
    if (status)
        return status;
    watch_signals();
    status = where ? serve_at(t, where, false)
                   : session(t, STDIN_FILENO, STDOUT_FILENO, false, "");
    target_close(t);
    return status;
}
