/* The trace-event format: one JSON object, an entry for each record. */
#include "dom0/debug/trace.h"

#include <string.h>
#include <xen/vcpu.h>

/* The bit of a vcpu becomes `now`; was it not so? */
static bool flip(uint8_t *bits, unsigned int vcpu, bool now)
{
    uint8_t bit = (uint8_t)(1 << vcpu % 8);
    bool was = bits[vcpu / 8] & bit;

    if (was != now)
        bits[vcpu / 8] ^= bit;
    return was != now;
}

/* A viewer's thread is a vcpu; none has the number 0, which is the idle one. */
static void entry(struct trace_json *j, const char *phase, unsigned int vcpu,
                  double us)
{
    fprintf(j->f, "%s{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%.3f",
            j->any ? ",\n" : "", phase, j->domid, vcpu + 1, us);
    j->any = true;
}

static void name_vcpu(struct trace_json *j, unsigned int vcpu, double us)
{
    if (!flip(j->named, vcpu, true))
        return;
    entry(j, "M", vcpu, us);
    fprintf(j->f, ",\"name\":\"thread_name\",\"args\":{\"name\":\"vcpu %u\"}}",
            vcpu);
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
    if (!flip(j->runs, r->vcpu, now))
        return;
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

    if (event != TRC_LOST_RECORDS)
        name_vcpu(j, r->vcpu, us);
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
