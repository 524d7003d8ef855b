#include "pv-frontends/core/wire.h"

#include "pv-frontends/core/ring.h"
#include "pv-frontends/core/text.h"

void wire_init(struct wire *w, void *page)
{
    w->ring = page;
    w->broken = false;
    w->got = 0;
}

static void wire_break(struct wire *w, const char *why)
{
    if (!w->broken)
        log_words("store", why);
    w->broken = true;
}

/* Up to `size` bytes into or out of the 1 KiB ring at an index. */
static void copy_in(char *ring, XENSTORE_RING_IDX at, const char *from,
                    size_t size)
{
    for (size_t i = 0; i < size; i++)
        ring[MASK_XENSTORE_IDX(at + i)] = from[i];
}

static void copy_out(char *to, const char *ring, XENSTORE_RING_IDX at,
                     size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = shared_read(ring[MASK_XENSTORE_IDX(at + i)]);
}

size_t wire_put(struct wire *w, const void *data, size_t size)
{
    struct xenstore_domain_interface *r = w->ring;
    XENSTORE_RING_IDX prod = shared_read(r->req_prod);
    XENSTORE_RING_IDX room;

    if (prod - shared_read(r->req_cons) > XENSTORE_RING_SIZE) {
        wire_break(w, "impossible request index");
        return 0;
    }
    room = XENSTORE_RING_SIZE - (prod - shared_read(r->req_cons));
    /* The second read may have gone astray too. */
    if (room > XENSTORE_RING_SIZE)
        return 0;
    if (size > room)
        size = room;
    /* The bytes are the server's until it moved its index: order that. */
    xen_mb();
    copy_in(r->req, prod, data, size);
    xen_wmb();
    shared_write(r->req_prod, prod + (XENSTORE_RING_IDX)size);
    return size;
}

/* Take up to `size` bytes; how many there were. */
static size_t take(struct wire *w, void *to, size_t size)
{
    struct xenstore_domain_interface *r = w->ring;
    XENSTORE_RING_IDX cons = shared_read(r->rsp_cons);
    XENSTORE_RING_IDX there = shared_read(r->rsp_prod) - cons;

    if (there > XENSTORE_RING_SIZE) {
        wire_break(w, "impossible answer index");
        return 0;
    }
    if (size > there)
        size = there;
    xen_rmb();
    copy_out(to, r->rsp, cons, size);
    /* Our reads end before the server may write there again. */
    xen_mb();
    shared_write(r->rsp_cons, cons + (XENSTORE_RING_IDX)size);
    return size;
}

static size_t take_head(struct wire *w)
{
    size_t n = take(w, (char *)&w->head + w->got, sizeof(w->head) - w->got);

    w->got += (uint32_t)n;
    if (w->got == sizeof(w->head) && w->head.len > XENSTORE_PAYLOAD_MAX)
        wire_break(w, "a message is longer than any may be");
    return n;
}

static size_t take_body(struct wire *w)
{
    uint32_t have = w->got - (uint32_t)sizeof(w->head);
    size_t n = take(w, w->body + have, w->head.len - have);

    w->got += (uint32_t)n;
    return n;
}

bool wire_get(struct wire *w, bool *took)
{
    size_t n;

    do {
        if (w->broken)
            return false;
        if (w->got < sizeof(w->head)) {
            n = take_head(w);
        } else if (w->got < sizeof(w->head) + w->head.len) {
            n = take_body(w);
        } else {
            w->body[w->head.len] = 0;
            return true;
        }
        *took |= n > 0;
    } while (n || (w->got == sizeof(w->head) && !w->head.len));
    return false;
}

void wire_next(struct wire *w)
{
    w->got = 0;
}
