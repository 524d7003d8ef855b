/* Commands that list: names, and whole trees. */
#include "xenstore/cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES XENSTORE_PAYLOAD_MAX

int cmd_list(struct cmd *c)
{
    json_t *all = json_object(), *list;
    unsigned int nr, k;
    char **names;
    int i, rc = 0;

    for (i = 0; i < c->argc && !rc; i++) {
        names = xs_directory(c->h, XBT_NULL, c->argv[i], &nr);
        if (!names) {
            rc = cmd_fail(c->argv[i]);
            break;
        }
        list = json_array();
        for (k = 0; k < nr; k++)
            if (c->json)
                json_array_append_new(list, json_string(names[k]));
            else
                puts(names[k]);
        json_object_set_new(all, c->argv[i], list);
        free(names);
    }
    if (c->json && !rc)
        print_json(all);
    else
        json_decref(all);
    return rc;
}

/* --- trees ------------------------------------------------------------------
 */

static void perms_text(struct cmd *c, xs_transaction_t t, const char *path,
                       char *out, size_t size)
{
    unsigned int nr, i;
    struct xs_permissions *perms =
        c->perms ? xs_get_permissions(c->h, t, path, &nr) : NULL;
    size_t at = 0;

    out[0] = '\0';
    for (i = 0; perms && i < nr && at + 16 < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%c%u", i ? "," : "",
                               "nrwb"[perms[i].perms & 3], perms[i].id);
    free(perms);
}

static void print_node(struct cmd *c, const char *path, int depth,
                       const char *value, unsigned int len, const char *perms)
{
    const char *name = strrchr(path, '/');

    if (c->flat)
        printf("%s = \"", path);
    else
        printf("%*s%s = \"", depth, "", name ? name + 1 : path);
    print_escaped(value, len);
    printf(*perms ? "\"   (%s)\n" : "\"\n", perms);
}

static int tree_below(struct cmd *c, xs_transaction_t t, char *path, int depth,
                      json_t *into);

/* One node: printed, or put into `into` under its name. */
static int tree_node(struct cmd *c, xs_transaction_t t, char *path, int depth,
                     json_t *into)
{
    char perms[512], *value;
    unsigned int len;
    json_t *node;

    value = xs_read(c->h, t, path, &len);
    if (!value) /* gone, or not for our eyes: the rest still is */
        return errno == ENOENT || errno == EACCES ? 0 : cmd_fail(path);
    perms_text(c, t, path, perms, sizeof(perms));
    if (!c->json) {
        print_node(c, path, depth, value, len, perms);
        free(value);
        return tree_below(c, t, path, depth + 1, NULL);
    }
    node = json_object();
    json_object_set_new(node, "value", json_value(value, len));
    if (c->perms)
        json_object_set_new(node, "permissions", json_string(perms));
    free(value);
    json_object_set_new(into, strrchr(path, '/') + 1, node);
    return tree_below(c, t, path, depth + 1, node);
}

static int tree_below(struct cmd *c, xs_transaction_t t, char *path, int depth,
                      json_t *into)
{
    size_t len = strlen(path), slash = len > 1;
    json_t *children = NULL;
    unsigned int nr, i;
    char **names = xs_directory(c->h, t, path, &nr);
    int rc = 0;

    if (!names)
        return depth && (errno == ENOENT || errno == EACCES) ? 0
                                                             : cmd_fail(path);
    if (into && nr) {
        children = json_object();
        json_object_set_new(into, "children", children);
    }
    for (i = 0; i < nr && !rc; i++) {
        if (len + slash + strlen(names[i]) >= PATH_MAX_BYTES)
            continue;
        sprintf(path + len, "%s%s", slash ? "/" : "", names[i]);
        rc = tree_node(c, t, path, depth, children);
        path[len] = '\0';
    }
    free(names);
    return rc;
}

/* Without a transaction: a large store's would hold up nobody, but a guest's
 * quota counts what one touches. */
int cmd_tree(struct cmd *c)
{
    char root[] = "/", *roots[] = {root};
    char **paths = c->argc ? c->argv : roots, path[PATH_MAX_BYTES];
    int nr = c->argc ? c->argc : 1, i, rc = 0;
    json_t *all = json_object(), *top;

    for (i = 0; i < nr && !rc; i++) {
        if (strlen(paths[i]) >= sizeof(path)) {
            errno = ENAMETOOLONG;
            rc = cmd_fail(paths[i]);
            break;
        }
        strcpy(path, paths[i]);
        top = json_object();
        rc = tree_below(c, XBT_NULL, path, 0, c->json ? top : NULL);
        json_object_set_new(all, paths[i], top);
    }
    if (c->json && !rc)
        print_json(all);
    else
        json_decref(all);
    return rc;
}
