/* Commands about single nodes. */
#include "xenstore/cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cmd_read(struct cmd *c)
{
    json_t *all = json_object();
    unsigned int len;
    char *value;
    int i, rc = 0;

    for (i = 0; i < c->argc && !rc; i++) {
        value = xs_read(c->h, XBT_NULL, c->argv[i], &len);
        if (!value) {
            rc = cmd_fail(c->argv[i]);
            break;
        }
        if (c->json) {
            json_object_set_new(all, c->argv[i], json_value(value, len));
        } else {
            print_escaped(value, len);
            putchar('\n');
        }
        free(value);
    }
    if (c->json && !rc)
        print_json(all);
    else
        json_decref(all);
    return rc;
}

/* Do `fn` in a transaction, again while others interfere. */
static int in_transaction(struct cmd *c,
                          int (*fn)(struct cmd *c, xs_transaction_t t))
{
    xs_transaction_t t;
    int rc;

    for (;;) {
        t = xs_transaction_start(c->h);
        if (t == XBT_NULL)
            return cmd_fail("transaction");
        rc = fn(c, t);
        if (xs_transaction_end(c->h, t, rc != 0))
            return rc;
        if (errno != EAGAIN)
            return rc ? rc : cmd_fail("transaction");
    }
}

static int write_all(struct cmd *c, xs_transaction_t t)
{
    int i;

    for (i = 0; i < c->argc; i += 2)
        if (!xs_write(c->h, t, c->argv[i], c->argv[i + 1],
                      (unsigned int)strlen(c->argv[i + 1])))
            return cmd_fail(c->argv[i]);
    return 0;
}

int cmd_write(struct cmd *c)
{
    if (c->argc % 2) {
        fprintf(stderr, "pvstore: %s has no value\n", c->argv[c->argc - 1]);
        return 2;
    }
    return c->argc == 2 ? write_all(c, XBT_NULL) : in_transaction(c, write_all);
}

/* Remove parents while they are empty and have no value. */
static int tidy(struct cmd *c, xs_transaction_t t, char *path)
{
    unsigned int nr, len;
    char *slash, *value, **names;

    while ((slash = strrchr(path, '/')) && slash != path) {
        *slash = '\0';
        names = xs_directory(c->h, t, path, &nr);
        value = names ? xs_read(c->h, t, path, &len) : NULL;
        free(names);
        free(value);
        if (!value || nr || len)
            return 0;
        if (!xs_rm(c->h, t, path))
            return cmd_fail(path);
    }
    return 0;
}

static int rm_all(struct cmd *c, xs_transaction_t t)
{
    char *path;
    int i, rc = 0;

    for (i = 0; i < c->argc && !rc; i++) {
        if (!xs_rm(c->h, t, c->argv[i]))
            return cmd_fail(c->argv[i]);
        path = c->all ? strdup(c->argv[i]) : NULL;
        if (path)
            rc = tidy(c, t, path);
        free(path);
    }
    return rc;
}

int cmd_rm(struct cmd *c)
{
    return c->argc == 1 && !c->all ? rm_all(c, XBT_NULL)
                                   : in_transaction(c, rm_all);
}

int cmd_exists(struct cmd *c)
{
    json_t *all = json_object();
    int i, rc = 0;
    char *value;

    for (i = 0; i < c->argc; i++) {
        value = xs_read(c->h, XBT_NULL, c->argv[i], NULL);
        if (!value)
            rc = 1;
        json_object_set_new(all, c->argv[i], json_boolean(value != NULL));
        free(value);
    }
    if (c->json)
        print_json(all);
    else
        json_decref(all);
    return rc;
}

/* --- permissions ------------------------------------------------------------
 */

static int chmod_one(struct cmd *c, xs_transaction_t t, const char *path,
                     struct xs_permissions *perms, unsigned int nr)
{
    char below[XENSTORE_PAYLOAD_MAX], **names;
    unsigned int nr_names, i;
    int rc = 0;

    if (!xs_set_permissions(c->h, t, path, perms, nr))
        return cmd_fail(path);
    if (!c->all)
        return 0;
    names = xs_directory(c->h, t, path, &nr_names);
    for (i = 0; names && i < nr_names && !rc; i++) {
        snprintf(below, sizeof(below), "%s/%s", strcmp(path, "/") ? path : "",
                 names[i]);
        rc = chmod_one(c, t, below, perms, nr);
    }
    free(names);
    return rc;
}

static int chmod_all(struct cmd *c, xs_transaction_t t)
{
    unsigned int nr = (unsigned int)c->argc - 1, i;
    struct xs_permissions *perms = calloc(nr, sizeof(*perms));
    int rc = 0;

    for (i = 0; perms && i < nr && !rc; i++)
        if (!xs_strings_to_perms(&perms[i], 1, c->argv[i + 1]))
            rc = cmd_fail(c->argv[i + 1]);
    if (!rc)
        rc = perms ? chmod_one(c, t, c->argv[0], perms, nr) : 1;
    free(perms);
    return rc;
}

int cmd_chmod(struct cmd *c)
{
    return c->all ? in_transaction(c, chmod_all) : chmod_all(c, XBT_NULL);
}
