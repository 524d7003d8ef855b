/*
 * Node names. An absolute path starts with '/', has no empty component and no
 * '/' at its end (but for the root itself), of letters, digits and "-/_@".
 */
#ifndef XENSTORE_CORE_PATH_H
#define XENSTORE_CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the longest path we take: a home prefix and what may follow it. */
#define PATH_BYTES 4224

/* What a path may be when it is not a node's. */
enum path_kind { PATH_NODE, PATH_NODE_OR_SPECIAL };

struct path {
    char text[PATH_BYTES]; /* absolute, or a special name "@..." */
    size_t len;
    size_t home_len; /* of the home prefix put before it; 0: not relative */
};

/*
 * Make `name` absolute, in `domid`'s home when it does not start with '/', and
 * check it. `max` bounds what follows /local/domain/N/, or the whole.
 * 0 or -EINVAL.
 */
int path_parse(struct path *p, const char *name, unsigned int domid,
               enum path_kind kind, size_t max);

static inline bool path_is_special(const char *path)
{
    return path[0] == '@';
}

/* Length of the parent's path: 1 for children of the root, 0 for the root. */
size_t path_parent_len(const char *path, size_t len);

/* The last component. */
const char *path_leaf(const char *path);

/* Whether `below` is `path` or lies under it. */
bool path_covers(const char *path, const char *below);

/*
 * Step through the components: *s points behind what is done, starting at the
 * path itself. False at the end.
 */
bool path_next(const char **s, const char **name, size_t *len);

#endif
