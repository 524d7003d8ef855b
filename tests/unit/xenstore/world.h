/*
 * A store with faked surroundings, and a few calls to talk to it: what a
 * client sends and gets, as bytes, through transport/conn.c.
 */
#ifndef TESTS_XENSTORE_WORLD_H
#define TESTS_XENSTORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "xenstore/core/check.h"
#include "xenstore/core/internal.h"
#include "xenstore/core/journal.h"
#include "xenstore/transport/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EQ(got, want) assert_string_equal(got, want)

struct world {
    struct store *s;
    unsigned int logged;
    char last_log[1024];
    int introduce_rc;
    unsigned int released;
    bool nobody_exists;
};

/* What the last reply was, and what has been heard. */
struct answer {
    uint32_t type, req_id, tx_id;
    size_t len;
    char data[XENSTORE_PAYLOAD_MAX + 1];
};

static inline int fake_introduce(void *ctx, struct domain *d, bool again)
{
    struct world *w = ctx;

    if (!w->introduce_rc && !again)
        client_open_ring(w->s, d, 0, 0);
    else if (!w->introduce_rc && d->client)
        client_reset(d->client, 0, 0);
    return w->introduce_rc;
}

static inline void fake_release(void *ctx, struct domain *d)
{
    struct world *w = ctx;

    (void)d;
    w->released++;
}

static inline bool fake_exists(void *ctx, unsigned int domid)
{
    const struct world *w = ctx;

    (void)domid;
    return !w->nobody_exists;
}

static inline void fake_wake(void *ctx, struct client *c)
{
    (void)ctx;
    (void)c;
}

static inline void fake_log(void *ctx, enum log_level level, const char *text)
{
    struct world *w = ctx;

    (void)level;
    w->logged++;
    snprintf(w->last_log, sizeof(w->last_log), "%s", text);
}

static const struct store_ops fake_ops = {
    .introduce = fake_introduce,
    .release = fake_release,
    .domain_exists = fake_exists,
    .wake = fake_wake,
    .log = fake_log,
};

static inline void world_init(struct world *w)
{
    memset(w, 0, sizeof(*w));
    w->s = store_create(&fake_ops, w, 12345);
    store_tick(w->s, 100000);
}

static inline void world_done(struct world *w)
{
    assert_null(store_check(w->s));
    store_destroy(w->s);
}

/*
 * Another life of w from its journal, which gets what was recorded since, or is
 * made anew. client[]: those held, of keys below nr, in the old life and in the
 * new one.
 */
static inline void world_restart(struct world *w, struct buf *journal,
                                 bool anew, struct client **client, uint32_t nr)
{
    size_t len, at;
    const char *records = store_records(w->s, &len), *why;
    uint64_t sent[8];
    struct client *c;

    assert_true(nr <= sizeof(sent) / sizeof(sent[0]));
    for (uint32_t k = 0; k < nr; k++)
        sent[k] = client_out_start64(client[k]);
    buf_append(journal, records, len);
    if (anew) {
        buf_clear(journal);
        journal_snapshot(w->s, journal);
    }
    store_journal(w->s, false);
    store_destroy(w->s);
    world_init(w);
    assert_int_equal(
        journal_replay(w->s, buf_head(journal), buf_len(journal), &why, &at),
        0);
    assert_null(store_check(w->s));
    store_journal(w->s, true);
    for (c = store_next_client(w->s, NULL); c; c = store_next_client(w->s, c)) {
        client[client_key(c)] = c;
        client_sent(c, sent[client_key(c)] - client_out_start64(c));
    }
}

/* A guest's ring, introduced. */
static inline struct client *world_guest(struct world *w, unsigned int domid)
{
    struct domain *d = store_domain(w->s, domid);

    d->introduced = true;
    return client_open_ring(w->s, d, 0, 0);
}

static inline void send_raw(struct client *c, uint32_t type, uint32_t tx,
                            const void *payload, size_t len)
{
    static char buf[16 + 8192];
    struct xsd_sockmsg msg = {type, 77, tx, (uint32_t)len};

    memcpy(buf, &msg, sizeof(msg));
    if (len)
        memcpy(buf + sizeof(msg), payload, len);
    assert_int_equal(conn_feed(c, buf, sizeof(msg) + len), 0);
}

/* The next message to `c`; false when there is none. */
static inline bool next_message(struct client *c, struct answer *a)
{
    struct xsd_sockmsg msg;
    const char *out;
    size_t len;

    out = client_out(c, &len);
    if (!len)
        return false;
    assert_true(len >= sizeof(msg));
    memcpy(&msg, out, sizeof(msg));
    assert_true(msg.len <= XENSTORE_PAYLOAD_MAX);
    assert_true(len >= sizeof(msg) + msg.len);
    a->type = msg.type;
    a->req_id = msg.req_id;
    a->tx_id = msg.tx_id;
    a->len = msg.len;
    memcpy(a->data, out + sizeof(msg), msg.len);
    a->data[msg.len] = '\0';
    client_sent(c, sizeof(msg) + msg.len);
    return true;
}

/*
 * Ask and take the reply, which comes before the events it causes; events that
 * waited are skipped. "E:NAME" in data for an error.
 */
static inline struct answer *ask(struct client *c, uint32_t type, uint32_t tx,
                                 const void *payload, size_t len)
{
    static struct answer a;

    send_raw(c, type, tx, payload, len);
    do
        assert_true(next_message(c, &a));
    while (a.type == XS_WATCH_EVENT);
    assert_int_equal(a.req_id, 77);
    assert_int_equal(a.tx_id, tx);
    if (a.type == XS_ERROR) {
        memmove(a.data + 2, a.data, 20);
        memcpy(a.data, "E:", 2);
        a.len += 2;
    } else {
        assert_int_equal(a.type, type);
    }
    return &a;
}

/* Payload of up to three strings, each with its NUL. */
static inline const char *ask_s(struct client *c, uint32_t type, uint32_t tx,
                                const char *s1, const char *s2, const char *s3)
{
    static char buf[16384];
    size_t len = 0;

    len += (size_t)snprintf(buf, sizeof(buf), "%s", s1) + 1;
    if (s2)
        len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s", s2) + 1;
    if (s3)
        len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s", s3) + 1;
    return ask(c, type, tx, buf, len)->data;
}

static inline const char *do_read(struct client *c, uint32_t tx,
                                  const char *path)
{
    return ask_s(c, XS_READ, tx, path, NULL, NULL);
}

static inline const char *do_write(struct client *c, uint32_t tx,
                                   const char *path, const char *value)
{
    static char buf[16384];
    int len = snprintf(buf, sizeof(buf), "%s%c%s", path, 0, value);

    return ask(c, XS_WRITE, tx, buf, (size_t)len)->data;
}

static inline const char *do_mkdir(struct client *c, uint32_t tx,
                                   const char *path)
{
    return ask_s(c, XS_MKDIR, tx, path, NULL, NULL);
}

static inline const char *do_rm(struct client *c, uint32_t tx, const char *path)
{
    return ask_s(c, XS_RM, tx, path, NULL, NULL);
}

/* Names joined by commas. */
static inline const char *do_list(struct client *c, uint32_t tx,
                                  const char *path)
{
    struct answer *a = ask(c, XS_DIRECTORY, tx, path, strlen(path) + 1);
    size_t i;

    if (a->type == XS_ERROR)
        return a->data;
    for (i = 0; i + 1 < a->len; i++)
        if (!a->data[i])
            a->data[i] = ',';
    return a->data;
}

static inline uint32_t do_start(struct client *c)
{
    return (uint32_t)atoi(ask_s(c, XS_TRANSACTION_START, 0, "", NULL, NULL));
}

static inline const char *do_end(struct client *c, uint32_t tx, const char *how)
{
    return ask_s(c, XS_TRANSACTION_END, tx, how, NULL, NULL);
}

static inline const char *do_perms(struct client *c, uint32_t tx,
                                   const char *path, const char *p1,
                                   const char *p2)
{
    return ask_s(c, XS_SET_PERMS, tx, path, p1, p2);
}

/* The next event as "path token", or "" when there is none. */
static inline const char *next_event(struct client *c)
{
    static struct answer a;
    size_t first;

    if (!next_message(c, &a))
        return "";
    assert_int_equal(a.type, XS_WATCH_EVENT);
    first = strlen(a.data);
    assert_true(first + 1 < a.len);
    a.data[first] = ' ';
    return a.data;
}

#endif
