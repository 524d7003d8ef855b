#include "tests/bench/store/bench.h"
#include "tests/bench/store/wire.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 32 /* as many at a time as libevent takes */

static void welcome(int poll_fd, int listener)
{
    struct epoll_event ev = {.events = EPOLLIN};

    ev.data.fd = accept(listener, NULL, NULL);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, ev.data.fd, &ev);
}

static void echo(int fd)
{
    char buf[32768];
    ssize_t n = recv(fd, buf, sizeof(buf), 0);

    if (n <= 0 || send(fd, buf, (size_t)n, MSG_NOSIGNAL) < 0)
        close(fd);
}

static void serve(int listener)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};
    struct epoll_event ready[EVENTS];
    int poll_fd = epoll_create1(0), n, i;

    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        n = epoll_wait(poll_fd, ready, EVENTS, -1);
        for (i = 0; i < n; i++)
            if (ready[i].data.fd == listener)
                welcome(poll_fd, listener);
            else
                echo(ready[i].data.fd);
    }
}

void echo_rates(const struct bench *b)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct bench echoed = *b;

    snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/bench-echo-%d",
             (int)getpid());
    if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
        listen(listener, 64))
        die(addr.sun_path);
    echoed.path = addr.sun_path;
    echoed.daemon = fork();
    if (!echoed.daemon)
        serve(listener);
    close(listener);
    echo_points(&echoed);
    kill(echoed.daemon, SIGKILL);
    waitpid(echoed.daemon, NULL, 0);
    unlink(addr.sun_path);
}
