#include "xenstore/transport/ring.h"
#include "xenstore/core/journal.h"
#include "xenstore/transport/conn.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define RING XENSTORE_RING_SIZE

static uint32_t load(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void publish(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static void copy_out(char *to, const char *ring, uint32_t at, uint32_t len)
{
    uint32_t start = MASK_XENSTORE_IDX(at);
    uint32_t first = len < RING - start ? len : RING - start;

    memcpy(to, ring + start, first);
    memcpy(to + first, ring, len - first);
}

static void copy_in(char *ring, uint32_t at, const char *from, uint32_t len)
{
    uint32_t start = MASK_XENSTORE_IDX(at);
    uint32_t first = len < RING - start ? len : RING - start;

    memcpy(ring + start, from, first);
    memcpy(ring, from + first, len - first);
}

bool ring_has_input(const struct client *c,
                    const struct xenstore_domain_interface *page)
{
    return load(&page->req_prod) != client_in_pos(c);
}

int ring_take(struct client *c, const struct xenstore_domain_interface *page)
{
    uint32_t pos = client_in_pos(c), avail = load(&page->req_prod) - pos;
    char data[RING]; /* one copy: the peer can rewrite the ring meanwhile */
    int rc;

    if (avail > RING)
        return -ERANGE;
    if (!avail)
        return 0;
    copy_out(data, page->req, pos, avail);
    rc = conn_feed(c, data, avail);
    if (rc)
        return rc;
    journal_input(c, pos + avail);
    return (int)avail;
}

bool ring_publish(struct client *c, struct xenstore_domain_interface *page,
                  int *rc)
{
    uint32_t prod = client_out_start(c), used = prod - load(&page->rsp_cons);
    bool moved = page->req_cons != client_in_pos(c);
    const char *data;
    size_t len;

    *rc = 0;
    publish(&page->req_cons, client_in_pos(c));
    /* The peer keeps quiet about what it adds while we lag behind: it has to
     * see how far we are before we look for more. */
    atomic_thread_fence(memory_order_seq_cst);
    if (used > RING) {
        *rc = -ERANGE;
        return true;
    }
    data = client_out(c, &len);
    if (len > RING - used)
        len = RING - used;
    if (!len)
        return moved;
    copy_in(page->rsp, prod, data, (uint32_t)len);
    publish(&page->rsp_prod, prod + (uint32_t)len);
    client_sent(c, len);
    return true;
}

bool ring_wants_reset(const struct xenstore_domain_interface *page)
{
    return load(&page->connection) == XENSTORE_RECONNECT;
}

void ring_reset(struct xenstore_domain_interface *page)
{
    page->req_cons = page->req_prod = 0;
    page->rsp_cons = page->rsp_prod = 0;
    page->error = XENSTORE_ERROR_NONE;
    publish(&page->connection, XENSTORE_CONNECTED);
}

void ring_fail(struct xenstore_domain_interface *page, uint32_t error)
{
    publish(&page->error, error);
}

void ring_announce(struct xenstore_domain_interface *page)
{
    page->server_features =
        XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
}

int ring_resume(struct client *c, const struct xenstore_domain_interface *page)
{
    uint32_t sent = load(&page->rsp_prod) - client_out_start(c);
    size_t len;

    client_out(c, &len);
    if (sent > len)
        return -ERANGE;
    client_sent(c, sent);
    return 0;
}
