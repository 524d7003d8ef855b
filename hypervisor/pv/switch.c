/* From one vCPU to another, and from a guest's kernel to its user. */
#include "pv/internal.h"

#include "cpu/feature.h"
#include "cpu/fpu.h"
#include "cpu/spec.h"
#include "mm/hvmap.h"
#include "mm/tlb.h"
#include "time/clock.h"

/*
 * The idle vCPUs. Their vcpu_info always shows an event, so that pv_return
 * never goes to a guest with one of them.
 */
static struct vcpu_info idle_info = {.evtchn_upcall_pending = 1};
static struct domain idle_domain = {.id = DOMID_IDLE, .refs = 1};
static struct vcpu idle_vcpus[MAX_CPUS];

struct vcpu *sched_idle_vcpu(unsigned cpu)
{
    struct vcpu *v = &idle_vcpus[cpu];

    if (!v->info) {
        v->id = cpu;
        v->domain = &idle_domain;
        v->info = &idle_info;
        v->unit.cpu = cpu;
    }
    return v;
}

static bool is_idle(const struct vcpu *v)
{
    return v->domain == &idle_domain;
}

struct cpu_user_regs *pv_regs(struct vcpu *v)
{
    return v == current ? &cpu_info()->regs : &v->pv.regs;
}

static void save_state(struct vcpu *v)
{
    v->pv.regs = cpu_info()->regs;
    segment_save(&v->pv);
    debugreg_unload(v);
    fpu_save(v);
}

uint64_t pv_cr4_bits(uint64_t value)
{
    uint64_t bits = CR4_GUEST;

    if (!cpu_has(FEAT_FSGSBASE))
        bits &= ~(uint64_t)CR4_FSGSBASE;
    if (!host_xcr0)
        bits &= ~(uint64_t)CR4_OSXSAVE;
    return value & bits;
}

void pv_load_cr4(const struct vcpu *v)
{
    uint64_t now = read_cr4();
    uint64_t want =
        (now & ~(uint64_t)CR4_HARDWARE) | (v->pv.cr4 & CR4_HARDWARE);

    if (want != now)
        write_cr4(want);
}

/* v's tables are live already, and v is current. */
static void load_state(struct vcpu *v)
{
    cpu_info()->regs = v->pv.regs;
    pvclock_vcpu_runs(v);
    pv_load_descriptors(v);
    pv_load_cr4(v); /* segment_load() relies on it */
    if (cpu_has(FEAT_RDTSCP))
        wrmsr(MSR_TSC_AUX, v->pv.tsc_aux);
    fpu_restore(v);
    debugreg_load(v);
    if (unlikely(!segment_load(&v->pv)) && v->pv.failsafe_callback)
        pv_bounce_failsafe(v, &cpu_info()->regs);
    if (unlikely(v->pv.owes_breakpoint)) {
        v->pv.owes_breakpoint = false;
        pv_inject_trap(v, TRAP_BP, 0);
    }
}

/* Who ran last on a CPU that idles now. */
static struct vcpu *left[MAX_CPUS];

/*
 * Are v's tables still loaded here, from before the CPU idled? Flushes meant
 * for v go to the CPU it belongs to, so it must not have had another meanwhile.
 */
static bool is_left_here(const struct vcpu *v)
{
    return cpu_info()->lazy == &v->domain->dirty_cpus && left[cpu_id()] == v &&
           !v->unit.moved && read_cr3() >> PAGE_SHIFT == pv_live_root(v).n;
}

/*
 * A CPU counts as dirty from before it loads a domain's tables until after it
 * has loaded others. To idle it loads none: a sleeper that comes back at once,
 * as most do, finds its translations as they were.
 */
static void switch_tables(struct vcpu *prev, struct vcpu *next)
{
    struct cpu_info *ci = cpu_info();
    cpumask_t me = CPUMASK_OF(ci->cpu);
    cpumask_t *old = is_idle(prev) ? ci->lazy : &prev->domain->dirty_cpus;
    cpumask_t *new = &next->domain->dirty_cpus;
    bool loaded;

    if (is_idle(next)) {
        left[ci->cpu] = prev;
        ci->lazy = old;
        return;
    }
    spec_enter_domain(next->domain->id);
    loaded = is_idle(prev) && is_left_here(next);
    next->unit.moved = false;
    ci->lazy = NULL;
    if (loaded)
        return;
    __atomic_fetch_or(new, me, __ATOMIC_SEQ_CST);
    tlb_load_cr3(pv_live_root(next));
    if (old && old != new)
        __atomic_fetch_and(old, ~me, __ATOMIC_SEQ_CST);
}

void vcpu_context_switch(struct vcpu *prev, struct vcpu *next)
{
    if (prev == next)
        return;

    if (!is_idle(prev))
        save_state(prev);
    current = next;
    switch_tables(prev, next);
    if (!is_idle(next))
        load_state(next);
}
