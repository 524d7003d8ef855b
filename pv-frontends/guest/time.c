#include "pv-frontends/guest/guest.h"

#include "pv-frontends/core/evtchn.h"
#include "pv-frontends/core/ring.h"

/* Ours less the hypervisor's: not 0 where a host goes on with another's guest.
 */
static int64_t offset_ns;

/* Event handlers that ran on vCPU 0, as shim_wait() last knew. */
static volatile unsigned long events, events_seen;

static uint64_t scale(uint64_t delta, uint32_t mul, int8_t shift)
{
    delta = shift < 0 ? delta >> -shift : delta << shift;
    return (uint64_t)((unsigned __int128)delta * mul >> 32);
}

static uint64_t system_time_ns(void)
{
    struct vcpu_time_info *t = &vcpu_info(vcpu_self())->time;
    uint32_t version;
    uint64_t ns;

    do {
        version = shared_read(t->version);
        xen_rmb();
        ns =
            shared_read(t->system_time) +
            scale(rdtsc() - shared_read(t->tsc_timestamp),
                  shared_read(t->tsc_to_system_mul), shared_read(t->tsc_shift));
        xen_rmb();
    } while (version & 1 || version != shared_read(t->version));
    return ns;
}

uint64_t shim_now_ns(void)
{
    return system_time_ns() + (uint64_t)offset_ns;
}

void time_continue(uint64_t from_ns)
{
    offset_ns = (int64_t)(from_ns - system_time_ns());
}

uint64_t time_wall(void)
{
    struct shared_info *s = shim_shared_info();
    uint32_t version;
    uint64_t sec;

    do {
        version = shared_read(s->wc_version);
        xen_rmb();
        sec = shared_read(s->wc_sec) +
              (system_time_ns() + shared_read(s->wc_nsec)) / 1000000000;
        xen_rmb();
    } while (version & 1 || version != shared_read(s->wc_version));
    return sec;
}

uint64_t time_running_ns(void)
{
    struct vcpu_runstate_info info;

    if (shim_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info,
                       vcpu_self(), (uint64_t)&info, 0))
        return 0;
    /* What the current state has taken is not in it yet. */
    return info.time[RUNSTATE_running] + system_time_ns() -
           info.state_entry_time;
}

static void on_timer(void *arg)
{
    (void)arg;
}

void time_init(void)
{
    int port = evtchn_bind_virq(VIRQ_TIMER, 0);

    (void)shim_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0,
                         0);
    if (port > 0)
        (void)evtchn_listen((evtchn_port_t)port, on_timer, NULL);
}

/* ---- the shim's
 * ---------------------------------------------------------------
 */

static void set_timer(uint64_t deadline_ns)
{
    struct vcpu_set_singleshot_timer op = {
        .timeout_abs_ns = deadline_ns - (uint64_t)offset_ns};

    (void)shim_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0,
                         (uint64_t)&op, 0);
}

void shim_wait(uint64_t deadline_ns)
{
    struct vcpu_info *v = vcpu_info(0);

    if (vcpu_self())
        return; /* the others only spin */
    /* From here to the block no handler runs between a look and the sleep. */
    shared_write(v->evtchn_upcall_mask, 1);
    barrier();
    events += evtchn_upcall(0);
    if (events == events_seen && shim_now_ns() < deadline_ns) {
        set_timer(deadline_ns);
        /* Takes the mask off; our upcall runs before it returns. */
        (void)shim_hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0);
        shared_write(v->evtchn_upcall_mask, 1);
        barrier();
        events += evtchn_upcall(0);
    }
    events_seen = events;
}

void time_sleep(uint64_t ns)
{
    uint64_t until = shim_now_ns() + ns;

    while (shim_now_ns() < until)
        shim_wait(until);
}
