/*
 * mmuext_op: pins, page-table roots, flushes, and odd jobs on pages.
 */
#include "pv/mmu.h"

#include "cpu/cpu.h"
#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "hypercall/handlers.h"
#include "mm/guestword.h"
#include "mm/tlb.h"

static int op_pin(struct domain *d, mfn_t m, enum frame_type type)
{
    int rc = mm_lock_tables(d);

    if (rc)
        return rc;
    rc = frame_get_typed_preempt(m, d, type);
    if (!rc) {
        rc = frame_pin(frame_of(m));
        if (rc)
            frame_put_typed(frame_of(m), d);
    }
    spin_unlock(&d->mm_lock);
    return rc;
}

static int op_unpin(struct domain *d, mfn_t m)
{
    struct frame *f;
    int rc = mm_lock_tables(d);

    if (rc)
        return rc;
    rc = -EINVAL;
    f = frame_get(m, d);
    if (f) {
        if (frame_unpin(f)) {
            frame_put_typed(f, d);
            rc = 0;
        }
        frame_put(f);
    }
    spin_unlock(&d->mm_lock);
    return rc;
}

static int op_baseptr(struct vcpu *v, mfn_t l4, bool user)
{
    int rc = mm_lock_tables(v->domain);

    if (rc)
        return rc;
    /* Descriptor pages were found through the old tables. */
    if (!user && v->pv.ldt_entries)
        rc = pv_set_ldt(v, v->pv.ldt_base, v->pv.ldt_entries);
    if (!rc)
        rc = pv_new_baseptr(v, l4, user);
    spin_unlock(&v->domain->mm_lock);
    return rc;
}

static int op_flush(struct domain *d, const struct mmuext_op *op)
{
    bool all =
        op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_TLB_FLUSH_ALL;
    cpumask_t cpus = READ_ONCE(d->dirty_cpus);

    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_INVLPG_MULTI) {
        if (mm_vcpumask_to_cpus(d, op->arg2.vcpumask.p, &cpus))
            return -EFAULT;
    }
    if (cpus)
        tlb_flush_mask(cpus, all ? TLB_ALL : op->arg1.linear_addr & PAGE_MASK);
    return 0;
}

static void write_back_caches(void *unused)
{
    (void)unused;
    __asm__ volatile("wbinvd" ::: "memory");
}

static int op_flush_cache(struct domain *d, bool everywhere)
{
    if (!d->hardware)
        return -EACCES;
    if (everywhere)
        ipi_call(cpu_online & ~CPUMASK_OF(cpu_id()), write_back_caches, NULL);
    write_back_caches(NULL);
    return 0;
}

static int op_clear_page(struct domain *d, mfn_t m)
{
    int rc = frame_get_typed(m, d, FT_WRITABLE);

    if (rc)
        return rc;
    memset(mfn_to_virt(m), 0, PAGE_SIZE);
    frame_put_typed(frame_of(m), d);
    return 0;
}

static int op_copy_page(struct domain *d, mfn_t to, mfn_t from)
{
    struct frame *source = frame_get(from, d);
    int rc;

    if (!source)
        return -EINVAL;
    rc = frame_get_typed(to, d, FT_WRITABLE);
    if (!rc) {
        memcpy(mfn_to_virt(to), frame_virt(source), PAGE_SIZE);
        frame_put_typed(frame_of(to), d);
    }
    frame_put(source);
    return rc;
}

/* Operations on the calling vCPU and its own address space. */
static int run_own(struct vcpu *v, const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_NEW_BASEPTR:
        return op_baseptr(v, mfn(op->arg1.mfn), false);
    case MMUEXT_NEW_USER_BASEPTR:
        return op_baseptr(v, mfn(op->arg1.mfn), true);
    case MMUEXT_TLB_FLUSH_LOCAL:
        tlb_flush_local();
        return 0;
    case MMUEXT_INVLPG_LOCAL:
        invlpg(op->arg1.linear_addr);
        return 0;
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
        return op_flush(v->domain, op);
    case MMUEXT_FLUSH_CACHE:
        return op_flush_cache(v->domain, false);
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return op_flush_cache(v->domain, true);
    case MMUEXT_SET_LDT:
        return pv_set_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents);
    default:
        return -ENOSYS;
    }
}

static int run_op(struct domain *owner, const struct mmuext_op *op)
{
    struct vcpu *v = current;
    mfn_t m = mfn(op->arg1.mfn);

    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        return op_pin(owner, m, (enum frame_type)(FT_L1 + op->cmd));
    case MMUEXT_UNPIN_TABLE:
        return op_unpin(owner, m);
    case MMUEXT_CLEAR_PAGE:
        return op_clear_page(owner, m);
    case MMUEXT_COPY_PAGE:
        return op_copy_page(owner, m, mfn(op->arg2.src_mfn));
    default:
        return owner == v->domain ? run_own(v, op) : -EPERM;
    }
}
static_assert(MMUEXT_PIN_L4_TABLE - MMUEXT_PIN_L1_TABLE == FT_L4 - FT_L1,
              "pin commands and types count alike");

/* Finish dropping what the operation let go of. */
static int settle(struct domain *d)
{
    int rc = 0;

    if (unlikely(READ_ONCE(d->pv.nr_drops))) {
        rc = mm_lock_tables(d);
        if (!rc)
            spin_unlock(&d->mm_lock);
    }
    return rc;
}

long hc_mmuext_op(struct hc_args *a)
{
    struct domain *owner;
    struct mm_batch b;
    struct mmuext_op op;
    uint32_t done = 0;
    long rc = mm_batch_start(a, &b);

    if (rc)
        return rc;
    rc = mm_owner_get((domid_t)a->arg[3], &owner);
    if (rc)
        return rc;
    rc = owner == &domain_io || owner == &domain_xen ? -EPERM : settle(owner);
    while (!rc && done < b.nr) {
        if (done && hypercall_should_yield())
            rc = -ERESTART;
        else if (guest_load(&op, (const struct mmuext_op *)a->arg[0] + done,
                            sizeof(op)))
            rc = -EFAULT;
        else
            rc = run_op(owner, &op);
        if (rc)
            break;
        done++;
        rc = settle(owner);
    }
    rc = mm_batch_end(a, &b, done, sizeof(op), rc);
    mm_owner_put(owner);
    return rc;
}
