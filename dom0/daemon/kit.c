#include "dom0/daemon/kit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many stay open for the next operation. */
#define IDLE_MAX 4

struct kits {
    pthread_mutex_t lock; /* guards idle */
    struct kit *idle;
    unsigned nr_idle;
};

int kits_create(struct kits **kits)
{
    *kits = calloc(1, sizeof(**kits));
    if (!*kits)
        return -ENOMEM;
    pthread_mutex_init(&(*kits)->lock, NULL);
    return 0;
}

static void kit_free(struct kit *k)
{
    xs_close(k->xs);
    builder_close(k->builder);
    fmem_close(k->fm);
    hv_close(k->hv);
    free(k);
}

void kits_destroy(struct kits *kits)
{
    struct kit *k;

    if (!kits)
        return;
    while ((k = kits->idle)) {
        kits->idle = k->next;
        kit_free(k);
    }
    pthread_mutex_destroy(&kits->lock);
    free(kits);
}

static int kit_open(struct kit *k, struct fault *f)
{
    struct builder_error err = {0};
    int rc;

    rc = hv_open(&k->hv);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED,
                         "cannot talk to the hypervisor: %s", strerror(-rc));
    rc = fmem_open(&k->fm);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "cannot map guests' memory: %s",
                         strerror(-rc));
    rc = builder_open(k->hv, k->fm, &k->builder, &err);
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "%s", err.text);
    return kit_reconnect(k, 5000, f);
}

/* Does the connection that waited in the pool still work? What it may have
 * got meanwhile concerned operations that are over. */
static bool store_lives(struct kit *k)
{
    char **event;

    while ((event = xs_check_watch(k->xs)))
        free(event);
    return errno == EAGAIN;
}

int kit_reconnect(struct kit *k, int wait_ms, struct fault *f)
{
    xs_close(k->xs);
    for (;;) {
        k->xs = xs_open(XS_OPEN_SOCKETONLY);
        if (k->xs)
            return 0;
        if (wait_ms <= 0)
            return fault_set(f, -EIO, FAULT_FAILED,
                             "the store does not answer: %s", strerror(errno));
        usleep(20000);
        wait_ms -= 20;
    }
}

struct kit *kit_get(struct kits *kits, struct fault *f)
{
    struct kit *k;

    pthread_mutex_lock(&kits->lock);
    k = kits->idle;
    if (k) {
        kits->idle = k->next;
        kits->nr_idle--;
    }
    pthread_mutex_unlock(&kits->lock);
    if (k && (store_lives(k) || !kit_reconnect(k, 5000, f)))
        return k;
    if (!k)
        k = calloc(1, sizeof(*k));
    else
        return kit_free(k), NULL;
    if (!k)
        return fault_set(f, 0, FAULT_FAILED, "out of memory"), NULL;
    if (kit_open(k, f))
        return kit_free(k), NULL;
    return k;
}

void kit_put(struct kits *kits, struct kit *k)
{
    bool keep;

    if (!k)
        return;
    pthread_mutex_lock(&kits->lock);
    keep = kits->nr_idle < IDLE_MAX;
    if (keep) {
        k->next = kits->idle;
        kits->idle = k;
        kits->nr_idle++;
    }
    pthread_mutex_unlock(&kits->lock);
    if (!keep)
        kit_free(k);
}
