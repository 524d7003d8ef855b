/* Virtual interrupts. The port of a global one is kept with vCPU 0. */
#include "evtchn/internal.h"

#define NR_VIRQ ARRAY_SIZE(((struct vcpu *)0)->virq_port)
static_assert(NR_VIRQ == NR_VIRQS, "as many as the ABI has");

bool virq_is_global(unsigned virq)
{
    switch (virq) {
    case VIRQ_TIMER:
    case VIRQ_DEBUG:
    case VIRQ_XENOPROF:
    case VIRQ_XENPMU:
        return false;
    default:
        return true;
    }
}

int virq_bind(struct domain *d, unsigned virq, unsigned vcpu,
              evtchn_port_t *port)
{
    struct vcpu *v = vcpu_of(d, vcpu);
    struct evtchn *chn;
    int rc;

    if (virq >= NR_VIRQ || (virq_is_global(virq) && vcpu))
        return -EINVAL;
    if (!v)
        return -ENOENT;
    virq = nospec_index(virq, NR_VIRQ);

    spin_lock(&d->evtchn->lock);
    rc = -EEXIST;
    if (v->virq_port[virq])
        goto unlock;
    rc = evtchn_alloc_locked(d, port, &chn);
    if (rc)
        goto unlock;

    spin_lock(&chn->lock);
    chn->u.virq = virq;
    evtchn_activate(d, *port, chn, ECS_VIRQ, vcpu);
    spin_unlock(&chn->lock);
    WRITE_ONCE(v->virq_port[virq], *port);
unlock:
    spin_unlock(&d->evtchn->lock);
    return rc;
}

void virq_raise(struct vcpu *v, unsigned virq)
{
    struct domain *d = v->domain;
    evtchn_port_t port = READ_ONCE(v->virq_port[virq]);
    struct evtchn *chn;

    if (!port)
        return;
    chn = evtchn_get(d, port);
    spin_lock(&chn->lock);
    /* It may have been closed, and taken by another, since we looked. */
    if (chn->state == ECS_VIRQ && chn->u.virq == virq)
        evtchn_set_pending(d, port, chn);
    spin_unlock(&chn->lock);
}

void virq_raise_global(unsigned virq)
{
    if (dom0 && dom0->evtchn && dom0->vcpu[0])
        virq_raise(dom0->vcpu[0], virq);
}
