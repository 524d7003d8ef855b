#include "time/internal.h"

#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "cpu/percpu.h"
#include "time/timer.h"

uint64_t tsc_khz;

/* ns = (tsc << shift) * mul >> 32, as pvclock's readers compute it. */
static uint32_t scale_mul;
static int8_t scale_shift;
static uint64_t tsc_per_ns; /* times 2^32 */
static uint64_t boot_tsc;   /* of the boot CPU at system time 0 */
static int64_t tsc_offset[MAX_CPUS];

/* A multiplier with its top bit in use, so that precision is at its best. */
static void set_scale(void)
{
    uint64_t hz = tsc_khz * 1000;

    scale_shift = 0;
    while (hz > 2 * NS_PER_SEC) {
        hz >>= 1;
        scale_shift--;
    }
    while (hz <= NS_PER_SEC) {
        hz <<= 1;
        scale_shift++;
    }
    scale_mul = (uint32_t)((NS_PER_SEC << 32) / hz);
    tsc_per_ns = (tsc_khz << 32) / 1000000;
}

void clock_init(void)
{
    tsc_khz = calibrate_tsc_khz();
    if (!tsc_khz)
        panic("the TSC does not count");
    set_scale();
    boot_tsc = rdtsc();
    /*
     * A TSC that changes its rate or stops in deep sleep is no clock for
     * guests to read alone. A virtual one does neither, though it seldom says.
     */
    tsc_synchronised = cpu_has(FEAT_INVARIANT_TSC) || cpu_has(FEAT_HYPERVISOR);
    wallclock_init();
}

void clock_init_cpu(unsigned cpu)
{
    tsc_offset[cpu] = tsc_sync_measure();
}

uint64_t clock_tsc_base(void)
{
    return boot_tsc + (uint64_t)tsc_offset[cpu_id()];
}

void clock_tsc_scale(uint32_t *mul, int8_t *shift)
{
    *mul = scale_mul;
    *shift = scale_shift;
}

uint64_t clock_tsc_to_ns(uint64_t tsc)
{
    uint64_t delta = tsc - clock_tsc_base();

    /* A TSC that lags the boot CPU's a little reads as the beginning. */
    if ((int64_t)delta < 0)
        return 0;
    delta = scale_shift < 0 ? delta >> -scale_shift : delta << scale_shift;
    return (uint64_t)((unsigned __int128)delta * scale_mul >> 32);
}

/* Rounded up: a timer for it never fires a tick too early. */
uint64_t clock_ns_to_tsc(uint64_t ns)
{
    unsigned __int128 ticks = ((unsigned __int128)ns * tsc_per_ns >> 32) + 1;

    if (ticks >> 62)
        ticks = 1ull << 62; /* "never": a century at 46 GHz */
    return clock_tsc_base() + (uint64_t)ticks;
}

uint64_t clock_ticks(void)
{
    return rdtsc();
}

uint64_t clock_now_ns(void)
{
    return tsc_khz ? clock_tsc_to_ns(rdtsc()) : 0;
}

static uint64_t timer_due[MAX_CPUS]; /* 0: it is not armed */

void timer_arm_hardware(uint64_t deadline_ns)
{
    uint64_t due = deadline_ns ? clock_ns_to_tsc(deadline_ns) : 0;

    timer_due[cpu_id()] = due;
    lapic_timer_set(due);
}

bool timer_is_due(uint64_t tsc)
{
    uint64_t due = timer_due[cpu_id()];

    return due && due <= tsc;
}

void timer_interrupt(void)
{
    cpu_raise(cpu_id(), WORK_TIMER);
}

void clock_delay_us(unsigned us)
{
    uint64_t start = rdtsc();

    if (!tsc_khz) { /* too early: a write to this port takes about 1 us */
        while (us--)
            outb(0x80, 0);
        return;
    }
    while (rdtsc() - start < us * tsc_khz / 1000)
        spin_wait();
}
