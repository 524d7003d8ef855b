/* pvn store quotas: asks the store itself, which also works without pvnd. */
#include "dom0/cli/cli.h"
#include "xenstore/client/pvstored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    struct xs_handle *h;
    json_t *rows;
    json_t *row;    /* the domain's */
    long long only; /* this domain, or -1 */
    long long domid;
};

static json_t *name_of(struct xs_handle *h, unsigned int domid)
{
    char path[64], *name;
    json_t *json;

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    name = xs_read(h, XBT_NULL, path, NULL);
    json = json_string(name ? name : "");
    free(name);
    return json ? json : json_string("");
}

static void add_quota(const struct xs_quota *q, void *arg)
{
    struct table *t = arg;

    if (t->only >= 0 && q->domid != t->only)
        return;
    if (q->domid != t->domid) {
        t->domid = q->domid;
        t->row =
            json_pack("{s:I, s:{}}", "domid", (json_int_t)q->domid, "quotas");
        json_array_append_new(t->rows, t->row);
    }
    json_object_set_new(
        json_object_get(t->row, "quotas"), q->name,
        json_pack("{s:I, s:I, s:I}", "used", (json_int_t)q->used, "limit",
                  (json_int_t)q->limit, "refused", (json_int_t)q->refused));
}

static void print_cell(const json_t *quota)
{
    char text[48];

    if (get_int(quota, "limit") < 0)
        snprintf(text, sizeof(text), "%lld", (long long)get_int(quota, "used"));
    else
        snprintf(text, sizeof(text), "%lld/%lld",
                 (long long)get_int(quota, "used"),
                 (long long)get_int(quota, "limit"));
    printf(" %18s", text);
}

static void print_row(const json_t *row, bool with_head)
{
    json_t *quotas = json_object_get(row, "quotas"), *quota;
    long long refused = 0;
    const char *name;

    if (with_head) {
        printf("%-24s %5s", "Name", "ID");
        json_object_foreach(quotas, name, quota) printf(" %18s", name);
        puts("  refused");
    }
    printf("%-24s %5lld", get_string(row, "name"),
           (long long)get_int(row, "domid"));
    json_object_foreach(quotas, name, quota)
    {
        print_cell(quota);
        refused += get_int(quota, "refused");
    }
    printf(" %8lld\n", refused);
}

/* A guest by number or name; -1: there is none. */
static long long find_guest(struct xs_handle *h, const char *guest)
{
    unsigned int nr = 0, i;
    char **ids = xs_directory(h, XBT_NULL, "/local/domain", &nr);
    long long found = -1;
    json_t *name;

    for (i = 0; ids && i < nr && found < 0; i++) {
        name = name_of(h, (unsigned int)atoi(ids[i]));
        if (!strcmp(ids[i], guest) || !strcmp(json_string_value(name), guest))
            found = atoi(ids[i]);
        json_decref(name);
    }
    free(ids);
    return found;
}

/* NAME=VALUE, of one guest (domid) or of all (-1). */
static int set_quota(struct xs_handle *h, const char *setting, long long domid)
{
    char args[256], *reply;
    size_t len = strcspn(setting, "=");
    int n;

    n = snprintf(args, sizeof(args), "set%c%.*s%c%s", 0, (int)len, setting, 0,
                 setting + len + 1);
    if (n >= 0 && domid >= 0 && (size_t)n + 1 < sizeof(args))
        n += 1 + snprintf(args + n + 1, sizeof(args) - (size_t)n - 1, "%lld",
                          domid);
    if (n < 0 || (size_t)n >= sizeof(args)) {
        say_error("\"%s\" is too long", setting);
        return EXIT_USAGE;
    }
    reply = xs_control_command(h, "quota", args, (unsigned int)n + 1);
    if (!reply) {
        say_error("the store does not take \"%s\": %s", setting,
                  strerror(errno));
        return EXIT_FAILED;
    }
    free(reply);
    return EXIT_OK;
}

static int show_quotas(struct table *t, bool json)
{
    json_t *row;
    size_t i;

    if (!xs_each_quota(t->h, add_quota, t)) {
        say_error("the store does not tell: %s", strerror(errno));
        return EXIT_FAILED;
    }
    json_array_foreach(t->rows, i, row) json_object_set_new(
        row, "name", name_of(t->h, (unsigned int)get_int(row, "domid")));
    if (json)
        return print_json(json_incref(t->rows));
    json_array_foreach(t->rows, i, row) print_row(row, i == 0);
    return EXIT_OK;
}

static int quotas(struct table *t, const char **args, int nr, bool json)
{
    const char *setting = NULL, *guest = NULL;
    int i, status = EXIT_OK;

    for (i = 0; i < nr; i++)
        if (strchr(args[i], '='))
            setting = args[i];
        else
            guest = args[i];
    if (guest)
        t->only = find_guest(t->h, guest);
    if (guest && t->only < 0) {
        say_error("there is no guest \"%s\"", guest);
        return EXIT_ABSENT;
    }
    if (setting)
        status = set_quota(t->h, setting, t->only);
    return status ? status : show_quotas(t, json);
}

int cmd_store(int argc, char **argv)
{
    bool json = false;
    const struct opt opts[] = {{"json", 0, &json, NULL}, {0}};
    struct table t = {.only = -1, .domid = -1};
    const char *args[3];
    int nr = options_take(opts, argc, argv, args, 1, 3), status;

    if (nr < 0)
        return EXIT_USAGE;
    if (strcmp(args[0], "quotas")) {
        say_error("pvn store shows \"quotas\"; pvstore(1) does the rest");
        return EXIT_USAGE;
    }
    t.h = xs_open(0);
    if (!t.h) {
        say_error("no store answers at %s: %s", xs_daemon_socket(),
                  strerror(errno));
        return EXIT_NO_DAEMON;
    }
    t.rows = json_array();
    status = quotas(&t, args + 1, nr - 1, json);
    json_decref(t.rows);
    xs_close(t.h);
    return status;
}
