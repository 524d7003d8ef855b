/* The trace-event format: one JSON object, an entry for each record. */
#include "dom0/debug/trace.h"

#include <string.h>
#include <xen/vcpu.h>

static void entry(struct trace_json *j, const char *phase, unsigned int vcpu,
                  double us)
{
    fprintf(j->f, "%s{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%.3f",
            j->any ? ",\n" : "", phase, j->domid, vcpu, us);
    j->any = true;
}

void trace_json_begin(struct trace_json *j, FILE *f, uint32_t domid,
                      const char *name)
{
    memset(j, 0, sizeof(*j));
    j->f = f;
    j->domid = domid;
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", f);
    entry(j, "M", 0, 0);
    fputs(",\"name\":\"process_name\",\"args\":{\"name\":\"", f);
    for (; *name; name++)
        fputc((unsigned char)*name < ' ' || strchr("\"\\\x7f", *name) ? '_'
                                                                      : *name,
              f);
    fputs("\"}}", f);
}

/* A stretch of running, on the vcpu's own line. */
static void runs(struct trace_json *j, const struct trace_record *r, bool now,
                 double us)
{
    uint8_t *byte = &j->runs[r->vcpu / 8], bit = (uint8_t)(1 << r->vcpu % 8);

    if (!(*byte & bit) == !now)
        return;
    *byte ^= bit;
    entry(j, now ? "B" : "E", r->vcpu, us);
    if (now)
        fprintf(j->f,
                ",\"name\":\"runs\",\"cat\":\"sched\",\"args\":{\"cpu\":%u}",
                r->cpu);
    fputc('}', j->f);
}

void trace_json_add(struct trace_json *j, const struct trace_record *r,
                    double us)
{
    uint32_t event = r->event;
    struct trace_text t;

    if (event == TRC_SCHED_CONTINUE_RUNNING ||
        (trace_is_change(event) && trace_to(event) == RUNSTATE_running)) {
        runs(j, r, true, us);
        return;
    }
    if (trace_is_change(event) && trace_from(event) == RUNSTATE_running)
        runs(j, r, false, us);
    trace_describe(r, &t);
    entry(j, "i", r->vcpu, us);
    fprintf(j->f,
            ",\"s\":\"%s\",\"name\":\"%s\",\"cat\":\"%s\",\"args\":{\"cpu\":%u,"
            "\"more\":\"%s\"}}",
            r->event == TRC_LOST_RECORDS ? "p" : "t", t.what, t.kind, r->cpu,
            t.more);
}

void trace_json_end(struct trace_json *j, double us)
{
    for (unsigned int vcpu = 0; vcpu < sizeof(j->runs) * 8; vcpu++)
        if (j->runs[vcpu / 8])
            runs(j, &(struct trace_record){.vcpu = (uint16_t)vcpu}, false, us);
    fputs("\n]}\n", j->f);
}
