/*
 * What a disk and a network card do, from within a guest (or dom0): one figure
 * a line, as "BENCH name value".
 *
 *   iobench disk DEVICE read|write BYTES DEPTH SECONDS [random]   per second
 *   iobench verify DEVICE SECONDS      writes and reads back, patterns checked
 *   iobench lockproof DEVICE           is a killed writer's lock its barrier?
 *   iobench serve                      sink (7001), echo (7002), UDP (7003)
 *   iobench stream HOST SECONDS STREAMS                           MB/s
 *   iobench rtt HOST SECONDS           round trips of a byte, ns each
 *   iobench udp HOST SECONDS           64-byte datagrams, arrived per second
 * verify and rtt end early, and say what they found, by SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <liburing.h>

enum { SINK = 7001, ECHO = 7002, DATAGRAMS = 7003, MAX_DEPTH = 64 };

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* SIGTERM: verify and rtt say what they have so far. */
static volatile sig_atomic_t stopping;

static void stop(int sig)
{
    (void)sig;
    stopping = 1;
}

static void die(const char *what)
{
    printf("BENCH-FAIL %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- disks ------------------------------------------------------------------
 */

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

struct disk {
    int fd;
    uint64_t size;
    aio_context_t aio;
    unsigned char *bufs[MAX_DEPTH];
    struct iocb cbs[MAX_DEPTH];
};

static void disk_open(struct disk *d, const char *path, size_t bytes,
                      unsigned int depth)
{
    memset(d, 0, sizeof(*d));
    d->fd = open(path, O_RDWR | O_DIRECT);
    if (d->fd < 0)
        d->fd = open(path, O_RDONLY | O_DIRECT);
    if (d->fd < 0 || ioctl(d->fd, BLKGETSIZE64, &d->size))
        die(path);
    if (syscall(SYS_io_setup, MAX_DEPTH, &d->aio))
        die("io_setup");
    for (unsigned int i = 0; i < depth; i++) {
        if (posix_memalign((void **)&d->bufs[i], 4096, bytes))
            die("memory");
        memset(d->bufs[i], i + 1, bytes);
    }
}

static void submit(struct disk *d, unsigned int i, int write, size_t bytes,
                   uint64_t offset)
{
    struct iocb *cb = &d->cbs[i];

    memset(cb, 0, sizeof(*cb));
    cb->aio_data = i;
    cb->aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
    cb->aio_fildes = d->fd;
    cb->aio_buf = (uint64_t)(uintptr_t)d->bufs[i];
    cb->aio_nbytes = bytes;
    cb->aio_offset = offset;
    if (syscall(SYS_io_submit, d->aio, 1, &cb) != 1)
        die("io_submit");
}

static uint64_t pick(const struct disk *d, int random, size_t bytes,
                     uint64_t *at)
{
    uint64_t offset;

    if (random)
        return next_random() % (d->size / bytes) * bytes;
    offset = *at;
    *at += bytes;
    if (*at + bytes > d->size)
        *at = 0;
    return offset;
}

static int disk(char **a, int n)
{
    int write = !strcmp(a[1], "write"), random = n > 5;
    unsigned long bytes = strtoul(a[2], NULL, 10);
    unsigned long depth = strtoul(a[3], NULL, 10);
    uint64_t end, begin, done = 0, at = 0;
    struct io_event events[MAX_DEPTH];
    struct disk d;

    disk_open(&d, a[0], bytes, depth);
    begin = now_ns();
    end = begin + strtoul(a[4], NULL, 10) * 1000000000ull;
    for (unsigned int i = 0; i < depth; i++)
        submit(&d, i, write, bytes, pick(&d, random, bytes, &at));
    while (now_ns() < end) {
        long got = syscall(SYS_io_getevents, d.aio, 1, depth, events, NULL);

        for (long i = 0; i < got; i++) {
            if (events[i].res != (int64_t)bytes) {
                errno = (int)-events[i].res;
                die(a[1]);
            }
            done++;
            submit(&d, events[i].data, write, bytes,
                   pick(&d, random, bytes, &at));
        }
    }
    printf("BENCH %s-%s-%luk-d%lu %llu\n", random ? "random" : "sequential",
           a[1], bytes / 1024, depth,
           (unsigned long long)(done * 1000000000 / (now_ns() - begin)));
    return 0;
}

/*
 * Blocks carry their number and a generation; each is written, and read back
 * some time later, with a flush now and then. What a block holds must be the
 * last generation whose write was answered, or one that was under way.
 */
static int verify(char **a)
{
    enum { BLOCK = 4096, BLOCKS = 1024 };
    static uint64_t written[BLOCKS];
    uint64_t end, begin, longest = 0, ops = 0, bad = 0;
    struct disk d;

    disk_open(&d, a[0], BLOCK, 1);
    end = now_ns() + strtoul(a[1], NULL, 10) * 1000000000ull;
    while (now_ns() < end && !stopping) {
        unsigned int n = next_random() % BLOCKS;
        uint64_t *words = (uint64_t *)d.bufs[0];

        begin = now_ns();
        if (next_random() & 1) {
            for (unsigned int i = 0; i < BLOCK / 8; i += 2) {
                words[i] = n;
                words[i + 1] = written[n] + 1;
            }
            if (pwrite(d.fd, words, BLOCK, (off_t)n * BLOCK) != BLOCK)
                die("write");
            written[n]++;
            if (next_random() % 16 == 0 && fdatasync(d.fd))
                die("flush");
        } else if (written[n]) {
            if (pread(d.fd, words, BLOCK, (off_t)n * BLOCK) != BLOCK)
                die("read");
            for (unsigned int i = 0; i < BLOCK / 8; i += 2)
                bad += words[i] != n || words[i + 1] != written[n];
        }
        if (now_ns() - begin > longest)
            longest = now_ns() - begin;
        ops++;
    }
    printf("BENCH verify-ops %llu\nBENCH verify-bad %llu\n"
           "BENCH verify-longest-us %llu\n",
           (unsigned long long)ops, (unsigned long long)bad,
           (unsigned long long)longest / 1000);
    return bad ? 1 : 0;
}

/*
 * A child locks the device, hands a write to io_uring and is killed. Whoever
 * opens it anew must not get the lock before that write is on the device.
 */
static int lockproof(char **a)
{
    uint64_t begin, freed;
    int pipes[2], fd, status;
    struct io_uring ring;
    struct disk d;
    char ready;
    pid_t pid;

    if (pipe(pipes))
        die("pipe");
    pid = fork();
    if (!pid) {
        disk_open(&d, a[0], 4096, 1);
        if (flock(d.fd, LOCK_EX | LOCK_NB) || io_uring_queue_init(4, &ring, 0))
            die("lock");
        memset(d.bufs[0], 0x5a, 4096);
        io_uring_prep_write(io_uring_get_sqe(&ring), d.fd, d.bufs[0], 4096, 0);
        if (io_uring_submit(&ring) != 1)
            die("io_uring_submit");
        if (write(pipes[1], "x", 1) != 1)
            die("pipe");
        pause();
    }
    close(pipes[1]); /* a child that fails is the pipe's end */
    if (read(pipes[0], &ready, 1) != 1)
        die("child");
    begin = now_ns();
    kill(pid, SIGKILL);
    fd = open(a[0], O_RDWR);
    if (fd < 0)
        die(a[0]);
    while (flock(fd, LOCK_EX | LOCK_NB))
        usleep(1000);
    freed = now_ns();
    disk_open(&d, a[0], 4096, 1);
    if (pread(d.fd, d.bufs[0], 4096, 0) != 4096)
        die("read");
    waitpid(pid, &status, 0);
    printf("BENCH lock-free-after-us %llu\n",
           (unsigned long long)(freed - begin) / 1000);
    return d.bufs[0][0] == 0x5a && d.bufs[0][4095] == 0x5a ? 0 : 1;
}

/* --- network ----------------------------------------------------------------
 */

static struct sockaddr_in address(const char *host, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (host)
        inet_aton(host, &to.sin_addr);
    return to;
}

static int listen_on(int port, int type)
{
    struct sockaddr_in at = address(NULL, port);
    int fd = socket(AF_INET, type, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
        (type == SOCK_STREAM && listen(fd, 64)))
        die("listen");
    return fd;
}

/* A connection's child: a sink, or an echo. */
static void attend(int fd, int echo)
{
    static char buf[256 << 10];
    int on = 1;
    ssize_t n;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        if (echo && write(fd, buf, n) != n)
            break;
    _exit(0);
}

/* Datagrams: counted, and the count said to who sends a zero-length one. */
static _Noreturn void count_datagrams(int fd)
{
    struct sockaddr_in from;
    uint64_t count = 0;
    char buf[2048];

    for (;;) {
        socklen_t len = sizeof(from);
        ssize_t n =
            recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

        if (n > 1) {
            count++;
        } else if (n >= 0) {
            sendto(fd, &count, sizeof(count), 0, (struct sockaddr *)&from, len);
            count = 0;
        }
    }
}

static _Noreturn void serve(void)
{
    struct pollfd fds[2] = {{listen_on(SINK, SOCK_STREAM), POLLIN, 0},
                            {listen_on(ECHO, SOCK_STREAM), POLLIN, 0}};
    int datagrams = listen_on(DATAGRAMS, SOCK_DGRAM);

    signal(SIGCHLD, SIG_IGN);
    if (!fork())
        count_datagrams(datagrams);
    for (;;) {
        poll(fds, 2, -1);
        for (int i = 0; i < 2; i++) {
            int fd = fds[i].revents ? accept(fds[i].fd, NULL, NULL) : -1;

            if (fd >= 0 && !fork())
                attend(fd, i);
            if (fd >= 0)
                close(fd);
        }
    }
}

static int dial(const char *host, int port)
{
    struct sockaddr_in to = address(host, port);
    int fd = -1, on = 1;

    for (int tries = 0; tries < 100; tries++) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
            return fd;
        close(fd);
        usleep(100000);
    }
    die("connect");
    return fd;
}

static uint64_t send_for(const char *host, unsigned int seconds)
{
    static char buf[256 << 10];
    int fd = dial(host, SINK);
    uint64_t end = now_ns() + seconds * 1000000000ull, bytes = 0;

    while (now_ns() < end) {
        ssize_t n = write(fd, buf, sizeof(buf));

        if (n <= 0)
            die("send");
        bytes += n;
    }
    shutdown(fd, SHUT_WR); /* what is on its way is waited for */
    if (read(fd, buf, 1) < 0)
        die("end of the stream");
    return bytes;
}

static int stream(char **a)
{
    unsigned int seconds = atoi(a[1]), streams = atoi(a[2]);
    uint64_t bytes, sum = 0, begin;
    int pipes[2];

    if (pipe(pipes))
        die("pipe");
    begin = now_ns();
    for (unsigned int i = 0; i < streams; i++) {
        if (fork())
            continue;
        bytes = send_for(a[0], seconds);
        _exit(write(pipes[1], &bytes, sizeof(bytes)) != sizeof(bytes));
    }
    for (unsigned int i = 0; i < streams; i++)
        if (read(pipes[0], &bytes, sizeof(bytes)) == sizeof(bytes))
            sum += bytes;
    printf("BENCH stream-%u-MBps %llu\n", streams,
           (unsigned long long)(sum * 1000 / (now_ns() - begin)));
    return 0;
}

static int rtt(char **a)
{
    int fd = dial(a[0], ECHO);
    uint64_t begin = now_ns(), end = begin + atoi(a[1]) * 1000000000ull;
    uint64_t trips = 0, last = begin, now, longest = 0;
    char byte = 1, back;

    while ((now = now_ns()) < end && !stopping) {
        longest = now - last > longest ? now - last : longest;
        last = now;
        if (write(fd, &byte, 1) != 1 || read(fd, &back, 1) != 1 || back != byte)
            die("round trip");
        trips++;
        byte++;
    }
    printf("BENCH rtt-ns %llu\nBENCH rtt-longest-us %llu\n",
           (unsigned long long)((now_ns() - begin) / trips),
           (unsigned long long)longest / 1000);
    return 0;
}

static int udp(char **a)
{
    struct sockaddr_in to = address(a[0], DATAGRAMS);
    struct timeval wait = {2, 0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t begin, end, count = 0;
    char buf[64] = {0};

    if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
        die("connect");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    send(fd, buf, 1, 0); /* begin from none */
    recv(fd, &count, sizeof(count), 0);
    begin = now_ns();
    end = begin + atoi(a[1]) * 1000000000ull;
    while (now_ns() < end)
        send(fd, buf, sizeof(buf), 0);
    end = now_ns();
    usleep(300000);
    for (int tries = 0; tries < 3; tries++) {
        send(fd, buf, 1, 0);
        if (recv(fd, &count, sizeof(count), 0) == sizeof(count))
            break;
    }
    printf("BENCH udp-pps %llu\n",
           (unsigned long long)(count * 1000000000 / (end - begin)));
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGTERM,
              &(struct sigaction){.sa_handler = stop, .sa_flags = SA_RESTART},
              NULL);
    if (!strcmp(what, "disk") && argc >= 7)
        return disk(argv + 2, argc - 2);
    if (!strcmp(what, "verify") && argc == 4)
        return verify(argv + 2);
    if (!strcmp(what, "lockproof") && argc == 3)
        return lockproof(argv + 2);
    if (!strcmp(what, "serve"))
        serve();
    if (!strcmp(what, "stream") && argc == 5)
        return stream(argv + 2);
    if (!strcmp(what, "rtt") && argc == 4)
        return rtt(argv + 2);
    if (!strcmp(what, "udp") && argc == 4)
        return udp(argv + 2);
    fprintf(stderr, "iobench: see the top of iobench.c\n");
    return 2;
}
