/* The sched_op and set_timer_op hypercalls. */
#include "sched/internal.h"

#include "evtchn/evtchn.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"
#include "time/clock.h"

#include <xen/sched.h>

#define POLL_MAX_PORTS 128

static int op_yield(void *arg)
{
    (void)arg;
    sched_yield();
    return 0;
}

/* Sleep until vcpu_wake(), unless an event is already there to be handled.
   `blocked` is set: a wake from here on is not lost. */
static void sleep_unless_pending(struct vcpu *v)
{
    if (vcpu_event_pending(v))
        WRITE_ONCE(v->unit.blocked, false);
    else
        cpu_raise(cpu_id(), WORK_SCHED);
}

static void set_blocked(struct vcpu *v)
{
    __atomic_store_n(&v->unit.blocked, true, __ATOMIC_SEQ_CST);
}

/* The remains of a poll that something else than its ports ended. */
static void forget_poll(struct vcpu *v)
{
    evtchn_poll_stop(v);
    if (v->poll_timer.item.pos)
        timer_stop(&v->poll_timer);
}

static int op_block(void *arg)
{
    struct vcpu *v = current;

    (void)arg;
    forget_poll(v);
    WRITE_ONCE(v->info->evtchn_upcall_mask, 0);
    set_blocked(v);
    sleep_unless_pending(v);
    return 0;
}

/* --- Poll ------------------------------------------------------------------
 */

/* 1: one of the ports is pending, 0: none is. */
static int any_pending(struct domain *d, const struct sched_poll *op,
                       evtchn_port_t *port)
{
    for (unsigned i = 0; i < op->nr_ports; i++) {
        if (copy_array_from_guest(port, op->ports, i, 1))
            return -EFAULT;
        if (evtchn_check_pollable(d, *port))
            return -EINVAL;
        if (evtchn_is_pending(d, *port))
            return 1;
    }
    return 0;
}

static int op_poll(void *arg)
{
    struct sched_poll *op = arg;
    struct vcpu *v = current;
    evtchn_port_t port = 0;
    int rc;

    if (op->nr_ports > POLL_MAX_PORTS)
        return -EINVAL;

    forget_poll(v);
    set_blocked(v);
    evtchn_poll_start(v, -1);
    rc = vcpu_event_pending(v) ? 1 : any_pending(v->domain, op, &port);
    if (rc) {
        evtchn_poll_stop(v);
        WRITE_ONCE(v->unit.blocked, false);
        return MIN(rc, 0);
    }

    /* From "any port" to the one: what was pending has been looked at. The
       poll may have ended meanwhile, then `blocked` is off again. */
    if (op->nr_ports == 1)
        evtchn_poll_narrow(v, (int32_t)port);
    if (op->timeout)
        timer_set(&v->poll_timer, op->timeout);
    cpu_raise(cpu_id(), WORK_SCHED);
    return 0;
}

/* --- Shutdown --------------------------------------------------------------
 */

static int op_shutdown(void *arg)
{
    struct sched_shutdown *op = arg;

    if (op->reason > SHUTDOWN_MAX)
        return -EINVAL;
    domain_shutdown(current->domain, (uint8_t)op->reason);
    return 0;
}

static int op_shutdown_code(void *arg)
{
    struct sched_shutdown *op = arg;
    struct domain *d = current->domain;

    if (op->reason > SHUTDOWN_MAX)
        return -EINVAL;
    spin_lock(&d->lock);
    if (!d->shut_down)
        d->shutdown_code = (uint8_t)op->reason;
    spin_unlock(&d->lock);
    return 0;
}

static int op_remote_shutdown(void *arg)
{
    struct sched_remote_shutdown *op = arg;
    struct domain *d;

    if (op->reason > SHUTDOWN_MAX)
        return -EINVAL;
    d = domain_get(op->domain_id);
    if (!d)
        return -ESRCH;
    domain_shutdown(d, (uint8_t)op->reason);
    domain_put(d);
    return 0;
}

/* --- Watchdogs -------------------------------------------------------------
 */

#define WATCHDOG_OF(d, id) (&(d)->watchdog[nospec_index((id)-1, NR_WATCHDOGS)])

static void watchdog_fired(void *arg)
{
    domain_shutdown(arg, SHUTDOWN_watchdog);
}

static int watchdog_domain_init(struct domain *d)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        timer_init(&d->watchdog[i], watchdog_fired, d, 0);
    return 0;
}

static int watchdog_domain_kill(struct domain *d)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        timer_kill(&d->watchdog[i]);
    return 0;
}

const struct domain_part watchdog_part = {
    .name = "watchdog",
    .init = watchdog_domain_init,
    .kill = watchdog_domain_kill,
};

/* A new one's id counts from 1. */
static int watchdog_claim(struct domain *d, uint64_t deadline_ns)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++) {
        if (d->watchdogs_set & 1u << i)
            continue;
        d->watchdogs_set |= (uint8_t)(1u << i);
        timer_set(&d->watchdog[i], deadline_ns);
        return (int)i + 1;
    }
    return -ENOSPC;
}

/* id 0: a new one. Timeout 0: no longer; else so many seconds from now. */
static int op_watchdog(void *arg)
{
    struct sched_watchdog *op = arg;
    struct domain *d = current->domain;
    uint64_t deadline_ns = clock_now_ns() + op->timeout * NS_PER_SEC;
    int rc = 0;

    if (op->id > NR_WATCHDOGS)
        return -EINVAL;
    spin_lock(&d->lock);
    if (!op->id) {
        rc = watchdog_claim(d, deadline_ns);
    } else if (!(d->watchdogs_set & 1u << (op->id - 1))) {
        rc = -EINVAL;
    } else if (op->timeout) {
        timer_set(WATCHDOG_OF(d, op->id), deadline_ns);
    } else {
        timer_stop(WATCHDOG_OF(d, op->id));
        d->watchdogs_set &= (uint8_t) ~(1u << (op->id - 1));
    }
    spin_unlock(&d->lock);
    return rc;
}

static const struct hc_subop sched_subops[] = {
    [SCHEDOP_yield] = {op_yield, 0, 0},
    [SCHEDOP_block] = {op_block, 0, 0},
    [SCHEDOP_shutdown] = {op_shutdown, sizeof(struct sched_shutdown), HC_IN},
    [SCHEDOP_poll] = {op_poll, sizeof(struct sched_poll), HC_IN},
    [SCHEDOP_remote_shutdown] = {op_remote_shutdown,
                                 sizeof(struct sched_remote_shutdown),
                                 HC_IN | HC_PRIV},
    [SCHEDOP_watchdog] = {op_watchdog, sizeof(struct sched_watchdog), HC_IN},
    [SCHEDOP_shutdown_code] = {op_shutdown_code, sizeof(struct sched_shutdown),
                               HC_IN},
};

long hc_sched_op(struct hc_args *a)
{
    return subop_run(sched_subops, ARRAY_SIZE(sched_subops), a->arg[0],
                     (void *)a->arg[1]);
}

/* The old form takes the reason itself instead of a pointer. */
long hc_sched_op_compat(struct hc_args *a)
{
    struct sched_shutdown shutdown = {.reason = (unsigned)a->arg[1]};

    switch (a->arg[0]) {
    case SCHEDOP_yield:
        return op_yield(NULL);
    case SCHEDOP_block:
        return op_block(NULL);
    case SCHEDOP_shutdown:
        return op_shutdown(&shutdown);
    default:
        return -ENOSYS;
    }
}

/* A deadline in system time, 0: none. One in the past fires at once. */
long hc_set_timer_op(struct hc_args *a)
{
    struct vcpu *v = current;

    if (a->arg[0])
        timer_set(&v->singleshot, a->arg[0]);
    else
        timer_stop(&v->singleshot);
    return 0;
}
