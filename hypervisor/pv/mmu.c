/*
 * Hypercalls that change page-table entries. Everything happens under the
 * mm_lock of the domain that owns the table, so only CPUs setting accessed
 * and dirty bits race with us, and an atomic exchange copes with those.
 *
 * No flush here unless the guest asks: a frame that loses a mapping is
 * stamped, and flushed for when it changes type or owner (frametype.c).
 */
#include "pv/mmu.h"

#include "cpu/cpu.h"
#include "hypercall/handlers.h"
#include "mm/guestword.h"
#include "mm/tlb.h"

int mm_other_owner_get(domid_t id, struct domain **owner)
{
    struct domain *self = current->domain, *d;

    if (id == self->id) {
        *owner = self;
        return 0;
    }
    if (id == DOMID_IO) {
        *owner = &domain_io;
        return 0;
    }
    if (!policy_is_privileged(self))
        return -EPERM;
    if (id == DOMID_XEN) {
        frame_expose_m2p();
        *owner = &domain_xen;
        return 0;
    }
    d = id < DOMID_FIRST_RESERVED ? domain_get(id) : NULL;
    if (!d)
        return -ESRCH;
    if (domain_is_dying(d)) {
        domain_put(d);
        return -ESRCH;
    }
    *owner = d;
    return 0;
}

void mm_other_owner_put(struct domain *owner)
{
    if (owner != &domain_io && owner != &domain_xen)
        domain_put(owner);
}

/* What a table let go of must be gone before the next entry is looked at. */
static inline int drain(struct domain *d)
{
    return unlikely(d->pv.nr_drops) ? frame_drain(d) : 0;
}

static __attribute__((noinline)) int lock_to_drain(struct domain *d)
{
    int rc = d != current->domain && domain_is_dying(d) ? -ESRCH : drain(d);

    if (rc)
        spin_unlock(&d->mm_lock);
    return rc;
}

int mm_lock_tables(struct domain *d)
{
    spin_lock(&d->mm_lock);
    if (likely(d == current->domain && !d->pv.nr_drops))
        return 0;
    return lock_to_drain(d);
}

int mm_batch_go_on(const struct hc_args *a, struct mm_batch *b)
{
    const void *pdone = (const void *)a->arg[2];

    return pdone ? copy_from_guest(&b->done, pdone, sizeof(b->done)) : 0;
}

long mm_batch_report(struct hc_args *a, const struct mm_batch *b, uint32_t done,
                     size_t size, long rc)
{
    void *pdone = (void *)a->arg[2];
    uint32_t total = b->done + done;

    if (rc == -ERESTART) {
        a->arg[0] += (uint64_t)done * size;
        a->arg[1] = (b->nr - done) | MMU_PREEMPTED;
    }
    if (pdone && copy_to_guest(pdone, &total, sizeof(total)))
        return -EFAULT;
    return rc;
}

/* False when the entry was not what was expected; *old: what it was. */
static inline bool entry_exchange(uint64_t *p, uint64_t pte,
                                  const struct entry_update *u, uint64_t *old)
{
    uint64_t new = pte;

    if (u->expect) {
        *old = *u->expect;
        return __atomic_compare_exchange_n(p, old, pte, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    }
    if (!u->keep_ad) {
        *old = __atomic_exchange_n(p, pte, __ATOMIC_SEQ_CST);
        return true;
    }
    *old = READ_ONCE(*p);
    do {
        new = pte;
        if (*old & pte & PTE_P)
            new |= *old &(PTE_A | PTE_D);
    } while (!__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_RELAXED));
    return true;
}

/*
 * The new entry maps what the old one does, with no more rights: nothing is to
 * be checked. 1 when that is not so, 0, -EAGAIN.
 */
static inline int entry_restrict(struct domain *d, unsigned level, uint64_t *p,
                                 uint64_t old, const struct entry_update *u)
{
    uint64_t pte = entry_adjust(level, u->pte);

    if (entry_is_similar(old, pte))
        return entry_exchange(p, pte, u, &old) ? 0 : -EAGAIN;

    /* Write-protecting, as fork does to every page. */
    if (level > 1 || !(old & PTE_RW) || !entry_is_similar(old & ~PTE_RW, pte))
        return 1;
    if (!entry_exchange(p, pte, u, &old))
        return -EAGAIN;
    if (mfn_is_ram(pte_mfn(old)))
        frame_type_put(frame_of(pte_mfn(old)), d);
    return 0;
}

int table_entry_set(struct domain *d, struct domain *owner, struct frame *table,
                    unsigned i, const struct entry_update *u)
{
    unsigned level = u->level ? u->level : frame_table_level(table, d);
    uint64_t *p = (uint64_t *)frame_virt(table) + i;
    uint64_t old = READ_ONCE(*p), pte = u->pte;
    int rc;

    if (level == 4 && i >= HOST_L4_FIRST && i <= HOST_L4_LAST)
        return -EINVAL;
    if (old & pte & PTE_P) {
        rc = entry_restrict(d, level, p, old, u);
        if (rc <= 0)
            return rc;
    }
    rc = pte & PTE_P ? entry_get(d, owner, level, &pte, true) : 0;
    if (rc)
        return rc;
    if (!entry_exchange(p, pte, u, &old)) {
        entry_put(d, level, pte);
        return -EAGAIN;
    }
    if (old & PTE_P)
        entry_put(d, level, old);
    return 0;
}

/* Entry number of `va` at a level. */
static inline unsigned entry_index(uintptr_t va, unsigned level)
{
    return va >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/* Canonical, and not in our range, which begins where the hole ends. */
static inline bool va_is_guests(uintptr_t va)
{
    return va < GUEST_LOW_END || va >= HOST_VA_END;
}

/*
 * Down to the L1. Without the lock tables may change under our feet, so look
 * only at what is RAM; what we read is then no more than a hint.
 */
static inline bool walk_down(mfn_t *table, uintptr_t va, unsigned level)
{
    uint64_t e =
        READ_ONCE(((uint64_t *)mfn_to_virt(*table))[entry_index(va, level)]);

    *table = pte_mfn(e);
    return (e & (PTE_P | PTE_PS)) == PTE_P && mfn_is_ram(*table);
}

static bool walk_to_l1(mfn_t l4, uintptr_t va, mfn_t *l1)
{
    *l1 = l4;
    return l4.n && va_is_guests(va) && mfn_is_ram(l4) && walk_down(l1, va, 4) &&
           walk_down(l1, va, 3) && walk_down(l1, va, 2);
}

bool pv_walk(mfn_t l4, uintptr_t va, uint64_t *pte, mfn_t *l1, unsigned *idx)
{
    if (!walk_to_l1(l4, va, l1))
        return false;
    *idx = entry_index(va, 1);
    *pte = READ_ONCE(((uint64_t *)mfn_to_virt(*l1))[*idx]);
    return *pte & PTE_P;
}

mfn_t table_find_l1(mfn_t l4, uintptr_t va)
{
    mfn_t table = l4;

    if (!va_is_guests(va) || !l4.n)
        return INVALID_MFN;
#pragma GCC unroll 3
    for (unsigned level = 4; level > 1; level--) {
        const uint64_t *entries = mfn_to_virt(table);
        uint64_t e = READ_ONCE(entries[entry_index(va, level)]);

        /* Under the lock a present one names a valid table of the guest's. */
        if (!(e & PTE_P))
            return INVALID_MFN;
        table = pte_mfn(e);
    }
    ASSERT(frame_table_level(frame_of(table), current->domain) == 1);
    return table;
}

int pv_new_baseptr(struct vcpu *v, mfn_t l4, bool user)
{
    mfn_t *root = user ? &v->pv.cr3_user : &v->pv.cr3_kernel;
    mfn_t old = *root;

    if (user && !l4.n) {
        root->n = 0;
    } else if (l4.n != old.n) {
        int rc = frame_get_typed_preempt(l4, v->domain, FT_L4);

        if (rc)
            return rc;
        *root = l4;
    }
    if (v == current && user != v->pv.kernel_mode && root->n)
        tlb_load_cr3(*root);
    if (old.n && old.n != l4.n)
        frame_put_typed(frame_of(old), v->domain);
    return 0;
}

/* ---- mmu_update ---- */

static int update_m2p(struct domain *owner, uint64_t addr, uint64_t pfn)
{
    struct frame *f = frame_get(mfn(addr >> PAGE_SHIFT), owner);

    if (!f)
        return -EINVAL;
    if (owner->id == DOMID_XEN) {
        frame_put(f);
        return -EPERM;
    }
    m2p_set(frame_mfn(f), pfn);
    frame_put(f);
    return 0;
}

/* A table that is none yet is plain memory of the guest. */
static int update_plain(struct domain *d, mfn_t m, unsigned i, uint64_t value)
{
    int rc = frame_get_typed(m, d, FT_WRITABLE);

    if (rc)
        return rc;
    WRITE_ONCE(((uint64_t *)mfn_to_virt(m))[i], value);
    frame_put_typed(frame_of(m), d);
    return 0;
}

static int update_one(struct domain *d, struct domain *owner,
                      const struct mmu_update *req)
{
    unsigned cmd = req->ptr & 3, level;
    unsigned i = (req->ptr & (PAGE_SIZE - 1)) / sizeof(uint64_t);
    mfn_t m = mfn(req->ptr >> PAGE_SHIFT);

    if (cmd == MMU_MACHPHYS_UPDATE)
        return update_m2p(owner, req->ptr, req->val);
    if ((req->ptr & 7) != cmd || !mfn_is_ram(m))
        return -EINVAL;
    m.n = nospec_index(m.n, max_mfn);
    level = frame_table_level(frame_of(m), d);
    if (unlikely(!level))
        return update_plain(d, m, i, req->val);
    return table_entry_set(d, owner, frame_of(m), i,
                           &(struct entry_update){
                               .pte = req->val,
                               .level = level,
                               .keep_ad = cmd == MMU_PT_UPDATE_PRESERVE_AD,
                           });
}

/*
 * Copy requests from the guest, each once: up to PIECE of them, or one where
 * the list runs into a hole. How many, or -EFAULT.
 */
#define PIECE 16u

static long fetch(struct mmu_update *req, const void *list, uint32_t first,
                  uint32_t nr)
{
    if (nr == 1)
        return guest_load(req, (const struct mmu_update *)list + first,
                          sizeof(*req))
                   ? -EFAULT
                   : 1;
    nr = MIN(nr, PIECE);
    if (likely(!copy_array_from(req, list, first, nr, sizeof(*req))))
        return nr;
    return copy_array_from(req, list, first, 1, sizeof(*req)) ? -EFAULT : 1;
}

static long update_batch(struct domain *d, struct domain *owner,
                         const struct hc_args *a, const struct mm_batch *b,
                         uint32_t *done)
{
    const void *list = (const void *)a->arg[0];
    struct mmu_update req[PIECE];
    uint32_t have = 0, i = 0; /* of the piece: copied, done */
    long rc = mm_lock_tables(d);

    if (rc)
        return rc;
    while (!rc && *done < b->nr) {
        if (i == have) {
            if (*done && hypercall_should_yield()) {
                rc = -ERESTART;
                break;
            }
            rc = fetch(req, list, *done, b->nr - *done);
            if (rc < 0)
                break;
            have = (uint32_t)rc;
            i = 0;
        }
        rc = update_one(d, owner, &req[i++]);
        if (rc)
            break;
        ++*done;
        rc = drain(d);
    }
    spin_unlock(&d->mm_lock);
    return rc;
}

long hc_mmu_update(struct hc_args *a)
{
    uint32_t foreign = (uint32_t)a->arg[3], done = 0;
    struct domain *d = current->domain, *owner;
    struct mm_batch b;
    long rc = mm_batch_start(a, &b);

    if (rc)
        return rc;
    rc = mm_owner_get((domid_t)foreign, &owner);
    if (rc)
        return rc;
    if (foreign >> 16) {
        rc = mm_owner_get((domid_t)((foreign >> 16) - 1), &d);
        if (rc)
            goto put_owner;
        if (d == &domain_io || d == &domain_xen) {
            rc = -EPERM;
            goto put_owner;
        }
    }
    rc = update_batch(d, owner, a, &b, &done);
    rc = mm_batch_end(a, &b, done, sizeof(struct mmu_update), rc);
    mm_owner_put(d);
put_owner:
    mm_owner_put(owner);
    return rc;
}

/* ---- update_va_mapping ---- */

int mm_vcpumask_to_cpus(struct domain *d, const void *guest_bitmap,
                        cpumask_t *cpus)
{
    uint64_t bits[BITS_TO_WORDS(MAX_VCPUS)] = {0};

    if (copy_from_guest(bits, guest_bitmap, (d->max_vcpus + 7) / 8))
        return -EFAULT;
    *cpus = 0;
    vcpu_for_each (d, v) {
        if (bit_test(bits, v->id))
            *cpus |= CPUMASK_OF(READ_ONCE(v->unit.cpu));
    }
    /* Where a vCPU of d has left meanwhile, the switch has flushed. */
    *cpus &= READ_ONCE(d->dirty_cpus);
    return 0;
}

static int flush_for_va(struct domain *d, uintptr_t va, uint64_t flags)
{
    uint64_t scope = flags & ~UVMF_FLUSHTYPE_MASK;
    uint64_t type = flags & UVMF_FLUSHTYPE_MASK;
    cpumask_t cpus;

    if (type != UVMF_TLB_FLUSH && type != UVMF_INVLPG)
        return 0;
    if (scope == UVMF_LOCAL) {
        if (type == UVMF_TLB_FLUSH)
            tlb_flush_local();
        else
            invlpg(va);
        return 0;
    }
    if (scope == UVMF_ALL)
        cpus = READ_ONCE(d->dirty_cpus);
    else if (mm_vcpumask_to_cpus(d, (const void *)scope, &cpus))
        return -EFAULT;
    tlb_flush_mask(cpus, type == UVMF_TLB_FLUSH ? TLB_ALL : va & PAGE_MASK);
    return 0;
}

static inline long update_va(uintptr_t va, uint64_t pte, uint64_t flags,
                             struct domain *owner)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    long rc = mm_lock_tables(d);
    mfn_t l1;

    if (rc)
        return rc;
    l1 = table_find_l1(v->pv.cr3_kernel, va);
    if (l1.n != INVALID_MFN.n)
        rc = table_entry_set(d, owner, frame_of(l1), entry_index(va, 1),
                             &(struct entry_update){.pte = pte, .level = 1});
    else
        rc = -EINVAL;
    spin_unlock(&d->mm_lock);
    if (flags && va_is_guests(va)) {
        int flush_rc = flush_for_va(d, va, flags);

        rc = rc ? rc : flush_rc;
    }
    return rc;
}

long hc_update_va_mapping(struct hc_args *a)
{
    return update_va(a->arg[0], a->arg[1], a->arg[2], current->domain);
}

long hc_update_va_mapping_otherdomain(struct hc_args *a)
{
    struct domain *owner;
    long rc = mm_owner_get((domid_t)a->arg[3], &owner);

    if (rc)
        return rc;
    rc = update_va(a->arg[0], a->arg[1], a->arg[2], owner);
    mm_owner_put(owner);
    return rc;
}
