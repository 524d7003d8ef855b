#include "xenstore/core/replay.h"

#include <string.h>

void replay_take(struct replay *r, void *out, size_t len)
{
    if (r->bad || (size_t)(r->end - r->p) < len) {
        r->bad = true;
        memset(out, 0, len);
        return;
    }
    memcpy(out, r->p, len);
    r->p += len;
}

uint32_t replay_take_u32(struct replay *r)
{
    uint32_t v;

    replay_take(r, &v, sizeof(v));
    return v;
}

const char *replay_take_bytes(struct replay *r, size_t *len)
{
    const char *data;

    *len = replay_take_u32(r);
    if (r->bad || (size_t)(r->end - r->p) < *len) {
        r->bad = true;
        *len = 0;
        return "";
    }
    data = r->p;
    r->p += *len;
    return data;
}

/* A string without a NUL in it, into a buffer of `size`. */
void replay_take_string(struct replay *r, char *out, size_t size)
{
    size_t len;
    const char *data = replay_take_bytes(r, &len);

    if (len >= size || memchr(data, '\0', len))
        r->bad = true;
    if (r->bad)
        len = 0;
    memcpy(out, data, len);
    out[len] = '\0';
}

void replay_take_path(struct replay *r, struct path *p)
{
    char text[PATH_BYTES];

    replay_take_string(r, text, sizeof(text));
    if (text[0] == '\0' ||
        path_parse(p, text, 0, PATH_NODE_OR_SPECIAL, PATH_BYTES) || p->home_len)
        r->bad = true;
}

struct perms *replay_take_perms(struct replay *r)
{
    struct perm list[PERMS_MAX];
    size_t len, nr;
    const char *data = replay_take_bytes(r, &len);

    nr = len / sizeof(*list);
    if (len % sizeof(*list) || nr > PERMS_MAX || !nr) {
        r->bad = r->bad || len;
        return NULL;
    }
    memcpy(list, data, len);
    return perms_make(&r->s->perms, list, nr);
}

struct client *replay_take_client(struct replay *r)
{
    uint32_t id = replay_take_u32(r);
    struct client *c;

    for (c = r->s->clients; c; c = c->next)
        if (c->id == id)
            return c;
    r->bad = true;
    return NULL;
}
