/* A vCPU's whole state as struct vcpu_guest_context: set, get, drop. */
#include "pv/internal.h"

#include "cpu/fpu.h"
#include "domain/domain.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"
#include "mm/tlb.h"
#include "pv/mmu.h"

/* Everything that needs no reference: can this be a state of a vCPU of d? */
static int check_context(const struct vcpu_guest_context *c)
{
    const uint64_t addresses[] = {c->user_regs.rip,
                                  c->user_regs.rsp,
                                  c->kernel_sp,
                                  c->event_callback_eip,
                                  c->failsafe_callback_eip,
                                  c->syscall_callback_eip,
                                  c->fs_base,
                                  c->gs_base_kernel,
                                  c->gs_base_user,
                                  c->ldt_base};

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++)
        if (!addr_is_canonical(addresses[i]))
            return -EINVAL;
    for (unsigned i = 0; i < ARRAY_SIZE(c->trap_ctxt); i++)
        if (!addr_is_canonical(c->trap_ctxt[i].address))
            return -EINVAL;
    if (c->gdt_ents > FIRST_RESERVED_GDT_ENTRY || c->ldt_ents > 8192)
        return -EINVAL;
    if (c->ldt_ents && (c->ldt_base % PAGE_SIZE ||
                        !guest_range_ok((void *)c->ldt_base, c->ldt_ents * 8)))
        return -EINVAL;
    if (!(c->flags & VGCF_in_kernel) && !xen_cr3_to_pfn(c->ctrlreg[1]))
        return -EINVAL;
    return 0;
}

struct roots {
    mfn_t kernel, user;
};

static void put_root(struct domain *d, mfn_t l4)
{
    if (l4.n)
        frame_put_typed(frame_of(l4), d);
}

/*
 * Typed references on both page-table roots, d->mm_lock held. -ERESTART when
 * their validation takes long; the same call goes on.
 */
static int get_roots_locked(struct domain *d,
                            const struct vcpu_guest_context *c, struct roots *r)
{
    int rc;

    r->kernel = mfn(xen_cr3_to_pfn(c->ctrlreg[3]));
    r->user = mfn(xen_cr3_to_pfn(c->ctrlreg[1]));
    rc = frame_get_typed_preempt(r->kernel, d, FT_L4);
    if (rc || !r->user.n)
        return rc;

    rc = frame_get_typed_preempt(r->user, d, FT_L4);
    if (rc)
        put_root(d, r->kernel);
    return rc;
}

/*
 * The page-table roots and the GDT, or nothing of it: on success the vCPU
 * has given up its old ones.
 */
static int take_tables(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct domain *d = v->domain;
    struct roots new, old;
    int rc;

    rc = mm_lock_tables(d);
    if (rc)
        return rc;
    rc = get_roots_locked(d, c, &new);
    spin_unlock(&d->mm_lock);
    if (rc)
        return rc;

    rc = pv_set_gdt(v, (const uint64_t *)c->gdt_frames, c->gdt_ents);

    spin_lock(&d->mm_lock);
    old = rc ? new : (struct roots){v->pv.cr3_kernel, v->pv.cr3_user};
    if (!rc) {
        v->pv.cr3_kernel = new.kernel;
        v->pv.cr3_user = new.user;
    }
    put_root(d, old.kernel);
    put_root(d, old.user);
    spin_unlock(&d->mm_lock);
    return rc;
}

static void set_registers(struct pv_vcpu *p, const struct cpu_user_regs *r)
{
    p->regs = *r;
    p->regs.cs |= 3;
    p->regs.ss |= 3;
    p->regs.rflags = (r->rflags & RFLAGS_GUEST) | RFLAGS_FIXED;
    p->regs.error_code = 0;
    p->regs.entry_vector = 0;
    p->iopl = r->rflags >> 12 & 3;
    p->ds = r->ds;
    p->es = r->es;
    p->fs = r->fs;
    p->gs = r->gs;
}

static void set_handlers(struct pv_vcpu *p, const struct vcpu_guest_context *c)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->trap); i++) {
        p->trap[i].address = c->trap_ctxt[i].address;
        p->trap[i].flags = c->trap_ctxt[i].flags & 7;
    }
    p->event_callback = c->event_callback_eip;
    p->failsafe_callback = c->failsafe_callback_eip;
    p->syscall_callback = c->syscall_callback_eip;
    p->failsafe_masks = c->flags & VGCF_failsafe_disables_events;
    p->syscall_masks = c->flags & VGCF_syscall_disables_events;
    p->kernel_sp = c->kernel_sp;
}

static void set_debugregs(struct vcpu *v, const struct vcpu_guest_context *c)
{
    /* What is refused leaves them off: the control register comes last. */
    (void)pv_set_debugreg(v, 7, 0);
    for (unsigned i = 0; i < 8; i++)
        if (i != 4 && i != 5 && pv_set_debugreg(v, i, c->debugreg[i]))
            return;
    if (v->domain == current->domain)
        debugreg_inherit(v);
}

int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct pv_vcpu *p = &v->pv;
    int rc = check_context(c);

    if (!rc)
        rc = take_tables(v, c);
    if (rc)
        return rc;

    set_registers(p, &c->user_regs);
    /* What pv_get_context() said, and the debugger did not take for its own. */
    p->owes_breakpoint =
        READ_ONCE(v->domain->debugged) && c->user_regs.entry_vector == TRAP_BP;
    set_handlers(p, c);
    set_debugregs(v, c);
    p->fs_base = c->fs_base;
    p->gs_base_kernel = c->gs_base_kernel;
    p->gs_base_user = c->gs_base_user;
    p->kernel_mode = c->flags & VGCF_in_kernel;
    p->ts = c->ctrlreg[0] & CR0_TS;
    p->cr4 = pv_cr4_bits(c->ctrlreg[4]);
    (void)pv_set_ldt(v, c->ldt_base, c->ldt_ents); /* was checked */
    if (c->flags & VGCF_i387_valid)
        fpu_load_legacy(v, &c->fpu_ctxt);
    if (!v->id)
        v->domain->vm_assist |= (uint32_t)c->vm_assist & PV_VM_ASSISTS;
    return 0;
}

void pv_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct pv_vcpu *p = &v->pv;

    memset(c, 0, sizeof(*c));
    fpu_store_legacy(v, &c->fpu_ctxt);
    c->flags = VGCF_i387_valid;
    c->flags |= p->kernel_mode ? VGCF_in_kernel : 0;
    c->flags |= p->failsafe_masks ? VGCF_failsafe_disables_events : 0;
    c->flags |= p->syscall_masks ? VGCF_syscall_disables_events : 0;

    c->user_regs = p->regs;
    c->user_regs.error_code = 0;
    /* A debugger has to know whether it stands behind a breakpoint. */
    if (p->owes_breakpoint)
        c->user_regs.entry_vector = TRAP_BP;
    else if (c->user_regs.entry_vector != TRAP_BP)
        c->user_regs.entry_vector = 0;
    c->user_regs.rflags &= ~(uint64_t)RFLAGS_IOPL;
    c->user_regs.rflags |= (uint64_t)p->iopl << 12;
    c->user_regs.ds = p->ds;
    c->user_regs.es = p->es;
    c->user_regs.fs = p->fs;
    c->user_regs.gs = p->gs;

    for (unsigned i = 0; i < ARRAY_SIZE(p->trap); i++) {
        c->trap_ctxt[i].vector = (uint8_t)i;
        c->trap_ctxt[i].flags = p->trap[i].flags;
        c->trap_ctxt[i].cs = p->trap[i].address ? FLAT_KERNEL_CS : 0;
        c->trap_ctxt[i].address = p->trap[i].address;
    }
    c->ldt_base = p->ldt_base;
    c->ldt_ents = p->ldt_entries;
    c->gdt_ents = p->gdt_entries;
    for (unsigned i = 0; i < ARRAY_SIZE(p->gdt_frame); i++)
        if (p->gdt_frame[i])
            c->gdt_frames[i] = frame_mfn(p->gdt_frame[i]).n;

    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = p->kernel_sp;
    c->ctrlreg[0] = PV_CR0 | (p->ts ? CR0_TS : 0);
    c->ctrlreg[1] = xen_pfn_to_cr3(p->cr3_user.n);
    c->ctrlreg[2] = p->cr2;
    c->ctrlreg[3] = xen_pfn_to_cr3(p->cr3_kernel.n);
    c->ctrlreg[4] = PV_CR4 | p->cr4;
    memcpy(c->debugreg, p->dr, sizeof(c->debugreg));
    c->event_callback_eip = p->event_callback;
    c->failsafe_callback_eip = p->failsafe_callback;
    c->syscall_callback_eip = p->syscall_callback;
    c->vm_assist = v->domain->vm_assist;
    c->fs_base = p->fs_base;
    c->gs_base_kernel = p->gs_base_kernel;
    c->gs_base_user = p->gs_base_user;
}

void pv_drop_context(struct vcpu *v)
{
    struct domain *d = v->domain;

    /* CPUs that idle with d's tables let go of them, and of d. */
    tlb_flush_mask(READ_ONCE(d->dirty_cpus), TLB_ALL);
    pv_drop_gdt(v);
    pv_drop_ldt(v);
    spin_lock(&d->mm_lock);
    put_root(d, v->pv.cr3_kernel);
    put_root(d, v->pv.cr3_user);
    v->pv.cr3_kernel = v->pv.cr3_user = mfn(0);
    spin_unlock(&d->mm_lock);
}
