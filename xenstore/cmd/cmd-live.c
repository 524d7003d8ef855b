/* Commands that look on: watches, and what the daemon says of itself. */
#include "xenstore/client/pvstored.h"
#include "xenstore/cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int cmd_watch(struct cmd *c)
{
    long left = c->count;
    char **event;
    unsigned int num;
    int i;

    for (i = 0; i < c->argc; i++) {
        if (!xs_watch(c->h, c->argv[i], c->argv[i]))
            return cmd_fail(c->argv[i]);
    }
    do {
        event = xs_read_watch(c->h, &num);
        if (!event)
            return cmd_fail("watch");
        if (c->json)
            print_json(json_pack("{s:s, s:s}", "path", event[XS_WATCH_PATH],
                                 "watch", event[XS_WATCH_TOKEN]));
        else
            puts(event[XS_WATCH_PATH]);
        fflush(stdout);
        free(event);
    } while (!c->count || --left);
    return 0;
}

/* --- quotas -----------------------------------------------------------------
 */

struct quotas {
    struct cmd *c;
    json_t *all, *row; /* row: the domain's */
    long long domid;
};

static void begin_domain(struct quotas *q, unsigned int domid)
{
    char id[24];

    snprintf(id, sizeof(id), "%u", domid);
    if (!q->c->json)
        printf(q->row ? "\ndomain %s:" : "domain %s:", id);
    q->row = json_object();
    q->domid = domid;
    json_object_set_new(q->all, id, q->row);
}

static void show_quota(const struct xs_quota *quota, void *arg)
{
    struct quotas *q = arg;

    if (quota->domid != q->domid)
        begin_domain(q, quota->domid);
    json_object_set_new(q->row, quota->name,
                        json_pack("{s:I, s:I, s:I}", "used",
                                  (json_int_t)quota->used, "limit",
                                  (json_int_t)quota->limit, "refused",
                                  (json_int_t)quota->refused));
    if (q->c->json)
        return;
    printf("  %s %lld", quota->name, quota->used);
    if (quota->limit >= 0)
        printf("/%lld", quota->limit);
    if (quota->refused)
        printf(" (refused %lld)", quota->refused);
}

int cmd_quotas(struct cmd *c)
{
    struct quotas q = {c, json_object(), NULL, -1};

    if (!xs_each_quota(c->h, show_quota, &q)) {
        json_decref(q.all);
        return cmd_fail("quotas");
    }
    if (!c->json)
        putchar('\n');
    if (c->json)
        print_json(q.all);
    else
        json_decref(q.all);
    return 0;
}

/* --- top --------------------------------------------------------------------
 */

struct seen {
    unsigned int id, domain, ring, watches, transactions;
    unsigned long long requests, before;
    size_t queued;
};

struct look {
    struct seen *seen;
    size_t nr, cap;
};

static void look_line(char *line, void *arg)
{
    struct look *l = arg;
    struct seen s = {0};

    if (sscanf(line,
               "%u domain=%u ring=%u requests=%llu watches=%u transactions=%u "
               "queued=%zu",
               &s.id, &s.domain, &s.ring, &s.requests, &s.watches,
               &s.transactions, &s.queued) != 7)
        return;
    if (l->nr == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->seen = reallocarray(l->seen, l->cap, sizeof(s));
        if (!l->seen)
            abort();
    }
    l->seen[l->nr++] = s;
}

static int look(struct cmd *c, struct look *l)
{
    return xs_each_line(c->h, "clients", look_line, l) ? 0 : cmd_fail("top");
}

/* Both lists are in the order of ids. */
static void compare_looks(struct look *now, const struct look *before)
{
    size_t i, k = 0;

    for (i = 0; i < now->nr; i++) {
        while (k < before->nr && before->seen[k].id < now->seen[i].id)
            k++;
        if (k < before->nr && before->seen[k].id == now->seen[i].id)
            now->seen[i].before = before->seen[k].requests;
    }
}

static int by_rate(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    unsigned long long dx = x->requests - x->before,
                       dy = y->requests - y->before;

    return dx < dy ? 1 : dx > dy ? -1 : (int)x->id - (int)y->id;
}

static void show(struct cmd *c, const struct look *l)
{
    json_t *all = json_array();
    const struct seen *s;
    double rate;

    if (!c->json)
        puts("\033[H\033[J  client domain by      requests/s     requests "
             "watches  tx  queued");
    for (s = l->seen; s < l->seen + l->nr; s++) {
        rate = (double)(s->requests - s->before) / c->wait;
        if (c->json)
            json_array_append_new(
                all,
                json_pack("{s:i, s:i, s:b, s:f, s:I, s:i, s:i, s:I}", "client",
                          s->id, "domain", s->domain, "ring", s->ring, "rate",
                          rate, "requests", (json_int_t)s->requests, "watches",
                          s->watches, "transactions", s->transactions, "queued",
                          (json_int_t)s->queued));
        else
            printf("%8u %6u %-6s %11.1f %12llu %7u %3u %7zu\n", s->id,
                   s->domain, s->ring ? "ring" : "socket", rate, s->requests,
                   s->watches, s->transactions, s->queued);
    }
    if (c->json)
        print_json(all);
    else
        json_decref(all);
    fflush(stdout);
}

int cmd_top(struct cmd *c)
{
    const struct timespec wait = {
        (time_t)c->wait, (long)((c->wait - (double)(time_t)c->wait) * 1e9)};
    struct look before = {0}, now, sorted;
    long left = c->count;
    int rc;

    rc = look(c, &before);
    while (!rc) {
        nanosleep(&wait, NULL);
        memset(&now, 0, sizeof(now));
        rc = look(c, &now);
        compare_looks(&now, &before);
        sorted = now;
        sorted.seen = malloc((now.nr + 1) * sizeof(*now.seen));
        if (!sorted.seen)
            abort();
        if (now.nr)
            memcpy(sorted.seen, now.seen, now.nr * sizeof(*now.seen));
        qsort(sorted.seen, sorted.nr, sizeof(*sorted.seen), by_rate);
        if (!rc)
            show(c, &sorted);
        free(sorted.seen);
        free(before.seen);
        before = now;
        if (c->count && !--left)
            break;
    }
    free(before.seen);
    return rc;
}

/* --- control ----------------------------------------------------------------
 */

int cmd_control(struct cmd *c)
{
    char args[XENSTORE_PAYLOAD_MAX], *reply;
    size_t at = 0, len;
    int i;

    for (i = 1; i < c->argc; i++) {
        len = strlen(c->argv[i]) + 1;
        if (len > sizeof(args) - at) {
            errno = E2BIG;
            return cmd_fail(c->argv[i]);
        }
        memcpy(args + at, c->argv[i], len);
        at += len;
    }
    reply = xs_control_command(c->h, c->argv[0], args, (unsigned int)at);
    if (!reply)
        return cmd_fail(c->argv[0]);
    fputs(reply, stdout);
    len = strlen(reply);
    if (!len || reply[len - 1] != '\n')
        putchar('\n');
    free(reply);
    return 0;
}
