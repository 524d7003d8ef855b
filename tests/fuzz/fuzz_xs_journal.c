/*
 * The store's journal: any bytes as records. What is accepted makes a store
 * that keeps its promises; what is refused leaves one that can be destroyed.
 * sources: $(xs-core-src)
 */
#include "xenstore/core/check.h"
#include "xenstore/core/journal.h"

#include <stdlib.h>

static int introduce(void *ctx, struct domain *d, bool again)
{
    (void)ctx;
    (void)d;
    (void)again;
    return -1;
}

static void nothing(void *ctx, struct domain *d)
{
    (void)ctx;
    (void)d;
}

static bool exists(void *ctx, unsigned int domid)
{
    (void)ctx;
    (void)domid;
    return true;
}

static void wake(void *ctx, struct client *c)
{
    (void)ctx;
    (void)c;
}

static void log_nothing(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    (void)text;
}

static const struct store_ops ops = {introduce, nothing, exists,
                                     wake,      NULL,    log_nothing};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store *s = store_create(&ops, NULL, 1);
    struct buf again = {0};
    const char *why;
    size_t at;

    if (!journal_replay(s, (const char *)data, size, &why, &at)) {
        if (store_check(s))
            abort();
        journal_snapshot(s, &again);
        store_destroy(s);
        s = store_create(&ops, NULL, 1);
        if (journal_replay(s, buf_head(&again), buf_len(&again), &why, &at) ||
            store_check(s))
            abort();
    }
    buf_free(&again);
    store_destroy(s);
    return 0;
}
