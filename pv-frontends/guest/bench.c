/*
 * bench: what the hypervisor's paths cost, in cycles of the time-stamp counter:
 * the least and the median of many runs of one.
 */
#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/core/gnt.h"
#include "pv-frontends/guest/program.h"

enum { RUNS = 501 };

static uint32_t took[RUNS];
static int own_port;
static void *scratch;

static bool skip_int3(struct regs *regs)
{
    return regs->vector == 3;
}

static void nothing(void)
{
}

static void hypercall(void)
{
    (void)shim_hypercall(__HYPERVISOR_xen_version, 0, 0, 0, 0);
}

static void exception(void)
{
    __asm__ volatile("int3");
}

static void send_event(void)
{
    (void)evtchn_send((evtchn_port_t)own_port);
}

/* Until our handler has run: unmasking by any hypercall delivers it. */
static void event_round(void)
{
    (void)evtchn_send((evtchn_port_t)own_port);
    vcpu_info(0)->evtchn_upcall_mask = 0;
    hypercall();
    vcpu_info(0)->evtchn_upcall_mask = 1;
}

static void map_page(void)
{
    (void)shim_hypercall(__HYPERVISOR_update_va_mapping, (uint64_t)scratch,
                         shim_frame(scratch) << 12 | 0x67, 0, 0);
}

static void yield(void)
{
    (void)shim_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
}

static void grant(void)
{
    (void)gnt_end(gnt_grant(0, scratch, true));
}

static void privileged(void)
{
    uint64_t cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
}

static void sort(uint32_t *v, unsigned int n)
{
    for (unsigned int i = 1; i < n; i++)
        for (unsigned int k = i; k && v[k] < v[k - 1]; k--) {
            uint32_t t = v[k];

            v[k] = v[k - 1];
            v[k - 1] = t;
        }
}

static void measure(const char *name, void (*fn)(void))
{
    for (unsigned int i = 0; i < RUNS; i++) {
        uint64_t start = rdtsc();

        fn();
        took[i] = (uint32_t)(rdtsc() - start);
    }
    sort(took, RUNS);
    print("BENCH %s least=%u median=%u\n", name, took[0], took[RUNS / 2]);
}

static void on_event(void *arg)
{
    (void)arg;
}

int run_bench(void)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } paths[] = {
        {"nothing", nothing},       {"hypercall", hypercall},
        {"exception", exception},   {"cr4-read", privileged},
        {"event-send", send_event}, {"event-round", event_round},
        {"map-page", map_page},     {"yield", yield},
        {"grant-and-end", grant},
    };

    trap_hook = skip_int3;
    scratch = shim_pages_alloc(1);
    own_port = evtchn_bind_ipi(0);
    if (!scratch || own_port < 0)
        return program_fail("no page or no port");
    (void)evtchn_listen((evtchn_port_t)own_port, on_event, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        measure(paths[i].name, paths[i].fn);
    print("TINY bench ok\n");
    return 0;
}
