#include "dom0/debug/trace.h"

#include "dom0/libs/evtchn/evtchn.h"
#include "dom0/libs/foreignmem/foreignmem.h"
#include "dom0/libs/hypercall/hypercall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, MAX_CPUS = 4096, MAX_LIST = 1 << 22 };

#define EVENTS (TRC_GEN | TRC_SCHED | TRC_PV)

struct cpu {
    struct t_buf *buf; /* NULL: this CPU is not there */
    struct trace_cpu who;
};

/* A record of the guest that waits for its turn. */
struct waiting {
    struct trace_record r;
    size_t nr; /* as it came, where times are the same */
};

struct tracer {
    struct hv *hv;
    struct fmem *fm;
    struct evtchn *ec;
    uint32_t port, domid;
    uint32_t pages, size; /* of a buffer; its bytes of records */
    uint32_t nr_cpus, khz;
    struct cpu *cpus;
    uint32_t *window;

    struct waiting *waiting;
    size_t nr_waiting, room;
    uint64_t first_tsc, newest, mark; /* mark: newest of the read before */
    struct trace_totals totals;
};

/* --- getting hold of the buffers -------------------------------------------*/

/* Frames of the hypervisor's: those of a list, or one after the other. */
static int map(struct tracer *t, int prot, const uint32_t *list, uint64_t first,
               uint32_t nr, void **at)
{
    xen_pfn_t *frames = malloc(nr * sizeof(*frames));
    int rc;

    if (!frames)
        return -ENOMEM;
    for (uint32_t i = 0; i < nr; i++)
        frames[i] = list ? list[i] : first + i;
    rc = fmem_map(t->fm, DOMID_XEN, prot, nr, frames, at);
    free(frames);
    return rc;
}

static int map_cpu(struct tracer *t, const uint32_t *list, uint32_t nr_words,
                   uint32_t at, struct cpu *c)
{
    void *p;
    int rc;

    if (!at)
        return 0;
    if (at > nr_words || t->pages > nr_words - at)
        return -EPROTO;
    rc = map(t, PROT_READ | PROT_WRITE, list + at, 0, t->pages, &p);
    if (!rc)
        c->buf = p;
    return rc;
}

static int map_cpus(struct tracer *t, const struct t_info *info,
                    uint32_t nr_words)
{
    size_t nr_offsets = nr_words * 2 - 1; /* as many as the list has room for */
    int rc = 0;

    t->pages = info->tbuf_size;
    if (!t->pages || t->nr_cpus > nr_offsets)
        return -EPROTO;
    t->size = t->pages * PAGE - (uint32_t)sizeof(struct t_buf);
    t->window = malloc(t->size);
    if (!t->window)
        return -ENOMEM;
    for (uint32_t i = 0; !rc && i < t->nr_cpus; i++) {
        t->cpus[i].who =
            (struct trace_cpu){.cpu = (uint16_t)i, .domid = DOMID_IDLE};
        rc = map_cpu(t, (const uint32_t *)info, nr_words, info->mfn_offset[i],
                     &t->cpus[i]);
    }
    return rc;
}

static int map_all(struct tracer *t)
{
    uint32_t bytes, nr;
    uint64_t mfn;
    void *info;
    int rc = hv_trace_info(t->hv, &mfn, &bytes);

    if (rc)
        return rc;
    nr = bytes / PAGE;
    if (!mfn || !nr || bytes > MAX_LIST)
        return -EPROTO;
    rc = map(t, PROT_READ, NULL, mfn, nr, &info);
    if (rc)
        return rc;
    rc = map_cpus(t, info, nr * PAGE / sizeof(uint32_t));
    fmem_unmap(t->fm, info, nr);
    return rc;
}

static int look_at_machine(struct tracer *t)
{
    struct xen_sysctl_physinfo info;
    int rc = hv_physinfo(t->hv, &info);

    if (rc)
        return rc;
    t->khz = info.cpu_khz ? info.cpu_khz : 1;
    t->nr_cpus = info.max_cpu_id + 1;
    if (!t->nr_cpus || t->nr_cpus > MAX_CPUS)
        return -EPROTO;
    t->cpus = calloc(t->nr_cpus, sizeof(*t->cpus));
    return t->cpus ? 0 : -ENOMEM;
}

static int ready(struct tracer *t, uint32_t pages)
{
    int rc = hv_open(&t->hv);

    if (!rc)
        rc = fmem_open(&t->fm);
    if (!rc)
        rc = evtchn_open(&t->ec);
    /* Only one program may have it: that is our lock, xentrace's too. */
    if (!rc)
        rc = evtchn_bind_virq(t->ec, VIRQ_TBUF, &t->port);
    if (!rc)
        rc = look_at_machine(t);
    if (rc)
        return rc;
    rc = hv_trace_set_size(t->hv, pages);
    if (rc && rc != -EBUSY && rc != -EINVAL)
        return rc;
    /* What a program before us may have left on. */
    rc = hv_trace_turn(t->hv, false);
    if (!rc)
        rc = hv_trace_set_events(t->hv, EVENTS);
    return rc ? rc : map_all(t);
}

int tracer_open(struct tracer **tp, uint32_t domid, uint32_t pages)
{
    struct tracer *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return -ENOMEM;
    t->domid = domid;
    rc = ready(t, pages);
    if (rc) {
        tracer_close(t);
        return rc;
    }
    for (uint32_t i = 0; i < t->nr_cpus; i++)
        if (t->cpus[i].buf)
            t->cpus[i].buf->cons = t->cpus[i].buf->prod;
    *tp = t;
    return 0;
}

void tracer_close(struct tracer *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; t->cpus && i < t->nr_cpus; i++)
        if (t->cpus[i].buf)
            fmem_unmap(t->fm, t->cpus[i].buf, t->pages);
    evtchn_close(t->ec);
    fmem_close(t->fm);
    hv_close(t->hv);
    free(t->waiting);
    free(t->window);
    free(t->cpus);
    free(t);
}

int tracer_turn(struct tracer *t, bool on)
{
    return hv_trace_turn(t->hv, on);
}

uint32_t tracer_pages(const struct tracer *t)
{
    return t->pages;
}

int tracer_fd(const struct tracer *t)
{
    return evtchn_fd(t->ec);
}

/* --- reading ---------------------------------------------------------------*/

/* Xen's schedulers tell more of themselves than who runs. */
static bool is_of_interest(uint32_t event)
{
    return event >> TRC_CLS_SHIFT != TRC_SCHED >> TRC_CLS_SHIFT ||
           event == TRC_SCHED_CONTINUE_RUNNING || trace_is_change(event);
}

static void collect(void *arg, const struct trace_record *r)
{
    struct tracer *t = arg;

    if (!t->first_tsc || r->tsc < t->first_tsc)
        t->first_tsc = r->tsc;
    if (r->tsc > t->newest)
        t->newest = r->tsc;
    if (r->event == TRC_LOST_RECORDS)
        t->totals.nr_lost += r->word[0];
    else if (r->domid != t->domid || !is_of_interest(r->event))
        return;
    if (t->nr_waiting == t->room) {
        size_t room = t->room ? 2 * t->room : 4096;
        struct waiting *more = realloc(t->waiting, room * sizeof(*more));

        if (!more) {
            t->totals.nr_lost++;
            return;
        }
        t->waiting = more;
        t->room = room;
    }
    t->waiting[t->nr_waiting] = (struct waiting){*r, t->nr_waiting};
    t->nr_waiting++;
}

/* What a CPU has written since, copied out; how many words. */
static size_t take_window(struct tracer *t, struct t_buf *b)
{
    uint32_t prod = __atomic_load_n(&b->prod, __ATOMIC_ACQUIRE);
    uint32_t cons = b->cons, bytes, from, piece;
    const uint8_t *data = (const uint8_t *)(b + 1);

    if (prod % 4 || prod >= 2 * t->size) {
        t->totals.nr_garbled++;
        return 0;
    }
    bytes = prod >= cons ? prod - cons : prod + 2 * t->size - cons;
    if (cons % 4 || cons >= 2 * t->size || bytes > t->size) {
        t->totals.nr_garbled++;
        bytes = 0;
    }
    from = cons % t->size;
    piece = bytes < t->size - from ? bytes : t->size - from;
    memcpy(t->window, data + from, piece);
    memcpy((uint8_t *)t->window + piece, data, bytes - piece);
    /* Read before it may be written over. */
    __atomic_store_n(&b->cons, prod, __ATOMIC_RELEASE);
    return bytes / 4;
}

static void read_cpu(struct tracer *t, struct cpu *c)
{
    size_t nr = c->buf ? take_window(t, c->buf) : 0;

    if (trace_decode(&c->who, t->window, nr, collect, t)) {
        t->totals.nr_garbled++;
        c->who.domid = DOMID_IDLE;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;

    if (x->r.tsc != y->r.tsc)
        return x->r.tsc < y->r.tsc ? -1 : 1;
    return x->nr < y->nr ? -1 : 1;
}

void tracer_read(struct tracer *t, bool last, trace_fn each, void *arg)
{
    size_t i;

    if (evtchn_pending(t->ec, &t->port, 1) > 0)
        evtchn_unmask(t->ec, &t->port, 1);
    for (uint32_t cpu = 0; cpu < t->nr_cpus; cpu++)
        read_cpu(t, &t->cpus[cpu]);
    if (t->nr_waiting)
        qsort(t->waiting, t->nr_waiting, sizeof(t->waiting[0]), by_time);
    for (i = 0; i < t->nr_waiting; i++) {
        if (!last && t->waiting[i].r.tsc > t->mark)
            break;
        each(arg, &t->waiting[i].r);
        t->totals.nr_records += t->waiting[i].r.event != TRC_LOST_RECORDS;
        t->totals.last_tsc = t->waiting[i].r.tsc;
    }
    t->nr_waiting -= i;
    for (size_t n = 0; n < t->nr_waiting; n++)
        t->waiting[n] = (struct waiting){t->waiting[i + n].r, n};
    /* A record read now that is older than this has no older one to come. */
    t->mark = t->newest;
}

bool tracer_guest_is_gone(struct tracer *t)
{
    struct xen_domctl_getdomaininfo info;

    return hv_domain_info(t->hv, t->domid, &info) == -ESRCH;
}

double tracer_us(const struct tracer *t, uint64_t tsc)
{
    return tsc < t->first_tsc ? 0
                              : (double)(tsc - t->first_tsc) * 1000 / t->khz;
}

const struct trace_totals *tracer_totals(const struct tracer *t)
{
    return &t->totals;
}
