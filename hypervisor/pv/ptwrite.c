/*
 * Writable page tables: a guest kernel's store to an L1 table, which it can
 * only map read-only, faults; we do the store for it, checked like an
 * mmu_update, and let it go on behind the instruction.
 */
#include "pv/mmu.h"

#include "cpu/cpu.h"
#include "cpu/trap.h"
#include "domain/trace.h"
#include "mm/guestcopy.h"
#include "pv/ptwrite-insn.h"

#include <xen/xen.h>

/* Bytes at RIP; a second page is only touched when it is there. */
static size_t fetch(const struct cpu_user_regs *regs, uint8_t bytes[15])
{
    size_t first = MIN(15ul, PAGE_SIZE - (regs->rip & (PAGE_SIZE - 1)));

    if (copy_from_guest(bytes, (const void *)regs->rip, first))
        return 0;
    if (first < 15 &&
        copy_from_guest(bytes + first, (const void *)(regs->rip + first),
                        15 - first))
        return first;
    return 15;
}

/* Is the page behind this L1 entry a valid L1 of d, mapped read-only? */
static struct frame *target_of(const struct domain *d, uint64_t pte)
{
    struct frame *f;

    if (!(pte & PTE_P) || (pte & PTE_RW) || !mfn_is_ram(pte_mfn(pte)))
        return NULL;
    f = frame_of(pte_mfn(pte));
    return frame_table_level(f, d) == 1 ? f : NULL;
}

/* Do the store at byte `offset` of L1 `f`, lock held. 0 or -Exxx. */
static int store(struct domain *d, struct frame *f, unsigned offset,
                 const struct ptw_insn *insn, struct cpu_user_regs *regs)
{
    unsigned i = offset / 8, shift = 8 * (offset % 8);
    uint64_t mask = insn->size == 8 ? ~0ull : (1ull << (8 * insn->size)) - 1;
    const uint64_t *p = (const uint64_t *)frame_virt(f) + i;
    struct ptw_result result;
    int rc;

    /* A CPU that sets accessed or dirty bits meanwhile makes us repeat. */
    do {
        uint64_t old = READ_ONCE(*p);

        ptw_execute(insn, regs, old >> shift & mask, &result);
        rc = 0;
        if (result.store) {
            struct entry_update u = {
                .pte = (old & ~(mask << shift)) | result.value << shift,
                .expect = &old,
            };

            rc = table_entry_set(d, d, f, i, &u);
        }
    } while (rc == -EAGAIN);
    if (!rc)
        ptw_commit(insn, &result, regs);
    return rc;
}

bool pv_emulate_pt_write(struct vcpu *v, uintptr_t va,
                         struct cpu_user_regs *regs)
{
    struct domain *d = v->domain;
    struct frame *target;
    struct ptw_insn insn;
    uint8_t bytes[15];
    uint64_t pte;
    unsigned idx;
    mfn_t l1;
    int rc;

    if (!v->pv.kernel_mode ||
        !(d->vm_assist & (1u << VMASST_TYPE_writable_pagetables)))
        return false;
    if (!pv_walk(v->pv.cr3_kernel, va, &pte, &l1, &idx) || !target_of(d, pte))
        return false;
    if (!ptw_decode(bytes, fetch(regs, bytes), &insn) || va % insn.size)
        return false;

    v->pv.trip_asked = true;
    rc = mm_lock_tables(d);
    if (rc)
        return rc == -ERESTART; /* fault again, and go on */
    l1 = table_find_l1(v->pv.cr3_kernel, va);
    target = l1.n != INVALID_MFN.n ? target_of(d, READ_ONCE(*l1_entry(l1, va)))
                                   : NULL;
    rc = target ? store(d, target, va & (PAGE_SIZE - 1), &insn, regs) : -EAGAIN;
    spin_unlock(&d->mm_lock);
    if (rc)
        return rc == -EAGAIN; /* changed under us: let it fault again */
    if (tracing())
        trace_addresses(
            TRC_PV_PTWR_EMULATION | TRC_64_FLAG,
            *((const uint64_t *)frame_virt(target) + va % PAGE_SIZE / 8), va,
            regs->rip, 3);
    regs->rip += insn.len;
    regs->rflags &= ~(uint64_t)RFLAGS_RF;
    if (regs->rflags & RFLAGS_TF) {
        v->pv.dr[6] |= 1u << 14; /* BS: a single step */
        pv_inject_trap(v, TRAP_DB, 0);
    }
    return true;
}
