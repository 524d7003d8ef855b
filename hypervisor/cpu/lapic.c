#include "cpu/lapic.h"

#include "boot/boot.h"
#include "cpu/feature.h"
#include "cpu/trap.h"
#include "mm/hvmap.h"
#include "time/clock.h"

enum {
    REG_ID = 0x20,
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_SVR = 0xf0,
    REG_ESR = 0x280,
    REG_ICR = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT_TIMER = 0x320,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_LVT_ERROR = 0x370,
    REG_TIMER_INITIAL = 0x380,
    REG_TIMER_CURRENT = 0x390,
    REG_TIMER_DIVIDE = 0x3e0
};

#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_DEFAULT     0xfee00000u
#define SVR_ENABLE       (1u << 8)
#define LVT_MASKED       (1u << 16)
#define LVT_TSC_DEADLINE (2u << 17)
#define LVT_NMI          (4u << 8)
#define ICR_NMI          (4u << 8)
#define ICR_INIT         (5u << 8)
#define ICR_STARTUP      (6u << 8)
#define ICR_PENDING      (1u << 12)
#define ICR_ASSERT       (1u << 14)
#define ICR_ALL_OTHERS   (3u << 18)
#define DIVIDE_BY_1      0xbu

#define MSR_X2APIC_FIRST 0x800
#define MSR_TSC_DEADLINE 0x6e0

static volatile uint8_t *mmio; /* NULL: not mapped, or x2APIC */
static bool x2apic;
static uint64_t ticks_per_tsc; /* timer ticks a TSC tick, times 2^32 */

static uint32_t apic_read(unsigned reg)
{
    if (x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC_FIRST + (reg >> 4));
    return *(volatile uint32_t *)(mmio + reg);
}

static void apic_write(unsigned reg, uint32_t v)
{
    if (x2apic)
        wrmsr(MSR_X2APIC_FIRST + (reg >> 4), v);
    else
        *(volatile uint32_t *)(mmio + reg) = v;
}

/*
 * x2APIC mode where firmware chose it already (it cannot be left safely) and
 * where some APIC id does not fit in eight bits.
 */
static bool want_x2apic(void)
{
    if (!cpu_has(FEAT_X2APIC))
        return false;
    if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
        return true;
    for (unsigned i = 0; i < acpi_info.nr_cpus; i++)
        if (acpi_info.cpu[i].enabled && acpi_info.cpu[i].apic_id >= 255)
            return !boot_options.no_x2apic;
    return false;
}

void lapic_map(uint64_t phys)
{
    x2apic = want_x2apic();
    if (x2apic)
        return;
    mmio = ioremap(phys ? phys : APIC_DEFAULT, PAGE_SIZE);
    if (!mmio)
        panic("no room to map the local APIC");
}

void lapic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    if (!x2apic && !mmio)
        lapic_map(acpi_info.lapic_phys);
    wrmsr(MSR_APIC_BASE, base);
    if (x2apic)
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
    apic_write(REG_TPR, 0);
    apic_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(REG_LVT_LINT0, LVT_MASKED); /* the 8259s stay silent */
    apic_write(REG_LVT_LINT1, LVT_NMI);
    apic_write(REG_LVT_ERROR, LVT_MASKED | VECTOR_SPURIOUS);
    apic_write(REG_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    apic_write(REG_ESR, 0);
    if (cpu_has(FEAT_TSC_DEADLINE)) {
        apic_write(REG_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
        /* The mode must have taken effect before the first deadline. */
        __asm__ volatile("mfence" ::: "memory");
    } else {
        apic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
        apic_write(REG_LVT_TIMER, VECTOR_TIMER);
    }
}

uint32_t lapic_id(void)
{
    return x2apic ? apic_read(REG_ID) : apic_read(REG_ID) >> 24;
}

void lapic_eoi(void)
{
    apic_write(REG_EOI, 0);
}

static void send_icr(uint32_t apic_id, uint32_t low)
{
    if (x2apic) {
        /* Not serialising: what the IPI announces must be visible first. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_X2APIC_FIRST + (REG_ICR >> 4), (uint64_t)apic_id << 32 | low);
        return;
    }
    while (apic_read(REG_ICR) & ICR_PENDING)
        cpu_relax();
    apic_write(REG_ICR_HIGH, apic_id << 24);
    apic_write(REG_ICR, low);
}

void lapic_send_ipi(unsigned cpu, unsigned vector)
{
    send_icr(cpu_apic_id[cpu], ICR_ASSERT | vector);
}

void lapic_send_init(uint32_t apic_id)
{
    send_icr(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(uint32_t apic_id, unsigned page)
{
    send_icr(apic_id, ICR_ASSERT | ICR_STARTUP | (page & 0xff));
}

void lapic_send_nmi(unsigned cpu)
{
    send_icr(cpu_apic_id[cpu], ICR_ASSERT | ICR_NMI);
}

void lapic_stop_others(void)
{
    if ((!x2apic && !mmio) || !(cpu_online & (cpu_online - 1)))
        return;
    WRITE_ONCE(cpu_stopping, true);
    send_icr(0, ICR_ASSERT | ICR_NMI | ICR_ALL_OTHERS);
}

static void set_one_shot(uint64_t deadline_tsc)
{
    uint64_t now = rdtsc(), delta, ticks;

    delta = deadline_tsc > now ? deadline_tsc - now : 0;
    ticks =
        (uint64_t)((unsigned __int128)MIN(delta, 1ull << 48) * ticks_per_tsc >>
                   32);
    /* 0 would stop it; what is too far off gets an interrupt on the way. */
    apic_write(REG_TIMER_INITIAL,
               (uint32_t)MAX(MIN(ticks, 0xffffffffull), 1ull));
}

void lapic_timer_set(uint64_t deadline_tsc)
{
    if (cpu_has(FEAT_TSC_DEADLINE))
        wrmsr(MSR_TSC_DEADLINE, deadline_tsc);
    else if (deadline_tsc)
        set_one_shot(deadline_tsc);
    else
        apic_write(REG_TIMER_INITIAL, 0);
}

#define CALIBRATE_MS 10

void lapic_timer_calibrate(void)
{
    uint64_t t0, t1, ticks;

    if (cpu_has(FEAT_TSC_DEADLINE))
        return;
    apic_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(REG_TIMER_INITIAL, 0xffffffff);
    t0 = rdtsc();
    ticks = apic_read(REG_TIMER_CURRENT);
    do {
        t1 = rdtsc();
    } while (t1 - t0 < tsc_khz * CALIBRATE_MS);
    ticks -= apic_read(REG_TIMER_CURRENT);
    apic_write(REG_TIMER_INITIAL, 0);
    apic_write(REG_LVT_TIMER, VECTOR_TIMER);
    if (!ticks)
        panic("the local APIC's timer does not count");
    ticks_per_tsc = (ticks << 32) / (t1 - t0);
    log_info("lapic: timer at %lu kHz\n",
             (unsigned long)(ticks / CALIBRATE_MS));
}
