/* Threads for what has to wait; see daemon.h. */
#include "dom0/daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Each may hold a kit open and a megabyte of request. */
#define WORKERS_MAX 64
#define STACK_BYTES (512 * 1024)

int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *daemon_path(const struct daemon *d, const char *sub, char *path,
                        size_t size)
{
    snprintf(path, size, "%s/%s", d->o.run_dir, sub);
    return path;
}

void daemon_default_bridge(struct daemon *d, char *bridge)
{
    pthread_mutex_lock(&d->lock);
    snprintf(bridge, IFNAMSIZ, "%s",
             d->default_bridge[0] ? d->default_bridge : d->o.default_bridge);
    pthread_mutex_unlock(&d->lock);
}

struct work {
    struct daemon *d;
    void (*run)(void *arg);
    void *arg;
};

static void *run_work(void *arg)
{
    struct work w = *(struct work *)arg;

    free(arg);
    w.run(w.arg);
    pthread_mutex_lock(&w.d->lock);
    w.d->nr_workers--;
    pthread_mutex_unlock(&w.d->lock);
    return NULL;
}

static int start_thread(struct work *w)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    rc = -pthread_create(&thread, &attr, run_work, w);
    pthread_attr_destroy(&attr);
    return rc;
}

int daemon_work(struct daemon *d, void (*run)(void *arg), void *arg)
{
    struct work *w = malloc(sizeof(*w));
    int rc = w ? 0 : -ENOMEM;

    pthread_mutex_lock(&d->lock);
    if (!rc && d->nr_workers >= WORKERS_MAX)
        rc = -EBUSY;
    if (!rc)
        d->nr_workers++;
    pthread_mutex_unlock(&d->lock);
    if (!rc) {
        *w = (struct work){d, run, arg};
        rc = start_thread(w);
        if (rc) {
            pthread_mutex_lock(&d->lock);
            d->nr_workers--;
            pthread_mutex_unlock(&d->lock);
        }
    }
    if (rc)
        free(w);
    return rc;
}
