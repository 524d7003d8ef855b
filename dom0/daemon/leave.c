#include "dom0/daemon/leave.h"

#include "dom0/daemon/log.h"
#include "dom0/daemon/netsetup.h"
#include "dom0/daemon/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 5000

struct leaving {
    struct daemon *d;
    unsigned nr_ending;
};

static void ended(void *arg)
{
    struct leaving *l = arg;

    l->nr_ending--;
}

static void end_child(void *ctx, const char *name)
{
    struct leaving *l = ctx;

    l->nr_ending++;
    supervisor_stop(l->d->supervisor, name, GRACE_MS, ended, l);
}

static int refuse_with_guests(struct daemon *d, struct fault *f)
{
    char names[256] = "";
    struct guest *g;
    size_t at = 0;

    registry_load(d->registry);
    registry_lock(d->registry);
    for (g = registry_first(d->registry); g && at < sizeof(names); g = g->next)
        at += (size_t)snprintf(names + at, sizeof(names) - at, " %s", g->name);
    registry_unlock(d->registry);
    return at ? fault_set(f, -EBUSY, FAULT_BUSY,
                          "these guests still run:%s (end them first, by pvn "
                          "shutdown or pvn destroy)",
                          names)
              : 0;
}

int leave_host(struct daemon *d, struct fault *f)
{
    struct leaving l = {.d = d};
    struct networks n = {0};
    char path[300], *text;
    size_t len;
    int rc = refuse_with_guests(d, f);

    if (rc)
        return rc;
    supervisor_each_orphan(d->supervisor, end_child, &l);
    while (l.nr_ending)
        event_base_loop(loop_base(d->loop), EVLOOP_ONCE);

    snprintf(path, sizeof(path), "%s/networks.conf", d->o.etc_dir);
    text = read_file(path, NETWORKS_FILE_MAX, &len);
    if (text)
        rc = networks_parse(&n, path, text, len, f);
    free(text);
    if (rc)
        return rc;
    rc = netsetup_remove(&n, f);
    networks_release(&n);
    return rc;
}
