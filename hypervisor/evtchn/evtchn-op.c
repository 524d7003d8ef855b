/* The event_channel_op hypercall. */
#include "evtchn/internal.h"

#include "hypercall/handlers.h"
#include "irq/irq.h"
#include "mm/guestword.h"

/* The domain a call is about, with a reference: the caller, or by privilege
   another. NULL and *rc otherwise. */
static struct domain *target_get(domid_t id, int *rc)
{
    struct domain *d = domain_get_self_or(id);

    *rc = -ESRCH;
    if (d && d != current->domain && !policy_is_privileged(current->domain)) {
        domain_put(d);
        d = NULL;
        *rc = -EPERM;
    }
    return d;
}

static int op_alloc_unbound(void *arg)
{
    struct evtchn_alloc_unbound *op = arg;
    struct evtchn *chn;
    struct domain *d;
    int rc;

    d = target_get(op->dom, &rc);
    if (!d)
        return rc;

    spin_lock(&d->evtchn->lock);
    rc = evtchn_alloc_locked(d, &op->port, &chn);
    if (!rc) {
        spin_lock(&chn->lock);
        chn->u.remote_dom =
            op->remote_dom == DOMID_SELF ? current->domain->id : op->remote_dom;
        evtchn_activate(d, op->port, chn, ECS_UNBOUND, 0);
        spin_unlock(&chn->lock);
    }
    spin_unlock(&d->evtchn->lock);
    domain_put(d);
    return rc;
}

static int op_bind_interdomain(void *arg)
{
    struct evtchn_bind_interdomain *op = arg;
    struct domain *rd = domain_get_self_or(op->remote_dom);
    int rc;

    if (!rd)
        return -ESRCH;
    rc =
        evtchn_bind_pair(current->domain, rd, op->remote_port, &op->local_port);
    domain_put(rd);
    return rc;
}

static int op_bind_virq(void *arg)
{
    struct evtchn_bind_virq *op = arg;

    return virq_bind(current->domain, op->virq, op->vcpu, &op->port);
}

static int op_bind_ipi(void *arg)
{
    struct evtchn_bind_ipi *op = arg;
    struct domain *d = current->domain;
    struct evtchn *chn;
    int rc;

    if (!vcpu_of(d, op->vcpu))
        return -ENOENT;

    spin_lock(&d->evtchn->lock);
    rc = evtchn_alloc_locked(d, &op->port, &chn);
    if (!rc) {
        spin_lock(&chn->lock);
        evtchn_activate(d, op->port, chn, ECS_IPI, op->vcpu);
        spin_unlock(&chn->lock);
    }
    spin_unlock(&d->evtchn->lock);
    return rc;
}

static int op_bind_pirq(void *arg)
{
    struct evtchn_bind_pirq *op = arg;
    struct domain *d = current->domain;
    struct evtchn *chn;
    int rc;

    if (op->pirq >= NR_PIRQS)
        return -EINVAL;
    if (!d->hardware)
        return -EPERM;

    spin_lock(&d->evtchn->lock);
    rc = evtchn_alloc_locked(d, &op->port, &chn);
    if (rc)
        goto unlock;
    /* Bound first, then let fire; without chn's lock (see evtchn_close). */
    spin_lock(&chn->lock);
    chn->u.pirq = op->pirq;
    evtchn_activate(d, op->port, chn, ECS_PIRQ, 0);
    spin_unlock(&chn->lock);

    rc = pirq_bind(d, (int)op->pirq, op->port,
                   op->flags & BIND_PIRQ__WILL_SHARE);
    if (rc) {
        spin_lock(&chn->lock);
        evtchn_free_locked(d, op->port, chn);
        spin_unlock(&chn->lock);
    } else {
        pirq_set_affinity(d, (int)op->pirq, d->vcpu[0]->unit.cpu);
    }
unlock:
    spin_unlock(&d->evtchn->lock);
    return rc;
}

static int op_close(void *arg)
{
    struct evtchn_close *op = arg;

    return evtchn_close(current->domain, op->port);
}

static int op_send(void *arg)
{
    struct evtchn_send *op = arg;

    return evtchn_send(current->domain, op->port);
}

static void fill_status(struct evtchn_status *op, const struct evtchn *chn)
{
    op->vcpu = chn->notify_vcpu;
    switch (chn->state) {
    case ECS_UNBOUND:
        op->status = EVTCHNSTAT_unbound;
        op->u.unbound.dom = chn->u.remote_dom;
        break;
    case ECS_INTERDOMAIN:
        op->status = EVTCHNSTAT_interdomain;
        op->u.interdomain.dom = chn->u.remote.d->id;
        op->u.interdomain.port = chn->u.remote.port;
        break;
    case ECS_PIRQ:
        op->status = EVTCHNSTAT_pirq;
        op->u.pirq = chn->u.pirq;
        break;
    case ECS_VIRQ:
        op->status = EVTCHNSTAT_virq;
        op->u.virq = chn->u.virq;
        break;
    case ECS_IPI:
        op->status = EVTCHNSTAT_ipi;
        break;
    default:
        op->status = EVTCHNSTAT_closed;
        break;
    }
}

static int op_status(void *arg)
{
    struct evtchn_status *op = arg;
    struct evtchn *chn;
    struct domain *d;
    int rc;

    d = target_get(op->dom, &rc);
    if (!d)
        return rc;
    rc = -EINVAL;
    chn = evtchn_get(d, op->port);
    if (chn) {
        spin_lock(&chn->lock);
        fill_status(op, chn);
        spin_unlock(&chn->lock);
        rc = 0;
    }
    domain_put(d);
    return rc;
}

/* May the vCPU of this channel be chosen? chn's lock held. */
static bool may_move(const struct evtchn *chn)
{
    switch (chn->state) {
    case ECS_VIRQ:
        return virq_is_global(chn->u.virq);
    case ECS_UNBOUND:
    case ECS_INTERDOMAIN:
    case ECS_PIRQ:
        return true;
    default:
        return false;
    }
}

static int op_bind_vcpu(void *arg)
{
    struct evtchn_bind_vcpu *op = arg;
    struct domain *d = current->domain;
    struct vcpu *v = vcpu_of(d, op->vcpu);
    struct evtchn *chn = evtchn_get(d, op->port);
    int rc = -EINVAL;

    if (!v)
        return -ENOENT;
    if (!chn)
        return -EINVAL;

    spin_lock(&d->evtchn->lock);
    spin_lock(&chn->lock);
    if (may_move(chn)) {
        WRITE_ONCE(chn->notify_vcpu, (uint16_t)v->id);
        rc = 0;
    }
    spin_unlock(&chn->lock);
    if (!rc && chn->state == ECS_PIRQ)
        pirq_set_affinity(d, (int)chn->u.pirq, v->unit.cpu);
    spin_unlock(&d->evtchn->lock);
    return rc;
}

int evtchn_unmask(struct domain *d, evtchn_port_t port)
{
    struct evtchn *chn = evtchn_get(d, port);

    if (!chn)
        return -EINVAL;
    spin_lock(&chn->lock);
    if (evtchn_is_usable(chn))
        d->evtchn->abi->unmask(d, port, chn);
    spin_unlock(&chn->lock);
    return 0;
}

static int op_unmask(void *arg)
{
    struct evtchn_unmask *op = arg;

    return evtchn_unmask(current->domain, op->port);
}

static int op_reset(void *arg)
{
    struct evtchn_reset *op = arg;
    struct domain *d;
    int rc;

    d = target_get(op->dom, &rc);
    if (!d)
        return rc;
    /* Another domain must hold still, as the toolstack sees to. */
    rc = -EINVAL;
    if (d == current->domain || d->paused_by_tools)
        rc = evtchn_close_all(d);
    domain_put(d);
    return rc;
}

static int op_init_control(void *arg)
{
    struct evtchn_init_control *op = arg;
    struct domain *d = current->domain;
    int rc;

    op->link_bits = EVTCHN_FIFO_LINK_BITS;
    spin_lock(&d->evtchn->lock);
    rc = fifo_init_control(d, op->control_gfn, op->offset, op->vcpu);
    spin_unlock(&d->evtchn->lock);
    return rc;
}

static int op_expand_array(void *arg)
{
    struct evtchn_expand_array *op = arg;
    struct domain *d = current->domain;
    int rc;

    spin_lock(&d->evtchn->lock);
    rc = fifo_expand_array(d, op->array_gfn);
    spin_unlock(&d->evtchn->lock);
    return rc;
}

static int op_set_priority(void *arg)
{
    struct evtchn_set_priority *op = arg;
    struct domain *d = current->domain;
    struct evtchn *chn = evtchn_get(d, op->port);
    int rc;

    if (!chn)
        return -EINVAL;
    spin_lock(&chn->lock);
    rc = d->evtchn->abi->set_priority(chn, op->priority);
    spin_unlock(&chn->lock);
    return rc;
}

#define ROW(name, flags)                                                       \
    [EVTCHNOP_##name] = {op_##name, sizeof(struct evtchn_##name), flags}

static const struct hc_subop evtchn_subops[] = {
    ROW(bind_interdomain, HC_INOUT),
    ROW(bind_virq, HC_INOUT),
    ROW(bind_pirq, HC_INOUT),
    ROW(close, HC_IN),
    ROW(send, HC_IN),
    ROW(status, HC_INOUT),
    ROW(alloc_unbound, HC_INOUT),
    ROW(bind_ipi, HC_INOUT),
    ROW(bind_vcpu, HC_IN),
    ROW(unmask, HC_IN),
    ROW(reset, HC_IN),
    ROW(init_control, HC_INOUT),
    ROW(expand_array, HC_IN),
    ROW(set_priority, HC_IN),
};

long hc_event_channel_op(struct hc_args *a)
{
    /* One in a hundred calls is another. */
    if (likely(a->arg[0] == EVTCHNOP_send)) {
        struct evtchn_send op;

        if (guest_load(&op, (void *)a->arg[1], sizeof(op)))
            return -EFAULT;
        return evtchn_send(current->domain, op.port);
    }
    return subop_run(evtchn_subops, ARRAY_SIZE(evtchn_subops), a->arg[0],
                     (void *)a->arg[1]);
}

/* The old form: number and argument in one structure. */
long hc_event_channel_op_compat(struct hc_args *a)
{
    struct evtchn_op *guest = (void *)a->arg[0];
    uint32_t cmd;

    if (copy_from_guest(&cmd, &guest->cmd, sizeof(cmd)))
        return -EFAULT;
    return subop_run(evtchn_subops, EVTCHNOP_unmask + 1, cmd, &guest->u);
}
