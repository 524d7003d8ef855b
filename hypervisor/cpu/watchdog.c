#include "cpu/watchdog.h"

#include "boot/boot.h"
#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "time/clock.h"
#include "time/timer.h"

static struct {
    struct timer timer;
    uint32_t interrupts; /* taken here; only its change counts */
    uint32_t seen;       /* by the CPU that watches this one */
    unsigned silent;     /* looks without a change, by the same */
    bool accused;        /* the NMI is for it */
} cpus[MAX_CPUS] ALIGNED(64);

static unsigned next_cpu(unsigned cpu)
{
    do
        cpu = (cpu + 1) % MAX_CPUS;
    while (!(cpu_online & CPUMASK_OF(cpu)));
    return cpu;
}

static void look(void *unused)
{
    unsigned me = cpu_id(), cpu = next_cpu(me);
    uint32_t now = READ_ONCE(cpus[cpu].interrupts);

    (void)unused;
    timer_set(&cpus[me].timer, clock_now_ns() + NS_PER_SEC);
    if (cpu == me)
        return;
    cpus[cpu].silent = now == cpus[cpu].seen ? cpus[cpu].silent + 1 : 0;
    cpus[cpu].seen = now;
    if (cpus[cpu].silent > WATCHDOG_SECS) {
        cpus[cpu].silent = 0;
        __atomic_store_n(&cpus[cpu].accused, true, __ATOMIC_SEQ_CST);
        lapic_send_nmi(cpu);
    } else {
        /* Idle or busy with a guest, it takes this one before the next look. */
        cpu_kick(cpu);
    }
}

void watchdog_start(void)
{
    unsigned me = cpu_id();

    if (!boot_options.watchdog)
        return;
    timer_init(&cpus[me].timer, look, NULL, me);
    timer_set(&cpus[me].timer, clock_now_ns() + NS_PER_SEC);
}

void watchdog_alive(void)
{
    unsigned me = cpu_id();

    WRITE_ONCE(cpus[me].interrupts, cpus[me].interrupts + 1);
}

bool watchdog_barks(void)
{
    return READ_ONCE(cpus[cpu_id()].accused);
}
