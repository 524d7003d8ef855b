#include "dom0/daemon/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct post {
    struct post *next;
    void (*run)(void *arg);
    void *arg;
};

struct loop {
    struct event_base *base;
    struct event *wake;
    int fd;
    pthread_mutex_t lock; /* guards first, last */
    struct post *first, **last;
};

static void run_posts(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    struct post *p, *next;
    uint64_t n;

    (void)what;
    if (read(fd, &n, sizeof(n)) < 0)
        return; /* somebody else's wake-up; the posts' own is to come */
    pthread_mutex_lock(&l->lock);
    p = l->first;
    l->first = NULL;
    l->last = &l->first;
    pthread_mutex_unlock(&l->lock);
    for (; p; p = next) {
        next = p->next;
        p->run(p->arg);
        free(p);
    }
}

int loop_create(struct loop **loop)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    pthread_mutex_init(&l->lock, NULL);
    l->last = &l->first;
    l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->base = event_base_new();
    if (l->fd < 0 || !l->base)
        goto fail;
    l->wake = event_new(l->base, l->fd, EV_READ | EV_PERSIST, run_posts, l);
    if (!l->wake || event_add(l->wake, NULL))
        goto fail;
    *loop = l;
    return 0;
fail:
    loop_destroy(l);
    return -ENOMEM;
}

void loop_destroy(struct loop *l)
{
    struct post *p;

    if (!l)
        return;
    while ((p = l->first)) {
        l->first = p->next;
        free(p);
    }
    if (l->wake)
        event_free(l->wake);
    if (l->base)
        event_base_free(l->base);
    if (l->fd >= 0)
        close(l->fd);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}

int loop_post(struct loop *l, void (*run)(void *arg), void *arg)
{
    struct post *p = calloc(1, sizeof(*p));
    uint64_t one = 1;

    if (!p)
        return -ENOMEM;
    p->run = run;
    p->arg = arg;
    pthread_mutex_lock(&l->lock);
    *l->last = p;
    l->last = &p->next;
    pthread_mutex_unlock(&l->lock);
    /* Only fails when the counter is full, and then the loop is awake. */
    if (write(l->fd, &one, sizeof(one)) < 0)
        return 0;
    return 0;
}

struct call {
    void (*run)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool ran;
};

static void run_call(void *arg)
{
    struct call *c = arg;

    c->run(c->arg);
    pthread_mutex_lock(&c->lock);
    c->ran = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

int loop_call(struct loop *l, void (*run)(void *arg), void *arg)
{
    struct call c = {.run = run, .arg = arg};
    int rc;

    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.done, NULL);
    rc = loop_post(l, run_call, &c);
    pthread_mutex_lock(&c.lock);
    while (!rc && !c.ran)
        pthread_cond_wait(&c.done, &c.lock);
    pthread_mutex_unlock(&c.lock);
    pthread_cond_destroy(&c.done);
    pthread_mutex_destroy(&c.lock);
    return rc;
}
