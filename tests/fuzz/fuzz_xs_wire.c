/*
 * The store's protocol: bytes of a socket and of two guests, interleaved as
 * the input says. Each chunk: who (one byte), length (one byte), bytes. A '!'
 * for who makes the next bytes a well-formed header's payload, so that mutation
 * reaches the handlers.
 * sources: $(xs-core-src) xenstore/transport/conn.c
 */
#include "xenstore/core/check.h"
#include "xenstore/core/internal.h"
#include "xenstore/transport/conn.h"

#include <stdlib.h>
#include <string.h>

static struct store *s;

static int introduce(void *ctx, struct domain *d, bool again)
{
    (void)ctx;
    if (!again)
        client_open_ring(s, d, 0, 0);
    else if (d->client)
        client_reset(d->client, 0, 0);
    return 0;
}

static void release(void *ctx, struct domain *d)
{
    (void)ctx;
    (void)d;
}

static bool exists(void *ctx, unsigned int domid)
{
    (void)ctx;
    return domid < 10;
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

static const struct store_ops ops = {introduce, release, exists,
                                     wake,      NULL,    log_nothing};

/* Whole messages only, none too long; and let go of them. */
static void take_output(struct client *c)
{
    struct xsd_sockmsg msg;
    const char *out;
    size_t len;

    for (;;) {
        out = client_out(c, &len);
        if (!len)
            return;
        if (len < sizeof(msg))
            abort();
        memcpy(&msg, out, sizeof(msg));
        if (msg.len > XENSTORE_PAYLOAD_MAX || len < sizeof(msg) + msg.len)
            abort();
        client_sent(c, sizeof(msg) + msg.len);
    }
}

static void feed(struct client *c, const uint8_t *data, size_t len,
                 bool as_payload)
{
    char buf[sizeof(struct xsd_sockmsg) + 256];
    struct xsd_sockmsg msg = {0};
    size_t head = 0;

    if (!c)
        return;
    if (as_payload && len >= 2 && !buf_len(client_in(c))) {
        msg.type = data[0] % 28;
        msg.tx_id = data[1] % 4;
        msg.len = (uint32_t)len - 2;
        memcpy(buf, &msg, sizeof(msg));
        head = sizeof(msg);
        data += 2;
        len -= 2;
    }
    memcpy(buf + head, data, len);
    if (conn_feed(c, buf, head + len))
        client_reset(c, 0, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client *c;
    size_t at = 0, len;

    s = store_create(&ops, NULL, 1);
    store_journal(s, true);
    client_open(s);
    store_domain(s, 5)->introduced = true;
    client_open_ring(s, store_domain(s, 5), 0, 0);
    while (size - at >= 2) {
        len = data[at + 1] % 200;
        if (len > size - at - 2)
            len = size - at - 2;
        c = data[at] & 1 ? store_domain(s, 5)->client
                         : store_next_client(s, NULL);
        feed(c, data + at + 2, len, data[at] & 2);
        for (c = store_next_client(s, NULL); c; c = store_next_client(s, c))
            take_output(c);
        store_records_taken(s);
        at += 2 + len;
    }
    if (store_check(s))
        abort();
    store_journal(s, false);
    store_destroy(s);
    return 0;
}
