#include "pv-frontends/core/store.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/core/ring.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/core/wire.h"
#include "pv-frontends/shim/shim.h"

enum { LOOK_AGAIN_NS = 1000000000 };

static struct {
    struct wire wire;
    evtchn_port_t port;
    uint32_t last_id, last_token;
    uint64_t timeout_ns;
    struct store_watch *watches;
} store;

/* Everything is done by looking; the event is there to end a sleep. */
static void on_event(void *arg)
{
    (void)arg;
}

int store_init(void)
{
    struct shim_boot boot;

    shim_boot_info(&boot);
    if (!boot.store)
        return -XEN_ENODEV;
    wire_init(&store.wire, boot.store);
    store.port = boot.store_port;
    return evtchn_listen(store.port, on_event, NULL);
}

void store_timeout(uint64_t ns)
{
    store.timeout_ns = ns;
}

bool store_is_broken(void)
{
    return store.wire.broken;
}

/* ---- waiting ------------------------------------------------------------- */

struct patience {
    uint64_t until; /* 0: for ever */
};

static struct patience patience_new(void)
{
    struct patience p = {0};

    if (store.timeout_ns)
        p.until = shim_now_ns() + store.timeout_ns;
    return p;
}

/* Sleep a little; 0, or why there is no point in going on. */
static int wait_more(const struct patience *p)
{
    uint64_t now = shim_now_ns(), until = now + LOOK_AGAIN_NS;

    if (store.wire.broken)
        return -XEN_EIO;
    if (p->until && now >= p->until)
        return -XEN_ETIME;
    if (p->until && p->until < until)
        until = p->until;
    shim_wait(until);
    return 0;
}

/* ---- messages ------------------------------------------------------------ */

static int put_all(const void *data, size_t size, const struct patience *p)
{
    const char *from = data;

    while (size) {
        size_t n = wire_put(&store.wire, from, size);
        int rc;

        from += n;
        size -= n;
        evtchn_send(store.port);
        if (!size)
            break;
        rc = wait_more(p);
        if (rc)
            return rc;
    }
    return 0;
}

static struct store_watch *watch_of_token(const char *token)
{
    uint64_t n;

    if (text_to_uint(token, &n))
        return NULL;
    for (struct store_watch *w = store.watches; w; w = w->next)
        if (w->token == n)
            return w;
    return NULL;
}

/* A watch fired: "path\0token\0". Which path does not matter, see store.h. */
static void take_watch_event(const char *body, uint32_t len)
{
    size_t path = strlen(body) + 1;
    struct store_watch *w;

    if (path >= len)
        return;
    w = watch_of_token(body + path);
    if (w)
        w->fired = true;
}

/*
 * Take messages until the answer to `id` is there (or, for id 0, until there
 * are no more). True when it is: the caller calls wire_next().
 */
static bool take_messages(uint32_t id)
{
    struct wire *w = &store.wire;
    bool took = false, found = false;

    while (!found && wire_get(w, &took)) {
        if (w->head.type == XS_WATCH_EVENT)
            take_watch_event(w->body, w->head.len);
        else if (id && w->head.req_id == id)
            found = true;
        if (!found)
            wire_next(w);
    }
    /* There is room again. */
    if (took)
        evtchn_send(store.port);
    return found;
}

static int error_of_name(const char *name)
{
    static const struct {
        const char *name;
        int error;
    } names[] = {
        {"EINVAL", XEN_EINVAL},       {"EACCES", XEN_EACCES},
        {"EEXIST", XEN_EEXIST},       {"EISDIR", XEN_EISDIR},
        {"ENOENT", XEN_ENOENT},       {"ENOMEM", XEN_ENOMEM},
        {"ENOSPC", XEN_ENOSPC},       {"EIO", XEN_EIO},
        {"ENOTEMPTY", XEN_ENOTEMPTY}, {"ENOSYS", XEN_ENOSYS},
        {"EROFS", XEN_EROFS},         {"EBUSY", XEN_EBUSY},
        {"EAGAIN", XEN_EAGAIN},       {"EISCONN", XEN_EISCONN},
        {"EPERM", XEN_EPERM},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!strcmp(name, names[i].name))
            return -names[i].error;
    return -XEN_EINVAL;
}

/* What a request consists of after its path. */
struct request {
    uint32_t type;
    store_tx_t tx;
    const char *first;  /* sent with its NUL */
    const char *second; /* NULL: none */
    bool second_with_nul;
};

static int send_request(const struct request *rq, const struct patience *p)
{
    size_t first = strlen(rq->first) + 1;
    size_t second = rq->second ? strlen(rq->second) + rq->second_with_nul : 0;
    struct xsd_sockmsg head = {
        .type = rq->type,
        .req_id = store.last_id,
        .tx_id = rq->tx,
        .len = (uint32_t)(first + second),
    };
    int rc;

    if (first + second > XENSTORE_PAYLOAD_MAX)
        return -XEN_E2BIG;
    rc = put_all(&head, sizeof(head), p);
    if (!rc)
        rc = put_all(rq->first, first, p);
    if (!rc)
        rc = put_all(rq->second, second, p);
    /* A message that was cut in the middle leaves the ring useless. */
    if (rc == -XEN_ETIME)
        store.wire.broken = true;
    return rc;
}

static int take_reply(uint32_t type, char *reply, size_t size, size_t *len)
{
    struct wire *w = &store.wire;
    int rc = 0;

    if (w->head.type == XS_ERROR)
        rc = error_of_name(w->body);
    else if (w->head.type != type)
        rc = -XEN_EIO;
    else if (reply && w->head.len >= size)
        rc = -XEN_ENOSPC;
    if (!rc && reply) {
        memcpy(reply, w->body, w->head.len + 1);
        *len = w->head.len;
    }
    wire_next(w);
    return rc;
}

static int request(const struct request *rq, char *reply, size_t size,
                   size_t *len)
{
    struct patience p = patience_new();
    int rc;

    if (store.wire.broken || !store.wire.ring)
        return -XEN_EIO;
    /* 0 is the number of watch events. */
    if (!++store.last_id)
        store.last_id = 1;
    rc = send_request(rq, &p);
    while (!rc && !take_messages(store.last_id))
        rc = wait_more(&p);
    return rc ? rc : take_reply(rq->type, reply, size, len);
}

/* ---- requests ------------------------------------------------------------ */

int store_read(store_tx_t tx, const char *path, char *value, size_t size)
{
    const struct request rq = {XS_READ, tx, path, NULL, false};
    size_t len;

    return request(&rq, value, size, &len);
}

int store_write(store_tx_t tx, const char *path, const char *value)
{
    const struct request rq = {XS_WRITE, tx, path, value, false};

    return request(&rq, NULL, 0, NULL);
}

int store_rm(store_tx_t tx, const char *path)
{
    const struct request rq = {XS_RM, tx, path, NULL, false};

    return request(&rq, NULL, 0, NULL);
}

int store_list(store_tx_t tx, const char *path, char *names, size_t size)
{
    const struct request rq = {XS_DIRECTORY, tx, path, NULL, false};
    size_t len;
    int rc = request(&rq, names, size - 1, &len);

    if (!rc)
        names[len] = names[len + 1] = 0;
    return rc;
}

int store_begin(store_tx_t *tx)
{
    const struct request rq = {XS_TRANSACTION_START, 0, "", NULL, false};
    char text[16];
    size_t len;
    uint64_t n;
    int rc = request(&rq, text, sizeof(text), &len);

    if (!rc)
        rc = text_to_uint(text, &n);
    if (!rc)
        *tx = (store_tx_t)n;
    return rc;
}

int store_end(store_tx_t tx, bool commit)
{
    const struct request rq = {XS_TRANSACTION_END, tx, commit ? "T" : "F", NULL,
                               false};

    return request(&rq, NULL, 0, NULL);
}

int store_read_key(store_tx_t tx, const char *dir, const char *key, char *value,
                   size_t size)
{
    char path[STORE_PATH_MAX];

    if (!text_join(path, sizeof(path), dir, "/", key, NULL))
        return -XEN_EINVAL;
    return store_read(tx, path, value, size);
}

int store_write_key(store_tx_t tx, const char *dir, const char *key,
                    const char *value)
{
    char path[STORE_PATH_MAX];

    if (!text_join(path, sizeof(path), dir, "/", key, NULL))
        return -XEN_EINVAL;
    return store_write(tx, path, value);
}

int store_write_uint(store_tx_t tx, const char *dir, const char *key,
                     uint64_t value)
{
    char text[24];
    struct text t = text_in(text, sizeof(text));

    text_uint(&t, value);
    return store_write_key(tx, dir, key, text);
}

uint64_t store_read_uint(store_tx_t tx, const char *dir, const char *key,
                         uint64_t otherwise)
{
    char text[24];
    uint64_t value;

    if (store_read_key(tx, dir, key, text, sizeof(text)) ||
        text_to_uint(text, &value))
        return otherwise;
    return value;
}

/* ---- watches ------------------------------------------------------------- */

static int watch_request(uint32_t type, const struct store_watch *w)
{
    char token[16];
    struct text t = text_in(token, sizeof(token));
    const struct request rq = {type, 0, w->path, token, true};

    text_uint(&t, w->token);
    return request(&rq, NULL, 0, NULL);
}

int store_watch(struct store_watch *w)
{
    int rc;

    w->token = ++store.last_token;
    w->fired = false;
    w->next = store.watches;
    store.watches = w;
    rc = watch_request(XS_WATCH, w);
    if (rc)
        store.watches = w->next;
    return rc;
}

void store_unwatch(struct store_watch *w)
{
    for (struct store_watch **at = &store.watches; *at; at = &(*at)->next) {
        if (*at != w)
            continue;
        *at = w->next;
        (void)watch_request(XS_UNWATCH, w);
        return;
    }
}

static struct store_watch *watch_fired(void)
{
    for (struct store_watch *w = store.watches; w; w = w->next)
        if (w->fired)
            return w;
    return NULL;
}

unsigned int store_poll(void)
{
    struct store_watch *w;
    unsigned int nr = 0;

    if (!store.wire.ring)
        return 0;
    (void)take_messages(0);
    /* As many as can be set, so that one that fires itself does not stop us. */
    while (nr < 256 && (w = watch_fired())) {
        w->fired = false;
        w->fn(w->arg);
        nr++;
    }
    return nr;
}

void store_resume(void)
{
    struct shim_boot boot;

    shim_boot_info(&boot);
    wire_init(&store.wire, boot.store);
    store.port = boot.store_port;
    (void)evtchn_listen(store.port, on_event, NULL);
    for (struct store_watch *w = store.watches; w; w = w->next) {
        (void)watch_request(XS_WATCH, w);
        w->fired = true;
    }
}
