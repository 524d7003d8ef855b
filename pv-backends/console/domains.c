#include "pv-backends/console/domains.h"

#include "pv-backends/runtime/loop.h"
#include "pv-backends/runtime/store.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct domain {
    LIST_ENTRY(domain) link;
    struct domains *all;
    uint32_t domid;
    struct console *console;
    struct store_watch *watch;
    bool seen;
};

struct domains {
    struct loop *loop;
    const struct console_dirs *dirs;
    struct store_watch *introduced, *released;
    LIST_HEAD(, domain) list;
};

static struct domain *find(struct domains *ds, uint32_t domid)
{
    struct domain *d;

    LIST_FOREACH(d, &ds->list, link)
    {
        if (d->domid == domid)
            return d;
    }
    return NULL;
}

static void drop(struct domain *d)
{
    store_unwatch(d->all->loop->store, d->watch);
    if (d->console)
        console_free(d->console);
    LIST_REMOVE(d, link);
    free(d);
}

/* The log is called after the guest, whose name comes before its console. */
static void make_console(struct domain *d)
{
    char home[48], number[16];
    char *name;

    snprintf(home, sizeof(home), "/local/domain/%u", d->domid);
    snprintf(number, sizeof(number), "%u", d->domid);
    name = store_read(d->all->loop->store, 0, home, "name");
    d->console = console_new(d->all->loop, d->all->dirs, d->domid,
                             name && *name ? name : number);
    free(name);
}

static void console_changed(void *arg, const char *path)
{
    struct domain *d = arg;
    const char *key = strrchr(path, '/');
    char node[64];

    if (key && !strcmp(key, "/tty"))
        return; /* our own doing */
    snprintf(node, sizeof(node), "/local/domain/%u/console", d->domid);
    if (!d->console && store_exists(d->all->loop->store, node, "ring-ref"))
        make_console(d);
    if (d->console)
        console_look(d->console);
}

static void add(struct domains *ds, uint32_t domid)
{
    struct domain *d = calloc(1, sizeof(*d));
    char path[64];

    if (!d)
        return;
    d->all = ds;
    d->domid = domid;
    d->seen = true;
    snprintf(path, sizeof(path), "/local/domain/%u/console", domid);
    d->watch = store_watch(ds->loop->store, path, console_changed, d);
    if (!d->watch) {
        free(d);
        return;
    }
    LIST_INSERT_HEAD(&ds->list, d, link);
}

/* Guests that are in the store and known to it; what is no longer goes. */
static void look(void *arg, const char *path)
{
    struct domains *ds = arg;
    struct store *s = ds->loop->store;
    struct domain *d, *next;
    unsigned int nr = 0;
    uint32_t domid;
    char **names, *end;

    (void)path;
    names = store_list(s, "/local/domain", &nr);
    if (!names && !store_is_up(s))
        return;
    LIST_FOREACH(d, &ds->list, link)
    d->seen = false;
    for (unsigned int i = 0; i < nr; i++) {
        domid = strtoul(names[i], &end, 10);
        if (*end || end == names[i] || !domid || !store_knows_domain(s, domid))
            continue;
        d = find(ds, domid);
        if (d)
            d->seen = true;
        else
            add(ds, domid);
    }
    free(names);
    for (d = LIST_FIRST(&ds->list); d && store_is_up(s); d = next) {
        next = LIST_NEXT(d, link);
        if (!d->seen)
            drop(d);
    }
}

int domains_open(struct domains **out, struct loop *loop,
                 const struct console_dirs *dirs)
{
    struct domains *ds = calloc(1, sizeof(*ds));

    if (!ds)
        return -ENOMEM;
    ds->loop = loop;
    ds->dirs = dirs;
    LIST_INIT(&ds->list);
    ds->introduced = store_watch(loop->store, "@introduceDomain", look, ds);
    ds->released = store_watch(loop->store, "@releaseDomain", look, ds);
    if (!ds->introduced || !ds->released) {
        domains_close(ds);
        return -ENOMEM;
    }
    *out = ds;
    return 0;
}

void domains_close(struct domains *ds)
{
    struct domain *d;

    while ((d = LIST_FIRST(&ds->list))) {
        store_unwatch(ds->loop->store, d->watch);
        if (d->console)
            console_leave(d->console);
        LIST_REMOVE(d, link);
        free(d);
    }
    store_unwatch(ds->loop->store, ds->introduced);
    store_unwatch(ds->loop->store, ds->released);
    free(ds);
}

void domains_reopen_logs(struct domains *ds)
{
    struct domain *d;

    LIST_FOREACH(d, &ds->list, link)
    {
        if (d->console)
            console_reopen_log(d->console);
    }
}
