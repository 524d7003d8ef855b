#include "domain/trace.h"

#include "cpu/feature.h"
#include "cpu/trap.h"
#include "domain/ctl.h"
#include "evtchn/evtchn.h"
#include "lib/spinlock.h"
#include "mm/alloc.h"
#include "time/clock.h"

/*
 * One CPU's. Interrupts are off and only this CPU writes: no lock. What is in
 * the page, domain 0 can write too, so we keep our own `prod` and believe
 * `cons` only after a look.
 */
static struct buffer {
    struct t_buf *page; /* NULL: this CPU has none */
    uint32_t prod;
    uint32_t nr_lost;
    uint64_t first_lost_tsc;
} ALIGNED(64) buffers[MAX_CPUS];

bool trace_on;
static uint32_t data_size; /* bytes of records in a buffer */
static uint32_t event_mask = TRC_ALL;
static cpumask_t cpu_mask = ~0ull;

static struct spinlock control_lock; /* of all below */
static struct t_info *info;          /* once made, for good, as on the peer */
static unsigned info_pages, nr_pages;

/* --- writing ---------------------------------------------------------------
 */

struct PACKED header {
    uint32_t word;
    uint64_t tsc;
};
#define WORD(event, tsc, nr_extra)                                             \
    ((uint32_t)(event) | (uint32_t)(nr_extra) << TRACE_EXTRA_SHIFT |           \
     (tsc ? (uint32_t)TRC_HD_CYCLE_FLAG : 0))

/* Lost records, as a record. */
struct PACKED lost {
    uint32_t nr;
    uint16_t domain, vcpu;
    uint64_t first_tsc;
};

#define LOST_BYTES   (sizeof(struct header) + sizeof(struct lost))
#define RECORD_BYTES (sizeof(struct header) + TRACE_EXTRA_MAX * 4)

static bool is_wanted(uint32_t event)
{
    uint32_t both = READ_ONCE(event_mask) & event;

    return both >> TRC_CLS_SHIFT && (both >> TRC_SUBCLS_SHIFT & 0xf) &&
           (READ_ONCE(cpu_mask) & CPUMASK_OF(cpu_id()));
}

/* Bytes not read yet; all of them, if `cons` makes no sense. */
static uint32_t used(const struct buffer *b)
{
    uint32_t cons = READ_ONCE(b->page->cons), n;

    if (cons % 4 || cons >= 2 * data_size)
        return data_size;
    n = b->prod >= cons ? b->prod - cons : b->prod + 2 * data_size - cons;
    return MIN(n, data_size);
}

static uint8_t *place(const struct buffer *b)
{
    return (uint8_t *)(b->page + 1) + b->prod % data_size;
}

static void advance(struct buffer *b, uint32_t bytes)
{
    b->prod += bytes;
    if (b->prod >= 2 * data_size)
        b->prod -= 2 * data_size;
    /* The record before the index that says it is there. */
    __atomic_store_n(&b->page->prod, b->prod, __ATOMIC_RELEASE);
}

/* A record lies in one piece: fill what is left before the end. */
static void fill_to_end(struct buffer *b, uint32_t left)
{
    uint32_t words = left / 4 - 1;
    bool tsc = words > TRACE_EXTRA_MAX;
    struct header h = {.tsc = 0};

    h.word = WORD(TRC_TRACE_WRAP_BUFFER, tsc, tsc ? words - 2 : words);
    memset(place(b), 0, left);
    memcpy(place(b), &h.word, sizeof(h.word));
    advance(b, left);
}

typedef uint32_t extra_word __attribute__((may_alias, aligned(1)));

static void put(struct buffer *b, uint32_t event, const void *words,
                unsigned nr)
{
    const extra_word *from = words;
    extra_word *to;
    uint32_t bytes = sizeof(struct header) + nr * 4;
    uint32_t left = data_size - b->prod % data_size;
    struct header h = {WORD(event, true, nr), clock_ticks()};

    if (bytes > left)
        fill_to_end(b, left);
    memcpy(place(b), &h, sizeof(h));
    to = (extra_word *)(place(b) + sizeof(h));
    for (unsigned i = 0; i < nr; i++)
        to[i] = from[i];
    advance(b, bytes);
}

static void put_lost(struct buffer *b)
{
    struct lost l = {b->nr_lost, current->domain->id, (uint16_t)current->id,
                     b->first_lost_tsc};

    b->nr_lost = 0;
    put(b, TRC_LOST_RECORDS, &l, sizeof(l) / 4);
}

/* Room for the longest record and what may come with it: a record of lost
   ones, and once the rest before the end. */
#define ROOM (2 * RECORD_BYTES + LOST_BYTES)

void trace_write(uint32_t event, const void *words, unsigned nr_words)
{
    struct buffer *b = &buffers[cpu_id()];
    uint32_t before;

    if (!is_wanted(event) || !b->page)
        return;
    before = used(b);
    if (data_size - before < ROOM) {
        if (!b->nr_lost++)
            b->first_lost_tsc = clock_ticks();
        return;
    }
    if (b->nr_lost)
        put_lost(b);
    put(b, event, words, nr_words);
    if (before < data_size / 2 && used(b) >= data_size / 2)
        cpu_raise(cpu_id(), WORK_TRACE);
}

void trace_notify(void)
{
    virq_raise_global(VIRQ_TBUF);
}

/* --- control ---------------------------------------------------------------
 */

#define LIST_START                                                             \
    (DIV_ROUND_UP(offsetof(struct t_info, mfn_offset[MAX_CPUS]), 4))
#define MAX_PAGES 1024u /* a CPU; more is cut, as on the peer */
static_assert(LIST_START + (MAX_CPUS - 1) * MAX_PAGES <= 0xffff, "mfn_offset");

static unsigned order_of(unsigned pages)
{
    unsigned order = 0;

    while (1u << order < pages)
        order++;
    return order;
}

static void free_all(unsigned pages)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        free_host_pages(buffers[cpu].page, order_of(pages));
        buffers[cpu].page = NULL;
    }
    free_host_pages(info, order_of(info_pages));
    info = NULL;
}

/* Tell domain 0 where a CPU's buffer is, and let it map that. */
static void publish(unsigned cpu, unsigned pages)
{
    unsigned at = (unsigned)LIST_START + cpu * pages;
    struct buffer *b = &buffers[cpu];

    info->mfn_offset[cpu] = (uint16_t)at;
    for (unsigned i = 0; i < pages; i++) {
        void *page = (uint8_t *)b->page + i * PAGE_SIZE;

        ((uint32_t *)info)[at + i] = (uint32_t)virt_to_mfn(page).n;
        frame_share(page, &domain_xen);
    }
}

static int make_buffers(unsigned pages)
{
    unsigned words = (unsigned)LIST_START + nr_cpus * pages;

    info_pages = (unsigned)DIV_ROUND_UP(words * sizeof(uint32_t), PAGE_SIZE);
    info = alloc_host_pages(order_of(info_pages));
    if (!info)
        return -ENOMEM;
    cpumask_for_each(cpu, cpu_online)
    {
        buffers[cpu].page = alloc_host_pages(order_of(pages));
        if (!buffers[cpu].page) {
            free_all(pages);
            return -ENOMEM;
        }
    }
    info->tbuf_size = (uint16_t)pages;
    cpumask_for_each(cpu, cpu_online) publish((unsigned)cpu, pages);
    for (unsigned i = 0; i < info_pages; i++)
        frame_expose(virt_to_mfn((uint8_t *)info + i * PAGE_SIZE));
    data_size = pages * (uint32_t)PAGE_SIZE - sizeof(struct t_buf);
    return 0;
}

static int set_size(uint32_t pages)
{
    int rc;

    if (!pages || (info && pages != nr_pages))
        return -EINVAL;
    if (info)
        return -EBUSY;
    pages = MIN(pages, MAX_PAGES);
    rc = make_buffers(pages);
    if (!rc)
        nr_pages = pages;
    return rc;
}

/*
 * When it returns no CPU writes any more, or each goes by way of the scheduler,
 * whose record says who runs there.
 */
static void turn(bool on)
{
    if (on != trace_on)
        log_info("tracing is %s\n", on ? "on" : "off");
    WRITE_ONCE(trace_on, on);
    pv_syscall_stubs_load();
    cpumask_for_each(cpu, cpu_online)
    {
        if (on)
            cpu_raise((unsigned)cpu, WORK_SCHED);
        else
            buffers[cpu].nr_lost = 0;
    }
}

static int control_locked(struct xen_sysctl_tbuf_op *t)
{
    uint64_t mask;
    int rc = 0;

    switch (t->cmd) {
    case XEN_SYSCTL_TBUFOP_get_info:
        t->evt_mask = event_mask;
        t->buffer_mfn = info ? virt_to_mfn(info).n : 0;
        t->size = info ? info_pages * (uint32_t)PAGE_SIZE : 0;
        break;
    case XEN_SYSCTL_TBUFOP_set_cpu_mask:
        rc = ctl_bitmap_in(&mask, &t->cpu_mask);
        if (!rc)
            WRITE_ONCE(cpu_mask, mask);
        break;
    case XEN_SYSCTL_TBUFOP_set_evt_mask:
        WRITE_ONCE(event_mask, t->evt_mask);
        break;
    case XEN_SYSCTL_TBUFOP_set_size:
        rc = set_size(t->size);
        break;
    case XEN_SYSCTL_TBUFOP_enable:
        if (!info)
            rc = -EINVAL;
        else
            turn(true);
        break;
    case XEN_SYSCTL_TBUFOP_disable:
        turn(false);
        break;
    default:
        rc = -EINVAL;
    }
    return rc;
}

int trace_control(struct xen_sysctl *op)
{
    int rc;

    spin_lock(&control_lock);
    rc = control_locked(&op->u.tbuf_op);
    spin_unlock(&control_lock);
    return rc;
}
