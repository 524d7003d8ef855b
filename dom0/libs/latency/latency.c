#include "dom0/libs/latency/latency.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LATENCY_MAGIC 0x3130544c42565250ull /* "PRVBLT01" */

enum { CALIBRATE_NS = 1000000 };

struct latency latency_nowhere;
uint64_t latency_us_per_tick;

/* --- writing ----------------------------------------------------------------
 */

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Once in a process: how fast the processor's clock is. */
static void calibrate(void)
{
    uint64_t ns = now_ns(), ticks = latency_clock(), passed;

    if (latency_us_per_tick)
        return;
    do {
        passed = now_ns() - ns;
    } while (passed < CALIBRATE_NS);
    ticks = latency_clock() - ticks;
    latency_us_per_tick = ((passed << 32) / 1000) / (ticks ? ticks : 1);
    if (!latency_us_per_tick)
        latency_us_per_tick = 1;
}

static struct latency_file *map(int fd, bool go_on)
{
    struct latency_file *file;
    struct stat st;

    if (fstat(fd, &st) || (go_on ? st.st_size != sizeof(*file)
                                 : posix_fallocate(fd, 0, sizeof(*file))))
        return NULL;
    file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED)
        return NULL;
    if (go_on && file->magic != LATENCY_MAGIC) {
        munmap(file, sizeof(*file));
        return NULL;
    }
    file->magic = LATENCY_MAGIC;
    return file;
}

static struct latency_file *open_file(const char *path, int flags, bool go_on)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
    struct latency_file *file = fd < 0 ? NULL : map(fd, go_on);

    if (fd >= 0)
        close(fd);
    return file;
}

struct latency_file *latency_create(const char *path, bool go_on)
{
    struct latency_file *file = go_on ? open_file(path, 0, true) : NULL;

    calibrate();
    if (!file) {
        unlink(path);
        file = open_file(path, O_CREAT | O_EXCL, false);
    }
    return file;
}

void latency_destroy(struct latency_file *file, const char *path, bool remove)
{
    if (file)
        munmap(file, sizeof(*file));
    if (file && remove)
        unlink(path);
}

/* --- reading ----------------------------------------------------------------
 */

/* Not mapped: whoever writes it could cut it short under the reader. */
int latency_read(const char *path, struct latency_file *copy)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n;
    int rc = 0;

    if (fd < 0)
        return -errno;
    n = read(fd, copy, sizeof(*copy));
    if (n < 0)
        rc = -errno;
    else if (n != sizeof(*copy) || copy->magic != LATENCY_MAGIC)
        rc = -EINVAL;
    close(fd);
    return rc;
}

/* The edge below which `share` of `total` lie, in hundredths. */
static uint64_t edge(const struct latency *l, uint64_t total,
                     unsigned int share)
{
    uint64_t wanted = total / 100 * share + total % 100 * share / 100, sum = 0;

    for (unsigned int b = 0; b < LATENCY_BUCKETS - 1; b++) {
        sum += l->counts[b];
        if (sum > wanted || sum == total)
            return 1ull << b;
    }
    return l->max_us;
}

void latency_summarize(const struct latency *l, struct latency_summary *s)
{
    memset(s, 0, sizeof(*s));
    for (unsigned int b = 0; b < LATENCY_BUCKETS; b++)
        s->answers += l->counts[b];
    if (!s->answers)
        return;
    s->max_us = l->max_us;
    s->p50_us = edge(l, s->answers, 50);
    s->p99_us = edge(l, s->answers, 99);
}
