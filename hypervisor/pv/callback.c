/* What a guest's kernel tells us of itself: handlers, stack, habits. */
#include "pv/internal.h"

#include "hypercall/handlers.h"
#include "mm/guestcopy.h"

#include <xen/callback.h>
#include <xen/nmi.h>

static int set_trap(struct vcpu *v, const struct trap_info *t)
{
    if (!addr_is_canonical(t->address))
        return -EINVAL;
    /* The code segment is always the flat one; t->cs only has to be there. */
    v->pv.trap[t->vector].address = t->address;
    v->pv.trap[t->vector].flags = t->flags & 7;
    return 0;
}

long hc_set_trap_table(struct hc_args *a)
{
    const struct trap_info *list = (const void *)a->arg[0];
    struct vcpu *v = current;
    struct trap_info t;
    int rc = 0;

    if (!list) {
        memset(v->pv.trap, 0, sizeof(v->pv.trap));
        return 0;
    }

    /* An address of 0 ends the list; so does one entry for each vector. */
    for (unsigned i = 0; i < ARRAY_SIZE(v->pv.trap) && !rc; i++) {
        if (copy_from_guest(&t, list + i, sizeof(t)))
            return -EFAULT;
        if (!t.address)
            break;
        rc = set_trap(v, &t);
    }
    return rc;
}

static long register_callback(struct vcpu *v, const struct callback_register *r)
{
    struct pv_vcpu *p = &v->pv;
    bool mask = r->flags & CALLBACKF_mask_events;

    if (!addr_is_canonical(r->address))
        return -EINVAL;

    switch (r->type) {
    case CALLBACKTYPE_event:
        p->event_callback = r->address;
        return 0;
    case CALLBACKTYPE_failsafe:
        p->failsafe_callback = r->address;
        p->failsafe_masks = mask;
        return 0;
    case CALLBACKTYPE_syscall:
        p->syscall_callback = r->address;
        p->syscall_masks = mask;
        return 0;
    case CALLBACKTYPE_syscall32:
        p->syscall32_callback = r->address;
        p->syscall32_masks = mask;
        return 0;
    case CALLBACKTYPE_nmi:
        p->trap[TRAP_NMI].address = r->address;
        p->trap[TRAP_NMI].flags = 0;
        return 0;
    default: /* sysenter: no guest sees the feature */
        return -ENOSYS;
    }
}

static long unregister_callback(struct vcpu *v, uint16_t type)
{
    switch (type) {
    case CALLBACKTYPE_nmi:
        v->pv.trap[TRAP_NMI].address = 0;
        return 0;
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
        return -EINVAL; /* a kernel cannot do without */
    default:
        return -ENOSYS;
    }
}

long hc_callback_op(struct hc_args *a)
{
    const void *arg = (const void *)a->arg[1];
    struct callback_register reg;
    struct callback_unregister unreg;

    switch (a->arg[0]) {
    case CALLBACKOP_register:
        if (copy_from_guest(&reg, arg, sizeof(reg)))
            return -EFAULT;
        return register_callback(current, &reg);
    case CALLBACKOP_unregister:
        if (copy_from_guest(&unreg, arg, sizeof(unreg)))
            return -EFAULT;
        return unregister_callback(current, unreg.type);
    default:
        return -ENOSYS;
    }
}

/* The old way: event, failsafe and syscall at once, none of them masking. */
long hc_set_callbacks(struct hc_args *a)
{
    static const uint16_t types[3] = {CALLBACKTYPE_event, CALLBACKTYPE_failsafe,
                                      CALLBACKTYPE_syscall};

    for (unsigned i = 0; i < 3; i++)
        if (!addr_is_canonical(a->arg[i]))
            return -EINVAL;
    for (unsigned i = 0; i < 3; i++) {
        struct callback_register r = {.type = types[i], .address = a->arg[i]};

        register_callback(current, &r);
    }
    return 0;
}

long hc_stack_switch(struct hc_args *a)
{
    /* arg[0], a stack segment, is the flat one in 64-bit mode. */
    if (!addr_is_canonical(a->arg[1]))
        return -EINVAL;
    current->pv.kernel_sp = a->arg[1];
    return 0;
}

long hc_fpu_taskswitch(struct hc_args *a)
{
    struct vcpu *v = current;
    bool set = (uint32_t)a->arg[0];

    if (set == v->pv.ts)
        return 0;
    v->pv.ts = set;
    if (set)
        write_cr0(read_cr0() | CR0_TS);
    else
        __asm__ volatile("clts");
    return 0;
}

long hc_vm_assist(struct hc_args *a)
{
    uint32_t type = (uint32_t)a->arg[1];
    uint32_t bit;

    if (type >= 32 || !(PV_VM_ASSISTS & 1u << type))
        return -EINVAL;
    bit = 1u << type;

    switch ((uint32_t)a->arg[0]) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&current->domain->vm_assist, bit, __ATOMIC_SEQ_CST);
        return 0;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&current->domain->vm_assist, ~bit, __ATOMIC_SEQ_CST);
        return 0;
    default:
        return -ENOSYS;
    }
}

long hc_nmi_op(struct hc_args *a)
{
    struct callback_register r = {.type = CALLBACKTYPE_nmi};
    struct xennmi_callback cb;
    struct vcpu *v = current;

    switch (a->arg[0]) {
    case XENNMI_register_callback:
        if (copy_from_guest(&cb, (void *)a->arg[1], sizeof(cb)))
            return -EFAULT;
        r.address = cb.handler_address;
        return register_callback(v, &r);
    case XENNMI_unregister_callback:
        return unregister_callback(v, CALLBACKTYPE_nmi);
    default:
        return -ENOSYS;
    }
}
