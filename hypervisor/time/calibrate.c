#include "time/internal.h"

#include "boot/boot.h"
#include "cpu/cpu.h"
#include "mm/hvmap.h"

#define CALIBRATE_MS 25
#define PM_TIMER_HZ  3579545u
#define PIT_HZ       1193182u

/* A free-running counter: its value, its rate in Hz, its width. */
struct reference {
    const char *name;
    uint64_t hz, mask;
    uint64_t (*read)(void);
};

static volatile uint8_t *hpet;

static uint64_t pm_timer_read(void)
{
    return inl(acpi_info.pm_timer_port);
}

#define HPET_CAPABILITIES 0x000 /* bits 32-63: femtoseconds a tick */
#define HPET_CONFIG       0x010
#define HPET_COUNTER      0x0f0
#define HPET_ENABLE       1u
#define HPET_MAX_FS       100000000u /* the specification's upper limit */

static uint64_t hpet_read(void)
{
    return *(volatile uint32_t *)(hpet + HPET_COUNTER);
}

static bool hpet_start(struct reference *ref)
{
    uint32_t fs;

    hpet = acpi_info.hpet_phys ? ioremap(acpi_info.hpet_phys, PAGE_SIZE) : NULL;
    if (!hpet)
        return false;
    fs = *(volatile uint32_t *)(hpet + HPET_CAPABILITIES + 4);
    if (!fs || fs > HPET_MAX_FS)
        return false;
    *(volatile uint32_t *)(hpet + HPET_CONFIG) |= HPET_ENABLE;
    *ref = (struct reference){"HPET", 1000000000000000ull / fs, 0xffffffff,
                              hpet_read};
    return true;
}

#define PORT_PIT2     0x42
#define PORT_PIT_MODE 0x43
#define PORT_SPEAKER  0x61
#define PIT2_LATCH    0x80
#define PIT2_MODE2    0xb4 /* channel 2, both bytes, count down and reload */

/* Counts down from 65536, 55 ms a turn: turned round to count up. */
static uint64_t pit_read(void)
{
    unsigned lo, hi;

    outb(PORT_PIT_MODE, PIT2_LATCH);
    lo = inb(PORT_PIT2);
    hi = inb(PORT_PIT2);
    return 0u - (hi << 8 | lo);
}

static void pit_start(struct reference *ref)
{
    /* Gate on, speaker off. */
    outb(PORT_SPEAKER, (inb(PORT_SPEAKER) & ~2u) | 1u);
    outb(PORT_PIT_MODE, PIT2_MODE2);
    outb(PORT_PIT2, 0);
    outb(PORT_PIT2, 0);
    *ref = (struct reference){"PIT", PIT_HZ, 0xffff, pit_read};
}

static bool counts(const struct reference *ref)
{
    uint64_t first = ref->read() & ref->mask;

    for (unsigned i = 0; i < 1000; i++)
        if ((ref->read() & ref->mask) != first)
            return true;
    return false;
}

static void choose(struct reference *ref)
{
    *ref = (struct reference){"PM timer", PM_TIMER_HZ, 0xffffff, pm_timer_read};
    if (acpi_info.pm_timer_port && counts(ref))
        return;
    if (hpet_start(ref) && counts(ref))
        return;
    pit_start(ref);
    if (!counts(ref))
        panic("no PM timer, HPET or PIT counts: cannot measure the TSC");
}

/*
 * Both clocks at one moment: of some tries the one that took least time, so
 * that an emulator's or SMM's pause between the two reads does not count.
 */
static uint64_t read_both(const struct reference *ref, uint64_t *tsc)
{
    uint64_t best = ~0ull, value = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t before = rdtsc(), now = ref->read() & ref->mask;
        uint64_t took = rdtsc() - before;

        if (took < best) {
            best = took;
            value = now;
            *tsc = before + took / 2;
        }
    }
    return value;
}

uint64_t calibrate_tsc_khz(void)
{
    struct reference ref;
    uint64_t tsc0 = 0, tsc1 = 0, start, ticks, khz;

    choose(&ref);
    start = read_both(&ref, &tsc0);
    do {
        ticks = (ref.read() - start) & ref.mask;
    } while (ticks < ref.hz * CALIBRATE_MS / 1000);
    ticks = (read_both(&ref, &tsc1) - start) & ref.mask;
    /* No overflow: some 10^8 TSC ticks, and no reference has 10^9 Hz. */
    khz = (tsc1 - tsc0) * ref.hz / (ticks * 1000);
    log_info("clock: TSC at %lu.%03lu MHz by the %s\n",
             (unsigned long)(khz / 1000), (unsigned long)(khz % 1000),
             ref.name);
    return khz;
}
