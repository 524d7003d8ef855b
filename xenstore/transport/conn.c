#include "xenstore/transport/conn.h"
#include "xenstore/core/request.h"

#include <errno.h>
#include <string.h>

/* Bytes the message starting with data[0..len) takes, as far as one can tell:
 * a header's worth until there is a header. 0: too many. */
static size_t message_len(const char *data, size_t len)
{
    struct xsd_sockmsg msg;

    if (len < sizeof(msg))
        return sizeof(msg);
    memcpy(&msg, data, sizeof(msg));
    return msg.len > XENSTORE_PAYLOAD_MAX ? 0 : sizeof(msg) + msg.len;
}

static void handle(struct client *c, const char *data)
{
    struct xsd_sockmsg msg;

    memcpy(&msg, data, sizeof(msg));
    request_handle(c, &msg, data + sizeof(msg));
}

/* Try to complete the message that has begun. *used: bytes it took of `data`.
 * 1: handled, 0: more is wanted and none was taken, or -EPROTO. */
static int complete(struct client *c, const char *data, size_t len,
                    size_t *used)
{
    struct buf *in = client_in(c);
    size_t had = buf_len(in), want;

    *used = 0;
    for (;;) {
        want = message_len(buf_head(in), buf_len(in));
        if (!want)
            return -EPROTO;
        if (buf_len(in) >= want)
            break;
        want -= buf_len(in);
        if (want > len - *used) {
            in->end = in->start + had; /* as it was */
            *used = 0;
            return 0;
        }
        buf_append(in, data + *used, want);
        *used += want;
    }
    handle(c, buf_head(in));
    buf_clear(client_in(c));
    return 1;
}

ssize_t conn_feed_whole(struct client *c, const char *data, size_t len)
{
    size_t used = 0, want;
    int rc;

    if (buf_len(client_in(c))) {
        rc = complete(c, data, len, &used);
        if (rc <= 0)
            return rc;
    }
    for (;;) {
        want = message_len(data + used, len - used);
        if (!want)
            return -EPROTO;
        if (want > len - used || len - used < sizeof(struct xsd_sockmsg))
            return (ssize_t)used;
        handle(c, data + used);
        used += want;
    }
}

int conn_feed(struct client *c, const char *data, size_t len)
{
    ssize_t used = conn_feed_whole(c, data, len);

    if (used < 0)
        return (int)used;
    buf_append(client_in(c), data + used, len - (size_t)used);
    return 0;
}
