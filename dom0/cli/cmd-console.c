/* This terminal on a guest's console, until Ctrl-] or the guest's end. */
#include "dom0/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE 0x1d /* Ctrl-] */

/* --- this terminal ---------------------------------------------------------*/

static struct termios before;

/* Both calls are allowed in a signal handler. */
static void give_back_and_end(int sig)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    _exit(128 + sig);
}

/* Raw, until it is given back, by a signal that ends us too. False: it is no
 * terminal. */
static bool take_terminal(void)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &before))
        return false;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        signal(signals[i], give_back_and_end);
    raw = before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    return true;
}

/* --- the guest's console ---------------------------------------------------*/

static int open_socket(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd;

    if (!*path || strlen(path) >= sizeof(addr.sun_path))
        return -1;
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A terminal of a console daemon other than ours: raw, or it would echo. */
static int open_tty(const char *path)
{
    struct termios t;
    int fd = *path ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;

    if (fd >= 0 && !tcgetattr(fd, &t)) {
        cfmakeraw(&t);
        tcsetattr(fd, TCSANOW, &t);
    }
    return fd;
}

bool console_write(int fd, const char *bytes, size_t n)
{
    ssize_t done;

    while (n) {
        done = write(fd, bytes, n);
        if (done < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

enum typed { GO_ON, AT_END, LEAVE };

/* What was typed, up to the escape. */
static enum typed from_user(int fd)
{
    char bytes[1024], *escape;
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

    if (n <= 0)
        return AT_END;
    escape = memchr(bytes, ESCAPE, (size_t)n);
    if (escape)
        n = escape - bytes;
    return console_write(fd, bytes, (size_t)n) && !escape ? GO_ON : LEAVE;
}

static bool from_guest(int fd)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    return n > 0 && console_write(STDOUT_FILENO, bytes, (size_t)n);
}

/* Input that ends (a pipe, /dev/null) does not end the looking. */
static void relay(int fd)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
                          {.fd = STDIN_FILENO, .events = POLLIN}};
    enum typed typed;

    for (;;) {
        if (poll(p, 2, -1) < 0) {
            if (errno != EINTR)
                return;
            continue; /* and what it says of them is not to be believed */
        }
        if (p[0].revents && !from_guest(fd))
            return;
        typed = p[1].revents ? from_user(fd) : GO_ON;
        if (typed == LEAVE || (typed == AT_END && isatty(STDIN_FILENO)))
            return;
        if (typed == AT_END)
            p[1].fd = -1;
    }
}

int console_open(const char *guest, int *fd)
{
    json_t *where;
    int status, tries;

    for (tries = 0; tries < 50; tries++) {
        where = NULL;
        status =
            client_call("console", json_pack("{s:s}", "guest", guest), &where);
        if (status)
            return status;
        *fd = open_socket(get_string(where, "socket"));
        if (*fd < 0)
            *fd = open_tty(get_string(where, "tty"));
        json_decref(where);
        if (*fd >= 0)
            return EXIT_OK;
        usleep(100000);
    }
    say_error("no console daemon serves guest %s", guest);
    return EXIT_FAILED;
}

int console_attach(const char *guest)
{
    int fd = -1, status = console_open(guest, &fd);
    bool terminal;

    if (status)
        return status;
    signal(SIGPIPE, SIG_IGN);
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "pvn: console of %s; Ctrl-] leaves it\n", guest);
    terminal = take_terminal();
    relay(fd);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    close(fd);
    return EXIT_OK;
}

int cmd_console(int argc, char **argv)
{
    const struct opt opts[] = {{0}};
    const char *guest;

    if (options_take(opts, argc, argv, &guest, 1, 1) < 0)
        return EXIT_USAGE;
    return console_attach(guest);
}
