#include "dom0/debug/trace.h"

#include <string.h>

#include <xen/vcpu.h>

static void name_by(struct trace_record *r, uint32_t word)
{
    r->vcpu = (uint16_t)word;
    r->domid = (uint16_t)(word >> 16);
}

static void run(struct trace_cpu *c, const struct trace_record *r)
{
    c->domid = r->domid;
    c->vcpu = r->vcpu;
}

/* Whose record this is; what it tells of who runs here. */
static void attribute(struct trace_cpu *c, struct trace_record *r)
{
    r->domid = c->domid;
    r->vcpu = c->vcpu;
    if (!r->nr_words)
        return;
    if (r->event == TRACE_EVENT) {
        name_by(r, r->word[0]);
    } else if (r->event == TRC_SCHED_CONTINUE_RUNNING) {
        name_by(r, r->word[0]);
        run(c, r);
    } else if (trace_is_change(r->event)) {
        name_by(r, r->word[0]);
        if (trace_to(r->event) == RUNSTATE_running)
            run(c, r);
        else if (r->domid == c->domid && r->vcpu == c->vcpu)
            c->domid = DOMID_IDLE;
    } else if (r->event == TRC_LOST_RECORDS) {
        c->domid = DOMID_IDLE; /* a change may be among them */
    }
}

static size_t size_of(uint32_t header)
{
    return 1 + (TRC_HD_INCLUDES_CYCLE_COUNT(header) ? 2 : 0) +
           TRC_HD_EXTRA(header);
}

size_t trace_decode(struct trace_cpu *c, const uint32_t *words, size_t nr,
                    trace_fn each, void *arg)
{
    for (size_t size; nr; words += size, nr -= size) {
        const uint32_t *extra = words + 1;
        struct trace_record r = {
            .cpu = c->cpu,
            .event = TRC_HD_TO_EVENT(*words),
            .nr_words = (uint16_t)TRC_HD_EXTRA(*words),
        };

        size = size_of(*words);
        if (size > nr || !r.event)
            return nr;
        if (TRC_HD_INCLUDES_CYCLE_COUNT(*words)) {
            c->tsc = extra[0] | (uint64_t)extra[1] << 32;
            extra += 2;
        }
        if (r.event == TRC_TRACE_WRAP_BUFFER)
            continue;
        r.tsc = c->tsc;
        memcpy(r.word, extra, r.nr_words * sizeof(*extra));
        attribute(c, &r);
        each(arg, &r);
    }
    return 0;
}
