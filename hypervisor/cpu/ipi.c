#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "cpu/trap.h"
#include "lib/spinlock.h"
#include "mm/layout.h"
#include "mm/tlb.h"
#include "time/clock.h"

/* The one running ipi_call(): `lock` is its caller's. */
static struct {
    struct spinlock lock;
    void (*fn)(void *arg);
    void *arg;
    cpumask_t pending; /* who still has to run it */
} call;

struct cpu_info *cpu_info_of(unsigned cpu)
{
    return (struct cpu_info *)(CPU_STACKS_START +
                               (cpu + 1ul) * CPU_STACK_STRIDE) -
           1;
}

void spin_wait(void)
{
    cpu_relax();
    tlb_serve_requests();
    ipi_call_interrupt();
    clock_serve_sync();
}

void cpu_raise(unsigned cpu, enum cpu_work work)
{
    uint64_t bit = 1ull << work;
    uint64_t old =
        __atomic_fetch_or(&cpu_info_of(cpu)->work, bit, __ATOMIC_SEQ_CST);

    /* A bit that was set already has had its interrupt. */
    if (!(old & bit) && cpu != cpu_id())
        cpu_kick(cpu);
}

void cpu_kick(unsigned cpu)
{
    if (cpu != cpu_id())
        lapic_send_ipi(cpu, VECTOR_KICK);
}

void ipi_call_interrupt(void)
{
    cpumask_t me = CPUMASK_OF(cpu_id());

    if (!(__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE) & me))
        return;
    call.fn(call.arg);
    __atomic_fetch_and(&call.pending, ~me, __ATOMIC_RELEASE);
}

void ipi_call(cpumask_t mask, void (*fn)(void *), void *arg)
{
    mask &= cpu_online & ~CPUMASK_OF(cpu_id());
    if (!mask)
        return;
    spin_lock(&call.lock);
    call.fn = fn;
    call.arg = arg;
    __atomic_store_n(&call.pending, mask, __ATOMIC_SEQ_CST);
    cpumask_for_each(cpu, mask) lapic_send_ipi((unsigned)cpu, VECTOR_CALL);
    while (__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE))
        spin_wait();
    spin_unlock(&call.lock);
}

/* The one running ipi_stop_others(). */
static struct {
    struct spinlock lock;
    void (*fn)(void *arg);
    void *arg;
    cpumask_t missing; /* CPUs that have yet to stop */
    bool go_on;
} stop;

/* The last to arrive does the work: then the caller waits in ipi_call(). */
static void stand_still(void *unused)
{
    (void)unused;
    if (!__atomic_and_fetch(&stop.missing, ~CPUMASK_OF(cpu_id()),
                            __ATOMIC_SEQ_CST)) {
        stop.fn(stop.arg);
        __atomic_store_n(&stop.go_on, true, __ATOMIC_RELEASE);
    }
    while (!__atomic_load_n(&stop.go_on, __ATOMIC_ACQUIRE))
        cpu_relax();
}

void ipi_stop_others(void (*fn)(void *), void *arg)
{
    cpumask_t others = cpu_online & ~CPUMASK_OF(cpu_id());

    if (!others) {
        fn(arg);
        return;
    }
    spin_lock(&stop.lock);
    stop.fn = fn;
    stop.arg = arg;
    stop.missing = others;
    stop.go_on = false;
    ipi_call(others, stand_still, NULL);
    spin_unlock(&stop.lock);
}
