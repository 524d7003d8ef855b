#include "tests/bench/store/bench.h"
#include "tests/bench/store/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CREATED  500  /* nodes whose making is timed at each size */
#define CHILDREN 3000 /* of the directory that is removed */
#define WATCHES  2000
#define BATCH    50 /* requests on their way while the store is filled */
#define ROUNDS   200

static void watch(int fd, const char *path)
{
    char payload[128];
    int len = sprintf(payload, "%s%ctoken", path, 0) + 1;

    if (wire_ask(fd, XS_WATCH, 0, payload, (size_t)len, NULL) < 0)
        die("watch");
}

static void await_event(int fd)
{
    char payload[REPLY_BYTES];
    size_t len;

    while (wire_take(fd, payload, &len) != XS_WATCH_EVENT)
        ;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* From sending a write until another client has read the event. */
static void watch_latency(const struct bench *b)
{
    int writer = wire_connect(b->path), watcher = wire_connect(b->path), i;
    char buf[128], path[64], reply[REPLY_BYTES];
    double took[ROUNDS], t;
    size_t len;

    sprintf(path, "%s/latency", base);
    watch(watcher, path);
    await_event(watcher);
    strcpy(path + strlen(path) + 1, "v");
    len = wire_pack(buf, XS_WRITE, 0, path, strlen(path) + 2);
    for (i = 0; i < ROUNDS; i++) {
        t = now();
        wire_send(writer, buf, len);
        await_event(watcher);
        took[i] = (now() - t) * 1e6;
        wire_take_reply(writer, reply);
    }
    qsort(took, ROUNDS, sizeof(took[0]), by_value);
    figure("watch-latency-median", 1, took[ROUNDS / 2], "us");
    figure("watch-latency-worst", 1, took[ROUNDS - 1], "us");
    close(writer);
    close(watcher);
}

static void with_watches(const struct bench *b)
{
    int fd = wire_connect(b->path), other = wire_connect(b->path), i;
    char path[64];

    figure("writes-0-watches", 1, per_second(b, fd, op_write), "per-s");
    for (i = 0; i < WATCHES; i++) {
        sprintf(path, "%s/watched/n%d", base, i);
        watch(other, path);
    }
    figure("writes-2000-watches", 1, per_second(b, fd, op_write), "per-s");
    close(other);
    close(fd);
}

static void idle_connections(const struct bench *b)
{
    int fd = wire_connect(b->path), idle[200], i;

    for (i = 0; i < 200; i++)
        idle[i] = wire_connect(b->path);
    wire_ask_path(idle[199], XS_READ, 0, "/");
    figure("writes-200-idle", 1, per_second(b, fd, op_write), "per-s");
    for (i = 0; i < 200; i++)
        close(idle[i]);
    close(fd);
}

static void children(const struct bench *b)
{
    int fd = wire_connect(b->path), i;
    char path[64];
    double t = now();

    for (i = 0; i < CHILDREN; i++) {
        sprintf(path, "%s/many/n%04d", base, i);
        wire_write(fd, 0, path, "");
    }
    figure("create-3000-children", 1, (now() - t) / CHILDREN * 1e6, "us-each");
    t = now();
    sprintf(path, "%s/many", base);
    wire_ask_path(fd, XS_RM, 0, path);
    figure("remove-3000-children", 1, (now() - t) * 1e3, "ms");
    close(fd);
}

/* --- by size ----------------------------------------------------------------
 */

void fill(int fd, int first, int end)
{
    char buf[BATCH * 96], payload[96], reply[REPLY_BYTES];
    size_t len = 0;
    int i, sent = 0;

    for (i = first; i < end; i++) {
        int n = sprintf(payload, "%s/fill/d%d/n%d%c0123456789abcdef", base,
                        i / 100, i % 100, 0);

        len += wire_pack(buf + len, XS_WRITE, 0, payload, (size_t)n);
        if (++sent < BATCH && i + 1 < end)
            continue;
        wire_send(fd, buf, len);
        for (len = 0; sent; sent--)
            wire_take_reply(fd, reply);
    }
}

static double daemon_anonymous_kib(const struct bench *b)
{
    char name[64], line[256];
    unsigned long kib = 0;
    FILE *f;

    snprintf(name, sizeof(name), "/proc/%d/smaps_rollup", (int)b->daemon);
    f = b->daemon ? fopen(name, "re") : NULL;
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "Anonymous: %lu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return (double)kib;
}

static void at_size(const struct bench *b, int fd, int nodes)
{
    char name[64], path[64];
    double t;
    int i;

    snprintf(name, sizeof(name), "start-abort-at-%d-nodes", nodes);
    figure(name, 1, per_second(b, fd, op_start_abort), "per-s");
    t = now();
    for (i = 0; i < CREATED; i++) {
        sprintf(path, "%s/at%d/d%d/n%d", base, nodes, i / 100, i % 100);
        wire_write(fd, 0, path, "0123456789abcdef");
    }
    snprintf(name, sizeof(name), "create-at-%d-nodes", nodes);
    figure(name, 1, (now() - t) / CREATED * 1e6, "us-each");
    snprintf(name, sizeof(name), "write-at-%d-nodes", nodes);
    figure(name, 1, per_second(b, fd, op_write), "per-s");
}

static void by_size(const struct bench *b)
{
    static const int sizes[] = {10, 10000, 40000, 1000000};
    int fd = wire_connect(b->path), before = 0;
    double empty = daemon_anonymous_kib(b), full = empty;
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (sizes[i] > b->most_nodes)
            break;
        fill(fd, before, sizes[i]);
        before = sizes[i];
        full = daemon_anonymous_kib(b);
        at_size(b, fd, sizes[i]);
    }
    if (full > empty && before)
        figure("memory-per-node", 1, (full - empty) * 1024 / before, "bytes");
    close(fd);
}

void costs(const struct bench *b)
{
    if (wanted(b, "watch-latency"))
        watch_latency(b);
    if (wanted(b, "watches"))
        with_watches(b);
    if (wanted(b, "idle"))
        idle_connections(b);
    if (wanted(b, "children"))
        children(b);
    if (wanted(b, "size"))
        by_size(b);
}
