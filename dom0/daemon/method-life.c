/* Guests begin, stop and end. */
#include "dom0/daemon/method.h"

#include "dom0/daemon/intent.h"
#include "dom0/daemon/lifecycle.h"
#include "dom0/daemon/log.h"
#include "dom0/daemon/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHUTDOWN_WAIT_S 120

/* --- create ----------------------------------------------------------------*/

/* All errors in one message, one a line, as long as they fit. */
static int report_fault(const struct report *r, struct fault *f)
{
    char text[sizeof(f->text)];
    size_t n = 0;
    unsigned i;

    text[0] = 0;
    for (i = 0; i < r->nr_lines; i++) {
        if (!r->lines[i].error ||
            n + strlen(r->lines[i].text) + 2 > sizeof(text))
            continue;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "\n" : "",
                              r->lines[i].text);
    }
    return fault_set(f, -EINVAL, FAULT_CONFIG, "%s",
                     n ? text : "the configuration cannot be read");
}

static struct domconfig *parse(struct call *c, const char *text,
                               const char *source)
{
    struct domconfig *cfg = NULL;
    struct report report;
    unsigned i;
    char line[600];

    report_init(&report, source);
    if (domconfig_parse(text, strlen(text), NULL, &report, &cfg)) {
        report_fault(&report, &c->fault);
        cfg = NULL;
    }
    for (i = 0; cfg && i < report.nr_lines; i++) {
        snprintf(line, sizeof(line), "warning: %s", report.lines[i].text);
        call_progress(c, line);
    }
    report_free(&report);
    return cfg;
}

/* A guest of the call's configuration, not yet entered anywhere. */
static struct guest *prepare(struct call *c)
{
    const char *text = rpc_string(c->req.params, "config");
    const char *source = rpc_string(c->req.params, "source");
    char bridge[IFNAMSIZ];
    struct domconfig *cfg;
    struct guest *g;

    if (!source)
        source = "configuration";
    cfg = parse(c, text, source);
    if (!cfg)
        return NULL;
    g = guest_new(cfg, text, source);
    if (!g) {
        fault_set(&c->fault, -ENOMEM, FAULT_FAILED, "out of memory");
        return NULL;
    }
    /* Before others see it: its devices are not locked yet. */
    daemon_default_bridge(c->d, bridge);
    if (guest_take_devices(g, bridge, &c->fault)) {
        guest_free(g);
        return NULL;
    }
    return g;
}

int method_create(struct call *c)
{
    struct progress p = call_progress_of(c);
    struct guest *g = prepare(c);
    int64_t start = now_ms();
    int rc;

    if (!g)
        return -EINVAL;
    /* Its name first: "exists already" is a better answer than what else
     * would be wrong with a second one. */
    rc = registry_add(c->d->registry, g, "it is being created", &c->fault);
    if (rc) {
        guest_free(g);
        return rc;
    }
    rc = create_claim(c->d, g, &c->fault);
    if (!rc)
        rc = intent_begin(c->d, g, INTENT_CREATE);
    if (!rc)
        rc = create_start(c->d, c->kit, g, rpc_bool(c->req.params, "paused"),
                          &p, &c->fault);
    if (!rc) {
        c->result = json_pack("{s:s,s:I,s:I}", "name", g->name, "domid",
                              (json_int_t)g->domid, "ms",
                              (json_int_t)(now_ms() - start));
        log_info("guest %s: domain %u created in %lld ms", g->name, g->domid,
                 (long long)(now_ms() - start));
    } else {
        registry_drop(c->d->registry, g);
    }
    intent_end(c->d, g);
    registry_end(c->d->registry, g);
    registry_put(c->d->registry, g);
    return rc;
}

int method_destroy(struct call *c)
{
    struct guest *g = call_guest(c);
    int rc;

    if (!g)
        return -ENOENT;
    rc = registry_begin(c->d->registry, g, "it is being destroyed", &c->fault);
    if (!rc) {
        rc = lifecycle_destroy(c->d, c->kit, g, true, &c->fault);
        registry_end(c->d->registry, g);
    }
    registry_put(c->d->registry, g);
    return rc;
}

/* --- pause, unpause --------------------------------------------------------*/

static int with_domain(struct call *c,
                       int (*run)(struct hv *hv, uint32_t domid))
{
    struct guest *g;
    uint32_t domid;
    int rc = call_domain(c, &domid, &g);

    if (rc)
        return rc;
    rc = run(c->kit->hv, domid);
    registry_put(c->d->registry, g);
    return rc;
}

int method_pause(struct call *c)
{
    return with_domain(c, hv_domain_pause);
}

int method_unpause(struct call *c)
{
    return with_domain(c, hv_domain_unpause);
}

/* --- shutdown, reboot ------------------------------------------------------*/

struct wish {
    uint32_t domid;
    const char *what; /* poweroff, reboot */
};

/* -ENOTCONN: the guest's kernel has not said that it listens. */
static int wish_step(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    const struct wish *w = arg;

    if (store_read_number(xs, t, 0, "/local/domain/%u/control/feature-%s",
                          w->domid, w->what) != 1)
        return -ENOTCONN;
    return store_write(xs, t, w->what, "/local/domain/%u/control/shutdown",
                       w->domid);
}

/* Until the guest has left this domain: gone, another one, or preserved. */
static int wait_end(struct call *c, struct guest *g, uint32_t domid)
{
    struct registry *r = c->d->registry;
    json_int_t s = rpc_int(c->req.params, "timeout", SHUTDOWN_WAIT_S);
    int64_t deadline = now_ms() + s * 1000;
    uint64_t epoch = 0;
    int rc = 0;

    registry_lock(r);
    while (!rc && g->domid == domid && g->state != GUEST_PRESERVED)
        rc = registry_wait_locked(r, &epoch, deadline);
    registry_unlock(r);
    if (rc)
        return fault_set(&c->fault, rc, FAULT_TIMEOUT,
                         "guest %s still runs after %lld s", g->name,
                         (long long)s);
    return 0;
}

static int ask_guest(struct call *c, const char *what)
{
    struct wish w = {.what = what};
    struct guest *g;
    int rc = call_domain(c, &w.domid, &g);

    if (rc)
        return rc;
    rc = store_transaction(c->kit->xs, wish_step, &w);
    if (rc == -ENOTCONN)
        fault_set(&c->fault, rc, FAULT_FAILED,
                  "guest %s does not listen to such requests (yet); "
                  "\"pvn destroy\" ends it at once",
                  rpc_string(c->req.params, "guest"));
    if (!rc && rpc_bool(c->req.params, "wait"))
        rc = g ? wait_end(c, g, w.domid)
               : fault_set(&c->fault, -EINVAL, FAULT_PARAMS,
                           "only guests of ours can be waited for");
    registry_put(c->d->registry, g);
    return rc;
}

int method_shutdown(struct call *c)
{
    return ask_guest(c, "poweroff");
}

int method_reboot(struct call *c)
{
    return ask_guest(c, "reboot");
}
