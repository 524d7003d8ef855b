#include "dom0/builder/nodes.h"
#include "dom0/builder/builder.h"
#include "dom0/config/domconfig.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSOLE_LIMIT (1u << 20) /* bytes that stock xenconsoled keeps */

void node_list_init(struct node_list *l)
{
    *l = (struct node_list){0};
}

void node_list_free(struct node_list *l)
{
    for (size_t i = 0; i < l->nr; i++) {
        free(l->nodes[i].path);
        free(l->nodes[i].value);
    }
    free(l->nodes);
    *l = (struct node_list){0};
}

static int grow(struct node_list *l)
{
    size_t room = l->room ? 2 * l->room : 64;
    struct node *nodes = reallocarray(l->nodes, room, sizeof(*nodes));

    if (!nodes)
        return -ENOMEM;
    l->nodes = nodes;
    l->room = room;
    return 0;
}

static int add(struct node_list *l, const char *path,
               const struct node_perms *perms, const char *fmt, va_list ap)
{
    struct node *n;

    if (l->nr == l->room && grow(l))
        return -ENOMEM;
    n = &l->nodes[l->nr];
    *n = (struct node){.path = strdup(path), .has_perms = perms != NULL};
    if (perms)
        n->perms = *perms;
    if (!n->path || vasprintf(&n->value, fmt, ap) < 0) {
        free(n->path);
        return -ENOMEM;
    }
    l->nr++;
    return 0;
}

int node_list_add(struct node_list *l, const char *path,
                  const struct node_perms *perms, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = add(l, path, perms, fmt, ap);
    va_end(ap);
    return rc;
}

/* A directory whose nodes are being added; the first error stays. */
struct writer {
    struct node_list *l;
    const char *dir;
    int rc;
};

static void put(struct writer *w, const char *name,
                const struct node_perms *perms, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void put(struct writer *w, const char *name,
                const struct node_perms *perms, const char *fmt, ...)
{
    char path[256];
    va_list ap;

    if (w->rc)
        return;
    snprintf(path, sizeof(path), "%s%s%s", w->dir, *name ? "/" : "", name);
    va_start(ap, fmt);
    w->rc = add(w->l, path, perms, fmt, ap);
    va_end(ap);
}

/* Nodes of a new domain and who may use them. */
struct rights {
    struct node_perms guest_reads; /* domain 0's, the guest may look */
    struct node_perms guest_owns;
    struct node_perms front; /* the guest's, domain 0 may look */
    struct node_perms hidden;
};

static void put_control(struct writer *w, const struct rights *r)
{
    static const char *const owned[] = {
        "control/shutdown",
        "control/feature-poweroff",
        "control/feature-reboot",
        "control/feature-suspend",
        "control/sysrq",
        "device/suspend/event-channel",
        "data",
        "drivers",
        "feature",
        "attr",
        "error",
    };

    put(w, "control", &r->guest_reads, "%s", "");
    put(w, "device", &r->guest_reads, "%s", "");
    put(w, "device/suspend", &r->guest_reads, "%s", "");
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        put(w, owned[i], &r->guest_owns, "%s", "");
    put(w, "control/platform-feature-multiprocessor-suspend", &r->guest_reads,
        "1");
    put(w, "control/platform-feature-xs_reset_watches", &r->guest_reads, "1");
}

static void put_cpus(struct writer *w, const struct domconfig *cfg)
{
    char name[40];

    put(w, "cpu", NULL, "%s", "");
    for (unsigned i = 0; i < cfg->max_vcpus; i++) {
        snprintf(name, sizeof(name), "cpu/%u/availability", i);
        put(w, name, NULL, "%s", i < cfg->vcpus ? "online" : "offline");
    }
}

/* The device directories exist for the guest's watch on them. */
static void put_console(struct writer *w, const struct built_domain *b,
                        const struct rights *r)
{
    put(w, "console", &r->front, "%s", "");
    put(w, "console/backend", &r->front,
        "/local/domain/%u/backend/console/%u/0", b->console_domid, b->domid);
    put(w, "console/backend-id", &r->front, "%u", b->console_domid);
    put(w, "console/limit", &r->guest_reads, "%u", CONSOLE_LIMIT);
    put(w, "console/type", &r->guest_reads, "xenconsoled");
    put(w, "console/output", &r->guest_reads, "pty");
    put(w, "console/tty", &r->guest_reads, "%s", "");
    put(w, "console/port", &r->guest_reads, "%u", b->console_port);
    put(w, "console/ring-ref", &r->guest_reads, "%llu",
        (unsigned long long)b->console_mfn);
}

static void put_guest(struct writer *w, const struct domconfig *cfg,
                      const struct built_domain *b, const struct rights *r,
                      const char *uuid)
{
    put(w, "", &r->guest_reads, "%s", "");
    put(w, "vm", NULL, "/vm/%s", uuid);
    put(w, "name", NULL, "%s", cfg->name);
    put(w, "domid", NULL, "%u", b->domid);
    put_cpus(w, cfg);
    put(w, "memory", NULL, "%s", "");
    put(w, "memory/static-max", NULL, "%llu",
        (unsigned long long)cfg->maxmem_kib);
    put(w, "memory/target", NULL, "%llu", (unsigned long long)cfg->memory_kib);
    put(w, "memory/videoram", NULL, "0");
    put_control(w, r);
    put(w, "device/vbd", &r->guest_reads, "%s", "");
    put(w, "device/vif", &r->guest_reads, "%s", "");
    put(w, "store", NULL, "%s", "");
    put(w, "store/port", NULL, "%u", b->store_port);
    put(w, "store/ring-ref", NULL, "%llu", (unsigned long long)b->store_mfn);
    put_console(w, b, r);
}

static void put_console_backend(struct writer *w, const struct built_domain *b,
                                const struct rights *r)
{
    put(w, "", &r->guest_reads, "%s", "");
    put(w, "frontend", NULL, "/local/domain/%u/console", b->domid);
    put(w, "frontend-id", NULL, "%u", b->domid);
    put(w, "online", NULL, "1");
    put(w, "state", NULL, "1");
    put(w, "protocol", NULL, "vt100");
}

static void put_vm(struct writer *w, const struct domconfig *cfg,
                   const struct rights *r, const char *uuid, int64_t start_time)
{
    put(w, "", &r->guest_reads, "%s", "");
    put(w, "name", NULL, "%s", cfg->name);
    put(w, "uuid", NULL, "%s", uuid);
    put(w, "image", NULL, "%s", "");
    put(w, "image/ostype", NULL, "linux");
    if (cfg->kernel && !cfg->bootloader)
        put(w, "image/kernel", NULL, "%s", cfg->kernel);
    if (cfg->ramdisk && !cfg->bootloader)
        put(w, "image/ramdisk", NULL, "%s", cfg->ramdisk);
    put(w, "image/cmdline", NULL, "%s", cfg->cmdline);
    put(w, "start_time", NULL, "%lld.00", (long long)start_time);
}

/* What stock tools know a running domain by. */
static void put_libxl(struct writer *w, const struct rights *r)
{
    put(w, "", &r->hidden, "%s", "");
    put(w, "type", NULL, "pv");
    put(w, "dm-version", NULL, "qemu_xen");
    put(w, "device", NULL, "%s", "");
}

/* In the order that nodes_for_domain() relies on. */
enum root {
    ROOT_GUEST,
    ROOT_VM,
    ROOT_LIBXL,
    ROOT_CONSOLE,
};

unsigned nodes_roots(uint32_t domid, const uint8_t uuid[16],
                     char roots[NODE_ROOTS][96])
{
    char text[37];

    domconfig_uuid_print(uuid, text);
    snprintf(roots[ROOT_GUEST], sizeof(roots[0]), "/local/domain/%u", domid);
    snprintf(roots[ROOT_VM], sizeof(roots[0]), "/vm/%s", text);
    snprintf(roots[ROOT_LIBXL], sizeof(roots[0]), "/libxl/%u", domid);
    snprintf(roots[ROOT_CONSOLE], sizeof(roots[0]),
             "/local/domain/0/backend/console/%u", domid);
    return NODE_ROOTS;
}

int nodes_for_domain(struct node_list *l, const struct domconfig *cfg,
                     const struct built_domain *b, int64_t start_time)
{
    struct rights r = {
        .guest_reads = {0, (int32_t)b->domid},
        .guest_owns = {b->domid, -1},
        .front = {b->domid, 0},
        .hidden = {0, -1},
    };
    char roots[NODE_ROOTS][96], uuid[37], console[100];
    struct writer w = {.l = l};

    nodes_roots(b->domid, b->uuid, roots);
    domconfig_uuid_print(b->uuid, uuid);
    snprintf(console, sizeof(console), "%s/0", roots[ROOT_CONSOLE]);
    w.dir = roots[ROOT_GUEST];
    put_guest(&w, cfg, b, &r, uuid);
    w.dir = roots[ROOT_VM];
    put_vm(&w, cfg, &r, uuid, start_time);
    w.dir = roots[ROOT_LIBXL];
    put_libxl(&w, &r);
    w.dir = console;
    put_console_backend(&w, b, &r);
    return w.rc;
}
