#include "boot/boot.h"

#include "boot/asm.h"
#include "boot/internal.h"
#include "cpu/spec.h"
#include "cpu/watchdog.h"
#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "cpu/trap.h"
#include "mm/hvmap.h"
#include "pv/pv.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "time/timer.h"

/* Read by secondary_entry; one CPU comes up at a time. */
uint64_t smp_cr3, smp_stack;
uint32_t smp_cpu;

extern char trampoline_start[], trampoline_far[], trampoline_gdt_base[],
    trampoline_efer[];

#define INIT_DELAY_US    200 /* 10 ms were for CPUs without x86-64 */
#define STARTUP_DELAY_US 200
#define ONLINE_WAIT_US   1000000
#define POLL_US          100

static INIT_TEXT uint32_t *in_copy(char *copy, const char *symbol)
{
    return (uint32_t *)(copy + (symbol - trampoline_start));
}

static INIT_TEXT void trampoline_place(uint64_t page)
{
    char *copy = phys_to_virt(page);

    memcpy(copy, trampoline_start, TRAMPOLINE_SIZE);
    *(uint32_t *)(copy + TRAMPOLINE_CR3) = (uint32_t)virt_to_phys(boot_l4);
    /* LME and what we use ourselves; LMA is the CPU's to set. */
    *in_copy(copy, trampoline_efer) =
        (uint32_t)(rdmsr(MSR_EFER) & ~(1ull << 10));
    *in_copy(copy, trampoline_far) += (uint32_t)page;
    *in_copy(copy, trampoline_gdt_base) += (uint32_t)page;
}

static bool is_online(unsigned cpu)
{
    return __atomic_load_n(&cpu_online, __ATOMIC_ACQUIRE) & CPUMASK_OF(cpu);
}

/* Wait up to `us` for `cpu`, answering its clock comparison meanwhile. */
static INIT_TEXT bool wait_online(unsigned cpu, unsigned us)
{
    for (; us >= POLL_US && !is_online(cpu); us -= POLL_US) {
        clock_delay_us(POLL_US);
        spin_wait();
    }
    return is_online(cpu);
}

static INIT_TEXT bool start_cpu(unsigned cpu, uint64_t page)
{
    if (!hvmap_add_stack(cpu))
        return false;
    smp_cr3 = host_l4.n << PAGE_SHIFT;
    smp_stack = (uintptr_t)cpu_info_of(cpu);
    smp_cpu = cpu;

    lapic_send_init(cpu_apic_id[cpu]);
    clock_delay_us(INIT_DELAY_US);
    lapic_send_startup(cpu_apic_id[cpu], (unsigned)(page >> PAGE_SHIFT));
    if (wait_online(cpu, STARTUP_DELAY_US))
        return true;
    /* Old CPUs want to be asked twice; one that runs does not notice. */
    lapic_send_startup(cpu_apic_id[cpu], (unsigned)(page >> PAGE_SHIFT));
    return wait_online(cpu, ONLINE_WAIT_US);
}

/* INIT parks it for good, wherever it hangs; its stack is not used again. */
static INIT_TEXT void give_up(unsigned cpu)
{
    lapic_send_init(cpu_apic_id[cpu]);
    clock_delay_us(INIT_DELAY_US);
    __atomic_fetch_and(&cpu_online, ~CPUMASK_OF(cpu), __ATOMIC_SEQ_CST);
    log_err("smp: CPU with APIC id %u does not start\n", cpu_apic_id[cpu]);
}

static INIT_TEXT unsigned cpu_limit(void)
{
    unsigned limit = boot_options.maxcpus ? boot_options.maxcpus : MAX_CPUS;

    return boot_options.nosmp ? 1 : MIN(limit, (unsigned)MAX_CPUS);
}

/* Number the CPUs: this one is 0, the others follow in ACPI's order. */
static INIT_TEXT void number_boot_cpu(void)
{
    uint32_t self = lapic_id();

    nr_cpus = 1;
    cpu_apic_id[0] = self;
    for (unsigned i = 0; i < acpi_info.nr_cpus; i++)
        if (acpi_info.cpu[i].apic_id == self)
            cpu_acpi_id[0] = acpi_info.cpu[i].acpi_id;
}

INIT_TEXT void smp_boot(void)
{
    uint64_t page = memmap_low_page();

    number_boot_cpu();
    if (page)
        trampoline_place(page);
    else
        log_warn("smp: no page below 640 KiB, only one CPU runs\n");

    for (unsigned i = 0; page && i < acpi_info.nr_cpus; i++) {
        uint32_t apic_id = acpi_info.cpu[i].apic_id;

        if (!acpi_info.cpu[i].enabled || apic_id == cpu_apic_id[0])
            continue;
        if (nr_cpus >= cpu_limit())
            break;
        cpu_apic_id[nr_cpus] = apic_id;
        cpu_acpi_id[nr_cpus] = acpi_info.cpu[i].acpi_id;
        if (start_cpu(nr_cpus, page))
            nr_cpus++;
        else
            give_up(nr_cpus);
    }
    log_info("smp: %u CPUs run\n", nr_cpus);
}

/* The new CPU's first C, on its own stack, interrupts off. */
void start_secondary(unsigned cpu)
{
    cpu_info()->cpu = cpu;
    cpu_init_registers();
    gdt_load(cpu);
    idt_load();
    lapic_init();
    clock_init_cpu(cpu);
    timer_init_cpu(cpu);
    sched_init_cpu(cpu);
    current = sched_idle_vcpu(cpu);
    spec_init_cpu();
    watchdog_start();
    __atomic_fetch_or(&cpu_online, CPUMASK_OF(cpu), __ATOMIC_RELEASE);
    pv_start_running();
}
