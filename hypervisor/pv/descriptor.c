/*
 * Segment descriptors of PV guests. The guest's GDT and LDT pages appear in a
 * window of each CPU's own address space; the CPU writes accessed bits there,
 * the guest can only read them (type segdesc).
 */
#include "pv/pv.h"

#include "cpu/cpu.h"
#include "cpu/trap.h"
#include "domain/domain.h"
#include "hypercall/handlers.h"
#include "mm/frametype.h"
#include "mm/guestcopy.h"
#include "mm/hvmap.h"
#include "pv/mmu.h"

#define DESC_CODE     (1ull << 43)
#define DESC_S        (1ull << 44) /* code or data, not a system descriptor */
#define DESC_DPL      (3ull << 45)
#define DESC_P        (1ull << 47)
#define DESC_L        (1ull << 53)
#define DESC_D        (1ull << 54)
#define DESC_TYPE_LDT (2ull << 40)

#define DESCS_PER_PAGE  (PAGE_SIZE / 8)
#define MAX_GDT_ENTRIES (GDT_GUEST_PAGES * DESCS_PER_PAGE)
#define LDT_PAGES       16
#define MAX_LDT_ENTRIES (LDT_PAGES * DESCS_PER_PAGE)

#define WINDOW_PTE (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)

/* Behind the end of the guest's GDT: descriptors that are not present. */
static const uint8_t no_descriptors[PAGE_SIZE] ALIGNED(PAGE_SIZE);

/* This CPU's 32 window entries, and what its LDTR was loaded for. */
static struct {
    uint64_t *l1e;
    unsigned ldt_entries;
    bool ldt_used;
} window[MAX_CPUS];

bool descriptor_fix(uint64_t *desc)
{
    uint64_t d = READ_ONCE(*desc);

    if (!(d & DESC_P))
        return true;
    /* Gates, TSSs and LDTs would let the guest choose where we run. */
    if (!(d & DESC_S))
        return false;
    if ((d & DESC_CODE) && (d & DESC_L) && (d & DESC_D))
        return false;
    if ((d & DESC_DPL) != DESC_DPL)
        WRITE_ONCE(*desc, d | DESC_DPL);
    return true;
}

/* ---- the windows ---- */

static uint64_t *window_entries(unsigned cpu)
{
    /* The reserved page is always mapped, and all 32 lie in one table. */
    if (!window[cpu].l1e)
        window[cpu].l1e =
            hvmap_l1e(gdt_window(cpu) + GDT_GUEST_PAGES * PAGE_SIZE) -
            GDT_GUEST_PAGES;
    return window[cpu].l1e;
}

static void window_set(unsigned cpu, unsigned page, uint64_t pte)
{
    uint64_t *e = window_entries(cpu) + page;

    if (*e == pte)
        return;
    WRITE_ONCE(*e, pte);
    invlpg(gdt_window(cpu) + page * PAGE_SIZE);
}

static void load_gdt(const struct vcpu *v, unsigned cpu)
{
    uint64_t none =
        pte_make(virt_to_mfn(no_descriptors), PTE_P | PTE_A | PTE_NX);

    for (unsigned i = 0; i < GDT_GUEST_PAGES; i++) {
        const struct frame *f = v->pv.gdt_frame[i];

        window_set(cpu, i, f ? pte_make(frame_mfn(f), WINDOW_PTE) : none);
    }
}

static void load_ldtr(unsigned cpu, unsigned entries)
{
    uint64_t base = ldt_window(cpu), limit = entries * 8 - 1;
    uint64_t *desc;
    uint16_t selector = entries ? HOST_LDT : 0;

    if (entries) {
        desc = mfn_to_virt(pte_mfn(window_entries(cpu)[GDT_GUEST_PAGES]));
        desc += (HOST_LDT & (PAGE_SIZE - 1)) / sizeof(*desc);
        desc[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | DESC_TYPE_LDT |
                  DESC_P | (limit >> 16 & 0xf) << 48 |
                  (base >> 24 & 0xff) << 56;
        desc[1] = base >> 32;
    }
    __asm__ volatile("lldt %0" ::"r"(selector) : "memory");
    window[cpu].ldt_entries = entries;
}

static void load_ldt(const struct vcpu *v, unsigned cpu)
{
    if (!v->pv.ldt_entries && !window[cpu].ldt_used)
        return;
    for (unsigned i = 0; i < LDT_PAGES; i++) {
        const struct frame *f = v->pv.ldt_frame[i];

        window_set(cpu, GDT_GUEST_PAGES + 2 + i,
                   f ? pte_make(frame_mfn(f), WINDOW_PTE) : 0);
    }
    window[cpu].ldt_used = v->pv.ldt_entries;
    if (window[cpu].ldt_entries != v->pv.ldt_entries)
        load_ldtr(cpu, v->pv.ldt_entries);
}

void pv_load_descriptors(struct vcpu *v)
{
    unsigned cpu = cpu_id();

    load_gdt(v, cpu);
    load_ldt(v, cpu);
}

/* ---- GDT ---- */

static void put_frames(struct frame **frames, unsigned nr, struct domain *d)
{
    for (unsigned i = 0; i < nr; i++) {
        if (frames[i])
            frame_put_typed(frames[i], d);
    }
}

int pv_set_gdt(struct vcpu *v, const uint64_t *mfns, unsigned entries)
{
    struct frame *old[GDT_GUEST_PAGES], *new[GDT_GUEST_PAGES] = {NULL};
    unsigned nr = DIV_ROUND_UP(entries, DESCS_PER_PAGE);

    if (entries > MAX_GDT_ENTRIES)
        return -EINVAL;
    for (unsigned i = 0; i < nr; i++) {
        int rc = frame_get_typed(mfn(mfns[i]), v->domain, FT_SEGDESC);

        if (rc) {
            put_frames(new, i, v->domain);
            return rc;
        }
        new[i] = frame_of(mfn(mfns[i]));
    }
    memcpy(old, v->pv.gdt_frame, sizeof(old));
    memcpy(v->pv.gdt_frame, new, sizeof(new));
    v->pv.gdt_entries = entries;
    if (v == current)
        load_gdt(v, cpu_id());
    put_frames(old, GDT_GUEST_PAGES, v->domain);
    return 0;
}

void pv_drop_gdt(struct vcpu *v)
{
    static const uint64_t none[1];

    (void)pv_set_gdt(v, none, 0); /* no frames: cannot fail */
}

long hc_set_gdt(struct hc_args *a)
{
    unsigned entries = (unsigned)a->arg[1];
    uint64_t mfns[GDT_GUEST_PAGES];

    if (entries > MAX_GDT_ENTRIES)
        return -EINVAL;
    if (copy_from_guest(mfns, (const void *)a->arg[0],
                        DIV_ROUND_UP(entries, DESCS_PER_PAGE) * sizeof(*mfns)))
        return -EFAULT;
    return pv_set_gdt(current, mfns, entries);
}

long hc_update_descriptor(struct hc_args *a)
{
    struct domain *d = current->domain;
    uint64_t addr = a->arg[0], desc = a->arg[1];
    mfn_t m = mfn(addr >> PAGE_SHIFT);
    struct frame *f;
    int rc;

    if (addr % sizeof(desc) || !descriptor_fix(&desc))
        return -EINVAL;
    f = frame_get(m, d);
    if (!f)
        return -EINVAL;
    rc = frame_type_get(f, d,
                        frame_type(f) == FT_SEGDESC ? FT_SEGDESC : FT_WRITABLE);
    if (!rc) {
        uint64_t *slot = frame_virt(f);

        WRITE_ONCE(slot[(addr & (PAGE_SIZE - 1)) / sizeof(desc)], desc);
        frame_type_put(f, d);
    }
    frame_put(f);
    return rc;
}

/* ---- LDT: pages are taken when the CPU first looks at them ---- */

int pv_set_ldt(struct vcpu *v, uint64_t base, unsigned entries)
{
    struct frame *old[LDT_PAGES];
    bool had = v->pv.ldt_entries;

    if (entries > MAX_LDT_ENTRIES || base % PAGE_SIZE ||
        (entries && !guest_range_ok((const void *)base, entries * 8ul)))
        return -EINVAL;
    memcpy(old, v->pv.ldt_frame, sizeof(old));
    memset(v->pv.ldt_frame, 0, sizeof(v->pv.ldt_frame));
    v->pv.ldt_base = entries ? base : 0;
    v->pv.ldt_entries = entries;
    if (v == current)
        load_ldt(v, cpu_id());
    if (had)
        put_frames(old, LDT_PAGES, v->domain);
    return 0;
}

void pv_drop_ldt(struct vcpu *v)
{
    /* No entries: cannot fail. */
    (void)pv_set_ldt(v, 0, 0);
}

bool pv_ldt_fault(struct vcpu *v, uintptr_t offset)
{
    unsigned page = (unsigned)(offset / PAGE_SIZE), idx;
    uint64_t pte;
    mfn_t l1;

    if (offset / 8 >= v->pv.ldt_entries)
        return false;
    page = (unsigned)nospec_index(page, LDT_PAGES);
    /* Already there: not our doing, the guest shall see the fault. */
    if (v->pv.ldt_frame[page])
        return false;
    if (!pv_walk(v->pv.cr3_kernel, v->pv.ldt_base + page * PAGE_SIZE, &pte, &l1,
                 &idx) ||
        frame_get_typed(pte_mfn(pte), v->domain, FT_SEGDESC))
        return false;
    v->pv.ldt_frame[page] = frame_of(pte_mfn(pte));
    load_ldt(v, cpu_id());
    return true;
}
