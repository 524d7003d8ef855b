#include "boot/boot.h"

#include "console/console.h"
#include "cpu/cpu.h"
#include "cpu/lapic.h"
#include "domain/domain.h"
#include "pci/pci.h"
#include "time/clock.h"

#include <xen/sched.h>

/* Also before the clock runs: a port access takes about a microsecond. */
static void delay_ms(unsigned ms)
{
    for (unsigned i = 0; i < ms * 1000; i++)
        inb(0x80);
}

NORETURN void machine_halt(void)
{
    lapic_stop_others();
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void reset_by_acpi(void)
{
    enum { SPACE_MEMORY, SPACE_IO, SPACE_PCI };
    uint64_t at = acpi_info.reset_addr;

    if (!acpi_info.reset_reg_valid)
        return;
    if (acpi_info.reset_space == SPACE_IO)
        outb((uint16_t)at, acpi_info.reset_value);
    else if (acpi_info.reset_space == SPACE_PCI)
        pci_write(0, 0, (uint8_t)((at >> 32 & 31) << 3 | (at >> 16 & 7)),
                  at & 0xfff, 1, acpi_info.reset_value);
    delay_ms(100);
}

/* From the politest way to the rudest. */
NORETURN void machine_restart(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } PACKED no_idt = {0, 0};

    lapic_stop_others();
    reset_by_acpi();
    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
    delay_ms(100);
    for (unsigned i = 0; i < 1000 && inb(0x64) & 2; i++)
        delay_ms(1);
    outb(0x64, 0xfe); /* keyboard controller: pulse the reset line */
    delay_ms(100);
    __asm__ volatile("lidt %0; int3" ::"m"(no_idt));
    machine_halt();
}

/* dom0 is gone, by its own wish or not. */
void machine_shutdown(uint8_t reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        /* ACPI did not do it (XENPF_enter_acpi_sleep comes before). */
        log_err("dom0 shut down: the machine can be switched off\n");
        machine_halt();
    case SHUTDOWN_reboot:
        log_info("dom0 asks for a reboot\n");
        machine_restart();
    case SHUTDOWN_crash:
        log_err("dom0 crashed\n");
        break;
    case SHUTDOWN_watchdog:
        log_err("dom0's watchdog fired\n");
        break;
    default:
        log_err("dom0 stopped, reason %u\n", reason);
    }
    if (boot_options.noreboot) {
        log_err("halted (noreboot)\n");
        machine_halt();
    }
    log_err("reboot in five seconds\n");
    delay_ms(5000);
    machine_restart();
}
