#include "cpu/latency.h"

#include "cpu/percpu.h"
#include "time/clock.h"

bool latency_on;

static struct {
    uint64_t entered_ns;
    struct {
        uint64_t ns;
        unsigned what;
    } worst[LATENCY_NR];
} cpus[MAX_CPUS] ALIGNED(64);

void latency_entered(void)
{
    cpus[cpu_id()].entered_ns = clock_now_ns();
}

void latency_record(enum latency_kind kind, unsigned what)
{
    uint64_t from = cpus[cpu_id()].entered_ns, now = clock_now_ns();

    if (from && now > from && now - from > cpus[cpu_id()].worst[kind].ns) {
        cpus[cpu_id()].worst[kind].ns = now - from;
        cpus[cpu_id()].worst[kind].what = what;
    }
}

/* Other CPUs go on meanwhile: one of their worst may get lost. */
void latency_dump(void)
{
    static const char *const names[] = {"hypercall", "exception", "interrupt",
                                        "exit"};

    for (unsigned kind = 0; kind < LATENCY_NR; kind++) {
        uint64_t ns = 0;
        unsigned what = 0;

        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
            if (cpus[cpu].worst[kind].ns > ns) {
                ns = cpus[cpu].worst[kind].ns;
                what = cpus[cpu].worst[kind].what;
            }
            cpus[cpu].worst[kind].ns = 0;
        }
        log_info("latency: worst %s %llu us (%u)\n", names[kind],
                 ns / NS_PER_US, what);
    }
    /* Not what it takes to say so. */
    cpus[cpu_id()].entered_ns = 0;
    WRITE_ONCE(latency_on, true);
}
