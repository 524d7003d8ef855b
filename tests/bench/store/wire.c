#include "tests/bench/store/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void die(const char *what)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The kernel's device takes one message from each write(). */
static bool one_by_one;

int wire_connect(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    int fd;

    if (!stat(path, &st) && !S_ISSOCK(st.st_mode)) {
        fd = open(path, O_RDWR);
        if (fd < 0)
            die(path);
        one_by_one = true;
        return fd;
    }
    strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
        die(path);
    return fd;
}

size_t wire_pack(char *out, uint32_t type, uint32_t tx, const char *payload,
                 size_t len)
{
    struct xsd_sockmsg msg = {type, 1, tx, (uint32_t)len};

    memcpy(out, &msg, sizeof(msg));
    memcpy(out + sizeof(msg), payload, len);
    return sizeof(msg) + len;
}

static size_t first_message(const char *bytes, size_t len)
{
    struct xsd_sockmsg msg;

    if (!one_by_one || len < sizeof(msg))
        return len;
    memcpy(&msg, bytes, sizeof(msg));
    return sizeof(msg) + msg.len;
}

void wire_send(int fd, const char *bytes, size_t len)
{
    ssize_t n;

    for (; len; bytes += n, len -= (size_t)n) {
        n = write(fd, bytes, first_message(bytes, len));
        if (n <= 0)
            die("write");
    }
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

uint32_t wire_take(int fd, char *payload, size_t *len)
{
    struct xsd_sockmsg msg;

    read_all(fd, &msg, sizeof(msg));
    if (msg.len > XENSTORE_PAYLOAD_MAX)
        die("a reply that is too long");
    read_all(fd, payload, msg.len);
    payload[msg.len] = '\0';
    *len = msg.len;
    return msg.type;
}

int wire_take_reply(int fd, char *payload)
{
    uint32_t type;
    size_t len;

    do
        type = wire_take(fd, payload, &len);
    while (type == XS_WATCH_EVENT);
    return type == XS_ERROR ? -1 : (int)len;
}

int wire_ask(int fd, uint32_t type, uint32_t tx, const char *payload,
             size_t len, char *reply)
{
    char buf[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    char unwanted[REPLY_BYTES];

    wire_send(fd, buf, wire_pack(buf, type, tx, payload, len));
    return wire_take_reply(fd, reply ? reply : unwanted);
}

int wire_ask_path(int fd, uint32_t type, uint32_t tx, const char *path)
{
    return wire_ask(fd, type, tx, path, strlen(path) + 1, NULL);
}

int wire_write(int fd, uint32_t tx, const char *path, const char *value)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t len = strlen(path) + 1;

    memcpy(payload, path, len);
    memcpy(payload + len, value, strlen(value));
    return wire_ask(fd, XS_WRITE, tx, payload, len + strlen(value), NULL);
}

uint32_t wire_start(int fd)
{
    char reply[REPLY_BYTES];

    if (wire_ask(fd, XS_TRANSACTION_START, 0, "", 1, reply) < 0)
        die("transaction");
    return (uint32_t)atoi(reply);
}

int wire_end(int fd, uint32_t tx, const char *how)
{
    return wire_ask_path(fd, XS_TRANSACTION_END, tx, how);
}
