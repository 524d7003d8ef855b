/* HYPERVISOR_vcpu_op: what a guest may ask about its own vCPUs. */
#include "domain/domain.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"
#include "time/clock.h"

#include <xen/sched.h>

#define PERIOD_MIN_NS NS_PER_MS
#define PERIOD_MAX_NS (~0ull >> 2)

/* One initialiser wins; loading the context needs other locks than ours. */
static bool claim(struct vcpu *v)
{
    struct domain *d = v->domain;
    bool won;

    spin_lock(&d->lock);
    won = !v->initialised && !v->being_initialised;
    if (won)
        v->being_initialised = true;
    spin_unlock(&d->lock);
    return won;
}

static long op_initialise(struct vcpu *v, void *arg)
{
    struct vcpu_guest_context *c;
    long rc;

    /* Without a place for its events it could not run. */
    if (v->info == v->info_dummy)
        return -EINVAL;

    c = mem_alloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    rc = copy_from_guest(c, arg, sizeof(*c));
    if (!rc && !claim(v)) {
        rc = -EEXIST;
    } else if (!rc) {
        rc = vcpu_set_context(v, c);
        WRITE_ONCE(v->being_initialised, false);
    }
    mem_free(c);
    return rc;
}

static long op_up(struct vcpu *v, void *arg)
{
    struct domain *d = v->domain;
    bool wake = false;
    long rc = -EINVAL;

    (void)arg;
    spin_lock(&d->lock);
    if (v->initialised) {
        wake = !v->up;
        v->up = true;
        rc = 0;
    }
    spin_unlock(&d->lock);
    if (wake)
        vcpu_wake(v);
    return rc;
}

/* The last one that goes down takes the domain with it. */
static long op_down(struct vcpu *v, void *arg)
{
    struct domain *d = v->domain;
    bool others = false;

    (void)arg;
    spin_lock(&d->lock);
    vcpu_for_each (d, o)
        others |= o != v && o->up;
    if (others)
        v->up = false;
    spin_unlock(&d->lock);

    if (others)
        sched_sleep(v);
    else
        domain_shutdown(d, SHUTDOWN_poweroff);
    return 0;
}

static long op_is_up(struct vcpu *v, void *arg)
{
    (void)arg;
    return READ_ONCE(v->up);
}

static long op_get_runstate(struct vcpu *v, void *arg)
{
    struct vcpu_runstate_info rs;

    vcpu_get_runstate(v, &rs);
    return copy_to_guest(arg, &rs, sizeof(rs));
}

static long op_register_runstate(struct vcpu *v, void *arg)
{
    struct vcpu_register_runstate_memory_area area;
    int rc = copy_from_guest(&area, arg, sizeof(area));

    return rc ? rc : vcpu_register_runstate(v, area.addr.p);
}

static long op_set_periodic(struct vcpu *v, void *arg)
{
    struct vcpu_set_periodic_timer set;
    int rc = copy_from_guest(&set, arg, sizeof(set));

    if (rc)
        return rc;
    if (set.period_ns < PERIOD_MIN_NS || set.period_ns > PERIOD_MAX_NS)
        return -EINVAL;

    v->period_ns = set.period_ns;
    timer_set(&v->periodic, clock_now_ns() + set.period_ns);
    return 0;
}

static long op_stop_periodic(struct vcpu *v, void *arg)
{
    (void)arg;
    WRITE_ONCE(v->period_ns, 0);
    timer_stop(&v->periodic);
    return 0;
}

static long op_set_singleshot(struct vcpu *v, void *arg)
{
    struct vcpu_set_singleshot_timer set;
    int rc;

    if (v != current)
        return -EINVAL;
    rc = copy_from_guest(&set, arg, sizeof(set));
    if (rc)
        return rc;
    if ((set.flags & VCPU_SSHOTTMR_future) &&
        set.timeout_abs_ns < clock_now_ns())
        return -ETIME;

    timer_migrate(&v->singleshot, cpu_id());
    timer_set(&v->singleshot, set.timeout_abs_ns);
    return 0;
}

static long op_stop_singleshot(struct vcpu *v, void *arg)
{
    (void)arg;
    if (v != current)
        return -EINVAL;
    timer_stop(&v->singleshot);
    return 0;
}

static long op_register_info(struct vcpu *v, void *arg)
{
    struct vcpu_register_vcpu_info info;
    int rc = copy_from_guest(&info, arg, sizeof(info));

    return rc ? rc : vcpu_register_info(v, mfn(info.mfn), info.offset);
}

/* Only for a vCPU pinned to one CPU for ever, which we do not offer. */
static long op_get_physid(struct vcpu *v, void *arg)
{
    (void)v;
    (void)arg;
    return -EINVAL;
}

static long op_register_time(struct vcpu *v, void *arg)
{
    struct vcpu_register_time_memory_area area;
    int rc = copy_from_guest(&area, arg, sizeof(area));

    return rc ? rc : vcpu_register_time(v, area.addr.p);
}

static long op_send_nmi(struct vcpu *v, void *arg)
{
    if (arg)
        return -EINVAL;
    pv_send_nmi(v);
    return 0;
}

typedef long (*vcpu_op)(struct vcpu *v, void *arg);

static const vcpu_op ops[] = {
    [VCPUOP_initialise] = op_initialise,
    [VCPUOP_up] = op_up,
    [VCPUOP_down] = op_down,
    [VCPUOP_is_up] = op_is_up,
    [VCPUOP_get_runstate_info] = op_get_runstate,
    [VCPUOP_register_runstate_memory_area] = op_register_runstate,
    [VCPUOP_set_periodic_timer] = op_set_periodic,
    [VCPUOP_stop_periodic_timer] = op_stop_periodic,
    [VCPUOP_set_singleshot_timer] = op_set_singleshot,
    [VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
    [VCPUOP_register_vcpu_info] = op_register_info,
    [VCPUOP_send_nmi] = op_send_nmi,
    [VCPUOP_get_physid] = op_get_physid,
    [VCPUOP_register_vcpu_time_memory_area] = op_register_time,
};

long hc_vcpu_op(struct hc_args *a)
{
    struct domain *d = current->domain;
    uint32_t cmd = (uint32_t)a->arg[0], id = (uint32_t)a->arg[1];
    struct vcpu *v;

    /* Linux learns how many vCPUs it has by asking until this. */
    if (id >= d->max_vcpus || !d->vcpu[nospec_index(id, d->max_vcpus)])
        return -ENOENT;
    v = d->vcpu[nospec_index(id, d->max_vcpus)];

    if (cmd >= ARRAY_SIZE(ops) || !ops[nospec_index(cmd, ARRAY_SIZE(ops))])
        return -ENOSYS;
    return ops[nospec_index(cmd, ARRAY_SIZE(ops))](v, (void *)a->arg[2]);
}
