/* Many requests on their way at once: see xs_change_many() in xs.h. */
#include "xenstore/client/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many are sent before their replies are taken: enough to make the way
 * there and back cheap, little enough to fit any socket's buffers. */
#define WINDOW    32
#define PERMS_MAX 8

struct window {
    struct xs_handle *h;
    xs_transaction_t t;
    struct {
        uint32_t id, type;
    } sent[WINDOW];
    unsigned int nr;
    int rc; /* the first error */
};

static void fail(struct window *w, int rc)
{
    if (!w->rc)
        w->rc = rc;
}

static void drain(struct window *w)
{
    unsigned int i;
    int rc;

    for (i = 0; i < w->nr && !w->h->broken; i++) {
        rc = xs_receive(w->h, w->sent[i].id, w->sent[i].type);
        if (rc == -ENOENT && w->sent[i].type == XS_RM)
            rc = 0;
        if (rc)
            fail(w, rc);
    }
    w->nr = 0;
}

static void push(struct window *w, uint32_t type, const char *path,
                 const void *data, size_t len)
{
    struct xs_request req = {
        .type = type,
        .tx = w->t,
        .part = {{(void *)path, strlen(path) + 1}, {(void *)data, len}},
        .nr_parts = len ? 2 : 1,
    };
    int rc = xs_send(w->h, &req);

    if (rc) {
        fail(w, rc);
        return;
    }
    w->sent[w->nr].id = w->h->next_id;
    w->sent[w->nr].type = type;
    if (++w->nr == WINDOW)
        drain(w);
}

static void push_perms(struct window *w, const struct xs_change *c)
{
    static const char letters[] = {'n', 'r', 'w', 'b'};
    char text[PERMS_MAX * 12];
    size_t len = 0;
    unsigned int i;

    if (c->num_perms > PERMS_MAX) {
        fail(w, -EINVAL);
        return;
    }
    for (i = 0; i < c->num_perms; i++)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%c%u",
                             letters[c->perms[i].perms & 3], c->perms[i].id) +
            1;
    push(w, XS_SET_PERMS, c->path, text, len);
}

bool xs_change_many(struct xs_handle *h, xs_transaction_t t,
                    const struct xs_change *changes, unsigned int num)
{
    struct window w = {.h = h, .t = t};
    unsigned int i;

    for (i = 0; i < num && !h->broken; i++) {
        const struct xs_change *c = &changes[i];

        push(&w, c->value ? XS_WRITE : XS_RM, c->path, c->value,
             c->value ? c->len : 0);
        if (c->value && c->perms)
            push_perms(&w, c);
    }
    drain(&w);
    if (h->broken)
        fail(&w, -EIO);
    if (w.rc)
        errno = -w.rc;
    return !w.rc;
}
