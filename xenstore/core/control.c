/* CONTROL: commands of the host's administrator, each a row. */
#include "xenstore/core/check.h"
#include "xenstore/core/request.h"
#include "xenstore/core/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARGS_MAX 8

struct control {
    struct request *r;
    const char *arg[ARGS_MAX]; /* arg[0]: the command */
    size_t nr;
};

struct control_row {
    const char *name, *usage;
    int (*run)(struct control *c);
};

static void say(struct control *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct control *c, const char *fmt, ...)
{
    char line[512];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (len > 0)
        buf_append(&c->r->reply, line, strnlen(line, sizeof(line)));
}

/* Listings come in parts: stop in time for one more line and the NUL. */
static bool is_full(const struct control *c)
{
    return buf_len(&c->r->reply) > XENSTORE_PAYLOAD_MAX - 512;
}

static bool arg_number(const struct control *c, size_t i, unsigned long max,
                       unsigned long *out)
{
    return i < c->nr && wire_number(c->arg[i], max, out);
}

/* --- commands ---------------------------------------------------------------
 */

static int run_check(struct control *c)
{
    const char *wrong = store_check(c->r->s);

    if (!wrong)
        return 0;
    store_log(c->r->s, LOG_ERR, "check: %s", wrong);
    say(c, "%s\n", wrong);
    return 0;
}

static int run_log(struct control *c)
{
    if (c->nr != 2 || (strcmp(c->arg[1], "on") && strcmp(c->arg[1], "off")))
        return -EINVAL;
    c->r->s->trace = !strcmp(c->arg[1], "on");
    return 0;
}

static int run_print(struct control *c)
{
    if (c->nr != 2)
        return -EINVAL;
    store_log(c->r->s, LOG_NOTE, "%s", c->arg[1]);
    return 0;
}

static int run_memreport(struct control *c)
{
    struct store *s = c->r->s;
    const struct domain *d;
    int64_t bytes = 0;

    for (d = store_next_domain(s, NULL); d; d = store_next_domain(s, d))
        bytes += d->used[QUOTA_MEMORY];
    say(c,
        "nodes %zu\nbytes accounted %" PRId64 "\npermission lists %zu\n"
        "watched paths %zu\n",
        s->nr_nodes, bytes, s->perms.nr, s->watched.nr);
    return 0;
}

static int quota_set(struct control *c)
{
    struct store *s = c->r->s;
    unsigned long value, domid;
    int q = c->nr >= 4 ? quota_by_name(c->arg[2]) : -1;

    if (q < 0 || c->nr > 5 || !arg_number(c, 3, INT64_MAX, &value))
        return -EINVAL;
    if (c->nr == 4) {
        s->limit[q] = (int64_t)value;
        journal_limits(s);
        return 0;
    }
    if (!arg_number(c, 4, DOMID_LIMIT - 1, &domid))
        return -EINVAL;
    store_domain(s, (unsigned int)domid)->limit[q] = (int64_t)value;
    journal_domain(s, store_domain(s, (unsigned int)domid));
    return 0;
}

static int quota_of(struct control *c)
{
    struct store *s = c->r->s;
    const struct domain *d;
    unsigned long domid;
    int q;

    if (c->nr != 2 || !arg_number(c, 1, DOMID_LIMIT - 1, &domid))
        return -EINVAL;
    d = store_domain(s, (unsigned int)domid);
    for (q = 0; q < QUOTA_NR; q++)
        say(c, "%-18s: %8" PRId64 " of %8" PRId64 ", refused %" PRIu64 "\n",
            quota_info[q].name, d->used[q], quota_limit(s, d, q),
            d->refusals[q]);
    return 0;
}

static int run_quota(struct control *c)
{
    int q;

    if (c->nr > 1 && !strcmp(c->arg[1], "set"))
        return quota_set(c);
    if (c->nr > 1)
        return quota_of(c);
    for (q = 0; q < QUOTA_NR; q++)
        say(c, "%-18s: %8" PRId64 "\n", quota_info[q].name, c->r->s->limit[q]);
    return 0;
}

/*
 * For programs: a line per domain from the id given on, then "end" if that
 * was all. Each pair is used/limit of a counted quota.
 */
static int run_domains(struct control *c)
{
    struct store *s = c->r->s;
    struct domain *d;
    unsigned long first = 0;
    int q;

    if (c->nr > 2 || (c->nr == 2 && !arg_number(c, 1, UINT32_MAX, &first)))
        return -EINVAL;
    for (d = store_next_domain(s, NULL); d; d = store_next_domain(s, d)) {
        if (d->domid < first)
            continue;
        if (is_full(c))
            return 0;
        say(c, "%u", d->domid);
        for (q = 0; q < QUOTA_NR; q++)
            if (quota_info[q].counted)
                say(c, " %s=%" PRId64 "/%" PRId64 "/%" PRIu64,
                    quota_info[q].name, d->used[q],
                    d->domid ? quota_limit(s, d, q) : -1, d->refusals[q]);
        say(c, "\n");
    }
    say(c, "end\n");
    return 0;
}

/* The same of clients, in the order of their ids. */
static int run_clients(struct control *c)
{
    const struct client *k, *next;
    unsigned long from = 0;

    if (c->nr > 2 || (c->nr == 2 && !arg_number(c, 1, UINT32_MAX, &from)))
        return -EINVAL;
    for (;;) {
        next = NULL;
        for (k = c->r->s->clients; k; k = k->next)
            if (k->id >= from && (!next || k->id < next->id))
                next = k;
        if (!next || is_full(c))
            break;
        say(c,
            "%u domain=%u ring=%d requests=%" PRIu64
            " watches=%u transactions=%u queued=%zu\n",
            next->id, next->domain->domid, next->is_ring, next->nr_requests,
            next->nr_watches, next->nr_txns, buf_len(&next->out));
        from = next->id + 1ul;
    }
    if (!next)
        say(c, "end\n");
    return 0;
}

static int run_stats(struct control *c)
{
    const struct store *s = c->r->s;

    say(c,
        "requests=%" PRIu64 " events=%" PRIu64 " commits=%" PRIu64
        " aborts=%" PRIu64 " nodes=%zu watched=%zu\n",
        s->nr_requests, s->nr_events, s->nr_commits, s->nr_aborts, s->nr_nodes,
        s->watched.nr);
    return 0;
}

static int run_help(struct control *c);

static const struct control_row control_table[] = {
    {"check", "", run_check},
    {"clients", "[<first-id>]", run_clients},
    {"domains", "[<first-domid>]", run_domains},
    {"help", "", run_help},
    {"log", "on|off", run_log},
    {"memreport", "", run_memreport},
    {"print", "<string>", run_print},
    {"quota", "[set <name> <value> [<domid>] | <domid>]", run_quota},
    {"stats", "", run_stats},
};

#define NR_ROWS (sizeof(control_table) / sizeof(control_table[0]))

static int run_help(struct control *c)
{
    size_t i;

    say(c, "Supported commands:\n");
    for (i = 0; i < NR_ROWS; i++)
        say(c, "\t%s %s\n", control_table[i].name, control_table[i].usage);
    if (c->r->s->ops->control)
        c->r->s->ops->control(c->r->s->ctx, c->r->c, "help", sizeof("help"),
                              &c->r->reply);
    return 0;
}

static int unknown(struct request *r)
{
    if (!r->s->ops->control)
        return -EINVAL;
    return r->s->ops->control(r->s->ctx, r->c, r->payload, r->len, &r->reply);
}

int req_control(struct request *r)
{
    struct control c = {.r = r};
    size_t i;
    int rc;

    c.nr = wire_count(r->payload, r->len);
    if (!c.nr || c.nr > ARGS_MAX ||
        !wire_strings(r->payload, r->len, c.arg, c.nr))
        return -EINVAL;
    for (i = 0; i < NR_ROWS; i++)
        if (!strcmp(control_table[i].name, c.arg[0]))
            break;
    rc = i < NR_ROWS ? control_table[i].run(&c) : unknown(r);
    if (!rc && buf_len(&r->reply))
        request_reply(r, "", 1);
    return rc;
}
