/* Segment selectors and bases. The data selectors are the guest's, always. */
#include "pv/internal.h"

#include "cpu/extable.h"
#include "hypercall/handlers.h"

/*
 * RDFSBASE and its kin are quicker than MSRs, but CR4 is as the guest that
 * runs here (or has just run, or is about to) wants it.
 */
static bool have_fsgsbase(void)
{
    return current->pv.cr4 & CR4_FSGSBASE;
}

static uint64_t rdgsbase(void)
{
    uint64_t base;

    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base;
}

static void swapgs(void)
{
    __asm__ volatile("swapgs" ::: "memory");
}

uint64_t segment_fs_base(void)
{
    uint64_t base;

    if (!have_fsgsbase())
        return rdmsr(MSR_FS_BASE);
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

uint64_t segment_gs_base(void)
{
    return have_fsgsbase() ? rdgsbase() : rdmsr(MSR_GS_BASE);
}

uint64_t segment_shadow_gs_base(void)
{
    uint64_t base;

    if (!have_fsgsbase())
        return rdmsr(MSR_KERNEL_GS_BASE);
    swapgs();
    base = rdgsbase();
    swapgs();
    return base;
}

void segment_set_fs_base(uint64_t base)
{
    if (have_fsgsbase())
        __asm__ volatile("wrfsbase %0" ::"r"(base));
    else
        wrmsr(MSR_FS_BASE, base);
}

void segment_set_gs_base(uint64_t base)
{
    if (have_fsgsbase())
        __asm__ volatile("wrgsbase %0" ::"r"(base));
    else
        wrmsr(MSR_GS_BASE, base);
}

void segment_set_shadow_gs_base(uint64_t base)
{
    if (!have_fsgsbase()) {
        wrmsr(MSR_KERNEL_GS_BASE, base);
        return;
    }
    swapgs();
    segment_set_gs_base(base);
    swapgs();
}

/* With RPL 3 the CPU checks the descriptor as it would for the guest. */
static uint16_t guest_selector(uint16_t sel)
{
    return sel & ~3 ? sel | 3 : sel;
}

/*
 * Load `sel` into a segment register: true, or NULL and false when the
 * descriptor is not good. A page of the LDT comes in by the fault itself
 * (cpu/trap.c).
 */
#define DEFINE_LOAD(reg)                                                       \
    static bool load_##reg(uint16_t sel)                                       \
    {                                                                          \
        __asm__ goto("1: mov %0, %%" #reg "\n" _ASM_EXTABLE("1b", "%l[bad]")   \
                     :                                                         \
                     : "r"((uint32_t)guest_selector(sel))                      \
                     : "memory"                                                \
                     : bad);                                                   \
        return true;                                                           \
bad:                                                                           \
        __asm__ volatile("mov %0, %%" #reg ::"r"(0));                          \
        return false;                                                          \
    }                                                                          \
    static uint16_t read_##reg(void)                                           \
    {                                                                          \
        uint32_t sel;                                                          \
                                                                               \
        __asm__ volatile("mov %%" #reg ", %0" : "=r"(sel));                    \
        return (uint16_t)sel;                                                  \
    }
DEFINE_LOAD(ds)
DEFINE_LOAD(es)
DEFINE_LOAD(fs)
DEFINE_LOAD(gs)

void segment_save(struct pv_vcpu *p)
{
    uint64_t gs = segment_gs_base(), shadow = segment_shadow_gs_base();

    p->ds = read_ds();
    p->es = read_es();
    p->fs = read_fs();
    p->gs = read_gs();
    p->fs_base = segment_fs_base();
    p->gs_base_kernel = p->kernel_mode ? gs : shadow;
    p->gs_base_user = p->kernel_mode ? shadow : gs;
}

bool segment_load(const struct pv_vcpu *p)
{
    bool ok = true;

    /* NULL over NULL needs no load; any other may mean something new now. */
    if (p->ds | read_ds())
        ok &= load_ds(p->ds);
    if (p->es | read_es())
        ok &= load_es(p->es);
    if (p->fs | read_fs())
        ok &= load_fs(p->fs);
    if (p->gs | read_gs())
        ok &= load_gs(p->gs);

    /* The bases last: loading a selector changes them. */
    segment_set_fs_base(p->fs_base);
    segment_set_shadow_gs_base(p->kernel_mode ? p->gs_base_user
                                              : p->gs_base_kernel);
    segment_set_gs_base(p->kernel_mode ? p->gs_base_kernel : p->gs_base_user);
    return ok;
}

long hc_set_segment_base(struct hc_args *a)
{
    uint64_t base = a->arg[1];

    if ((uint32_t)a->arg[0] == SEGBASE_GS_USER_SEL) {
        swapgs();
        (void)load_gs((uint16_t)base); /* NULL when it does not exist */
        swapgs();
        return 0;
    }

    if (!addr_is_canonical(base))
        return -EINVAL;
    switch ((uint32_t)a->arg[0]) {
    case SEGBASE_FS:
        segment_set_fs_base(base);
        return 0;
    case SEGBASE_GS_USER:
        segment_set_shadow_gs_base(base);
        return 0;
    case SEGBASE_GS_KERNEL:
        segment_set_gs_base(base);
        return 0;
    default:
        return -EINVAL;
    }
}
