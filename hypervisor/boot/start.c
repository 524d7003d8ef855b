#include "boot/boot.h"

#include "boot/asm.h"
#include "boot/internal.h"
#include "console/console.h"
#include "cpu/spec.h"
#include "cpu/watchdog.h"
#include "cpu/feature.h"
#include "cpu/lapic.h"
#include "cpu/policy.h"
#include "cpu/trap.h"
#include "domain/domain.h"
#include "evtchn/evtchn.h"
#include "grant/gnttab.h"
#include "hypercall/hypercall.h"
#include "irq/irq.h"
#include "mm/alloc.h"
#include "mm/hvmap.h"
#include "pci/pci.h"
#include "pv/pv.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "time/timer.h"

static_assert(BOOT_STACK_SIZE == STACK_SIZE, "cpu_info() needs it");
static_assert(CPU_INFO_ROOM >= sizeof(struct cpu_info), "boot stack");
static_assert(IMAGE_PHYS % 4096 == 0, "the image is mapped by pages");

/* What a domain consists of; made in this order, undone in reverse. */
const struct domain_part *const domain_parts[] = {
    &policy_part, &pv_part,       &evtchn_part, &gnttab_part,
    &pirq_part,   &watchdog_part, NULL};

bool boot_done;

static INIT_TEXT void check_machine(void)
{
    if (!cpu_has(FEAT_NX))
        boot_stop("The CPU cannot forbid execution (NX); switch it on in the "
                  "firmware's set-up.");
    if (!boot_info.nr_modules)
        boot_stop("No dom0 kernel: pass it as the first module (QEMU: -initrd "
                  "'vmlinuz ARGS,initrd.img'; GRUB: module2 /vmlinuz ARGS).");
}

static INIT_TEXT void bring_up_boot_cpu(void)
{
    gdt_load(0);
    idt_init();
    idt_load();
    cpu_init_registers();
    acpi_init();
    lapic_init();
    irq_init();
    clock_init();
    lapic_timer_calibrate();
    timer_init_cpu(0);
}

/* The last of it is not an init function, because it frees them. */
NORETURN static __attribute__((noinline)) void finish(void)
{
    boot_free_init();
    alloc_scrub_start();
    console_init_irq();
    pv_start_running();
}

/* On this CPU's own stack, with the final tables. */
static INIT_TEXT void start_on_stack(void)
{
    cpu_online = CPUMASK_OF(0);
    memmap_release();
    console_screen(true);
    bring_up_boot_cpu();
    pci_init();
    policy_init();
    spec_init();
    spec_init_cpu();
    sched_init();
    current = sched_idle_vcpu(0);
    watchdog_start();
    smp_boot();
    dom0_build();
    finish();
}

INIT_TEXT void start(uint32_t magic, uint64_t info_phys)
{
    console_init_early();
    log_info("Paravane " PARAVANE_VERSION "\n");
    multiboot_parse(magic, info_phys);
    cmdline_parse(boot_info.cmdline);
    version_set_cmdline(boot_info.cmdline);
    console_init();
    log_info("loader: %s, command line: %s\n", boot_info.loader,
             boot_info.cmdline);
    feature_detect();
    check_machine();
    memmap_init();
    console_screen(false);
    hvmap_init();
    stack_switch(CPU_STACKS_START + CPU_STACK_STRIDE - sizeof(struct cpu_info),
                 start_on_stack);
}
