#include "xenstore/core/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HOME "/local/domain/"

#define LEGAL 1
#define SLASH 2 /* no two of them in a row */

static const uint8_t kind_of[256] = {
    ['a' ... 'z'] = LEGAL, ['A' ... 'Z'] = LEGAL, ['0' ... '9'] = LEGAL,
    ['-'] = LEGAL,         ['_'] = LEGAL,         ['@'] = LEGAL,
    ['/'] = SLASH,
};

/* Length of "/local/domain/N/" at the start of `text`, or 0. */
static size_t home_prefix(const char *text)
{
    const char *s = text + strlen(HOME);
    size_t digits;

    if (strncmp(text, HOME, strlen(HOME)))
        return 0;
    digits = strspn(s, "0123456789");
    if (!digits || digits > 5 || s[digits] != '/')
        return 0;
    return strlen(HOME) + digits + 1;
}

static int check_node(const struct path *p, size_t max)
{
    unsigned int kind = 0, before;
    const char *s = p->text;

    if (*s != '/')
        return -EINVAL;
    if (p->len > max && p->len - home_prefix(p->text) > max)
        return -EINVAL;
    do {
        before = kind;
        kind = kind_of[(unsigned char)*s++];
    } while (kind && !(kind & before & SLASH));
    /* The NUL is where it ends, and a slash before it only in the root. */
    return s - 1 == p->text + p->len && (before != SLASH || p->len == 1)
               ? 0
               : -EINVAL;
}

int path_parse(struct path *p, const char *name, unsigned int domid,
               enum path_kind kind, size_t max)
{
    size_t len = strlen(name);

    p->home_len = 0;
    if (name[0] != '/' && name[0] != '@')
        p->home_len = (size_t)sprintf(p->text, HOME "%u/", domid);
    if (len > sizeof(p->text) - 1 - p->home_len)
        return -EINVAL;
    memcpy(p->text + p->home_len, name, len + 1);
    p->len = p->home_len + len;

    if (!path_is_special(p->text))
        return check_node(p, max);
    if (kind != PATH_NODE_OR_SPECIAL || len > max)
        return -EINVAL;
    return 0;
}

size_t path_parent_len(const char *path, size_t len)
{
    if (len <= 1)
        return 0;
    while (path[len - 1] != '/')
        len--;
    return len > 1 ? len - 1 : 1;
}

const char *path_leaf(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool path_covers(const char *path, const char *below)
{
    size_t len = strlen(path);

    if (len == 1 && path[0] == '/')
        return below[0] == '/';
    return !strncmp(path, below, len) &&
           (below[len] == '\0' || below[len] == '/');
}

bool path_next(const char **s, const char **name, size_t *len)
{
    const char *p = *s;

    while (*p == '/')
        p++;
    if (!*p)
        return false;
    *name = p;
    *len = strcspn(p, "/");
    *s = p + *len;
    return true;
}
