/*
 * build-guest [options] CONFIG: make a guest without devices and let it run,
 * with the builder alone: no store, no daemons. Says how long each phase took.
 *   -c DIR   cache of unpacked kernels (none without)
 *   -n N     build and destroy N times (1)
 *   -s SECS  show the guest's console so long (0: do not start it)
 *   -u TEXT  stop when the console shows this
 *   -k       keep the last guest
 *   -x       write its nodes into the store that runs and introduce it
 */
#include "dom0/builder/builder.h"
#include "dom0/builder/nodes.h"
#include "dom0/config/domconfig.h"
#include "dom0/libs/foreignmem/foreignmem.h"
#include "dom0/libs/hypercall/hypercall.h"
#include "xenstore/client/xs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/console.h>

struct options {
    const char *config, *cache, *until;
    int times, seconds, keep, store;
};

struct session {
    struct options o;
    struct hv *hv;
    struct fmem *fm;
    struct builder *b;
    struct domconfig *cfg;
    struct builder_error err;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Take what the guest wrote; the last bytes also go to `tail`. */
static void drain(struct xencons_interface *ring, char *tail, size_t size)
{
    XENCONS_RING_IDX cons = ring->out_cons;
    XENCONS_RING_IDX prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);

    while (cons != prod) {
        char c = ring->out[MASK_XENCONS_IDX(cons++, ring->out)];

        putchar(c);
        memmove(tail, tail + 1, size - 2);
        tail[size - 2] = c ? c : ' ';
    }
    __atomic_store_n(&ring->out_cons, cons, __ATOMIC_RELEASE);
    fflush(stdout);
}

static int watch_console(struct session *s, const struct built_domain *d)
{
    double start = now_ms(), end = start + s->o.seconds * 1e3;
    xen_pfn_t mfn = d->console_mfn;
    struct xen_domctl_getdomaininfo info;
    char tail[128];
    void *ring;
    int rc = fmem_map(s->fm, d->domid, PROT_READ | PROT_WRITE, 1, &mfn, &ring);

    if (rc)
        return rc;
    memset(tail, ' ', sizeof(tail));
    tail[sizeof(tail) - 1] = 0;
    rc = s->o.until ? 1 : 0;
    while (now_ms() < end) {
        drain(ring, tail, sizeof(tail));
        if (s->o.until && strstr(tail, s->o.until)) {
            printf("\nbuild-guest: `%s' after %.0f ms\n", s->o.until,
                   now_ms() - start);
            rc = 0;
            break;
        }
        if (hv_domain_info(s->hv, d->domid, &info) ||
            info.flags & XEN_DOMINF_shutdown) {
            drain(ring, tail, sizeof(tail));
            printf("\nbuild-guest: the guest ended, flags %x\n", info.flags);
            break;
        }
        usleep(2000);
    }
    fmem_unmap(s->fm, ring, 1);
    return rc;
}

static bool put_node(struct xs_handle *xs, xs_transaction_t t,
                     const struct node *n)
{
    struct xs_permissions perms[2] = {
        {n->perms.owner, XS_PERM_NONE},
        {(unsigned)n->perms.reader, XS_PERM_READ}};

    return xs_write(xs, t, n->path, n->value, (unsigned)strlen(n->value)) &&
           (!n->has_perms || xs_set_permissions(xs, t, n->path, perms,
                                                n->perms.reader < 0 ? 1 : 2));
}

/* Into the store that runs, in one transaction. */
static int introduce(struct session *s, const struct built_domain *d)
{
    struct xs_handle *xs = xs_open(0);
    xs_transaction_t t = xs ? xs_transaction_start(xs) : 0;
    struct node_list l;
    double start = now_ms();
    bool ok = t != 0;

    node_list_init(&l);
    ok = ok && !nodes_for_domain(&l, s->cfg, d, time(NULL));
    for (size_t i = 0; i < l.nr && ok; i++)
        ok = put_node(xs, t, &l.nodes[i]);
    ok = ok && xs_transaction_end(xs, t, false);
    ok = ok && xs_introduce_domain(xs, d->domid, d->store_mfn, d->store_port);
    printf("build-guest: %zu nodes %s in %.1f ms\n", l.nr,
           ok ? "written" : "REFUSED", now_ms() - start);
    node_list_free(&l);
    xs_close(xs);
    return ok ? 0 : -1;
}

static void forget(const struct built_domain *d)
{
    struct xs_handle *xs = xs_open(0);
    char roots[NODE_ROOTS][96];
    unsigned nr = nodes_roots(d->domid, d->uuid, roots);

    for (unsigned i = 0; xs && i < nr; i++)
        xs_rm(xs, XBT_NULL, roots[i]);
    xs_close(xs);
}

static int run_once(struct session *s, int i)
{
    struct image *kernel, *ramdisk;
    struct built_domain d;
    double t0 = now_ms(), t1, t2;
    int rc =
        builder_load_images(s->cfg, s->o.cache, &kernel, &ramdisk, &s->err);

    t1 = now_ms();
    if (rc)
        return rc;
    if (kernel->warning[0])
        printf("build-guest: %s\n", kernel->warning);
    rc = builder_build(s->b, s->cfg, kernel, ramdisk, 0, &d, &s->err);
    t2 = now_ms();
    if (rc)
        goto free;
    printf("build-guest: %d: domid %u images %.1f (%s) build %.1f ms: create "
           "%.1f memory %.1f map %.1f kernel %.1f ramdisk %.1f tables %.1f "
           "unmap %.1f start %.1f\n",
           i, d.domid, t1 - t0, kernel->packing, t2 - t1, d.us.create / 1e3,
           d.us.memory / 1e3, d.us.map / 1e3, d.us.kernel / 1e3,
           d.us.ramdisk / 1e3, d.us.tables / 1e3, d.us.unmap / 1e3,
           d.us.start / 1e3);
    fflush(stdout);
    if (s->o.store)
        rc = introduce(s, &d);
    if (s->o.seconds && !rc) {
        rc = hv_domain_unpause(s->hv, d.domid);
        if (!rc)
            rc = watch_console(s, &d);
        if (rc)
            builder_fail(&s->err, rc, "the guest did not get there");
    }
    t2 = now_ms();
    if (!s->o.keep || i + 1 < s->o.times) {
        int gone = hv_domain_destroy(s->hv, d.domid);

        printf("build-guest: destroyed (%d) in %.1f ms\n", gone, now_ms() - t2);
        if (s->o.store)
            forget(&d);
    }
free:
    image_free(ramdisk);
    image_free(kernel);
    return rc;
}

static int open_all(struct session *s)
{
    int rc = hv_open(&s->hv);

    if (rc)
        return builder_fail(&s->err, rc, "no hypervisor: %s", strerror(-rc));
    rc = fmem_open(&s->fm);
    if (rc)
        return builder_fail(&s->err, rc, "no foreign memory: %s",
                            strerror(-rc));
    return builder_open(s->hv, s->fm, &s->b, &s->err);
}

static int load_config(struct session *s)
{
    struct report report;
    int rc;

    report_init(&report, s->o.config);
    rc = domconfig_load(s->o.config, NULL, &report, &s->cfg);
    for (unsigned i = 0; i < report.nr_lines; i++)
        fprintf(stderr, "%s%s\n",
                report.lines[i].error ? "" : "warning: ", report.lines[i].text);
    report_free(&report);
    return rc;
}

static int parse_options(struct options *o, int argc, char **argv)
{
    int c;

    o->times = 1;
    while ((c = getopt(argc, argv, "c:n:s:u:kx")) >= 0)
        switch (c) {
        case 'c':
            o->cache = optarg;
            break;
        case 'n':
            o->times = atoi(optarg);
            break;
        case 's':
            o->seconds = atoi(optarg);
            break;
        case 'u':
            o->until = optarg;
            break;
        case 'k':
            o->keep = 1;
            break;
        case 'x':
            o->store = 1;
            break;
        default:
            return -1;
        }
    o->config = argv[optind];
    return o->config ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct session s = {0};
    int rc = 0;

    if (parse_options(&s.o, argc, argv)) {
        fprintf(stderr, "usage: build-guest [-c DIR] [-n N] [-s SECS] "
                        "[-u TEXT] [-k] [-x] CONFIG\n");
        return 2;
    }
    if (load_config(&s))
        return 1;
    rc = open_all(&s);
    for (int i = 0; i < s.o.times && !rc; i++)
        rc = run_once(&s, i);
    if (rc)
        fprintf(stderr, "build-guest: %s\n", s.err.text);
    builder_close(s.b);
    fmem_close(s.fm);
    hv_close(s.hv);
    domconfig_free(s.cfg);
    return rc != 0;
}
