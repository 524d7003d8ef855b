#include "pci/pci.h"
#include "boot/boot.h"
#include "cpu/cpu.h"
#include "domain/domain.h"
#include "lib/spinlock.h"
#include "mm/hvmap.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  (1u << 31)

/* Guards the address latch and the ECAM window. */
static struct spinlock config_lock = SPINLOCK_INIT;
/* What dom0 last wrote to 0xcf8; the chip's own latch is shared with us. */
static uint32_t guest_latch;

static uint32_t data_read(uint32_t latch, unsigned offset, unsigned bytes)
{
    outl(CONFIG_ADDRESS, latch);
    switch (bytes) {
    case 1:
        return inb(CONFIG_DATA + offset);
    case 2:
        return inw(CONFIG_DATA + offset);
    default:
        return inl(CONFIG_DATA);
    }
}

static void data_write(uint32_t latch, unsigned offset, unsigned bytes,
                       uint32_t value)
{
    outl(CONFIG_ADDRESS, latch);
    switch (bytes) {
    case 1:
        outb(CONFIG_DATA + offset, value);
        break;
    case 2:
        outw(CONFIG_DATA + offset, value);
        break;
    default:
        outl(CONFIG_DATA, value);
    }
}

/* Registers beyond 255 and segments beyond 0 exist in ECAM only. */
static volatile void *ecam_map(uint16_t seg, uint8_t bus, uint8_t devfn,
                               unsigned reg)
{
    for (unsigned i = 0; i < acpi_info.nr_mcfg; i++) {
        uint64_t phys = acpi_info.mcfg[i].base + ((uint64_t)bus << 20) +
                        ((uint64_t)devfn << 12);
        char *page;

        if (acpi_info.mcfg[i].seg != seg || bus < acpi_info.mcfg[i].first_bus ||
            bus > acpi_info.mcfg[i].last_bus)
            continue;
        page = ioremap(phys, PAGE_SIZE);
        return page ? page + reg : NULL;
    }
    return NULL;
}

static void ecam_unmap(volatile void *p)
{
    iounmap((void *)((uintptr_t)p & PAGE_MASK), PAGE_SIZE);
}

static uint32_t ecam_read(volatile void *p, unsigned bytes)
{
    return bytes == 1   ? *(volatile uint8_t *)p
           : bytes == 2 ? *(volatile uint16_t *)p
                        : *(volatile uint32_t *)p;
}

static void ecam_write(volatile void *p, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        *(volatile uint8_t *)p = value;
    else if (bytes == 2)
        *(volatile uint16_t *)p = value;
    else
        *(volatile uint32_t *)p = value;
}

static uint32_t latch_of(uint8_t bus, uint8_t devfn, unsigned reg)
{
    return CONFIG_ENABLE | (uint32_t)bus << 16 | (uint32_t)devfn << 8 |
           (reg & 0xfc);
}

uint32_t pci_read(uint16_t seg, uint8_t bus, uint8_t devfn, unsigned reg,
                  unsigned bytes)
{
    uint32_t value = ~0u;

    spin_lock(&config_lock);
    if (seg == 0 && reg < 256) {
        value = data_read(latch_of(bus, devfn, reg), reg & 3, bytes);
    } else {
        volatile void *p = ecam_map(seg, bus, devfn, reg);

        if (p) {
            value = ecam_read(p, bytes);
            ecam_unmap(p);
        }
    }
    spin_unlock(&config_lock);
    return value;
}

void pci_write(uint16_t seg, uint8_t bus, uint8_t devfn, unsigned reg,
               unsigned bytes, uint32_t value)
{
    spin_lock(&config_lock);
    if (seg == 0 && reg < 256) {
        data_write(latch_of(bus, devfn, reg), reg & 3, bytes, value);
    } else {
        volatile void *p = ecam_map(seg, bus, devfn, reg);

        if (p) {
            ecam_write(p, bytes, value);
            ecam_unmap(p);
        }
    }
    spin_unlock(&config_lock);
}

uint32_t pci_port_read(struct domain *d, uint16_t port, unsigned bytes)
{
    uint32_t value = ~0u;
    unsigned offset = port & 3;

    if (!d->hardware || offset + bytes > 4)
        return value;
    spin_lock(&config_lock);
    if (port >= CONFIG_DATA)
        value = guest_latch & CONFIG_ENABLE
                    ? data_read(guest_latch, offset, bytes)
                    : ~0u;
    else if (bytes == 4)
        value = guest_latch;
    spin_unlock(&config_lock);
    return value;
}

void pci_port_write(struct domain *d, uint16_t port, unsigned bytes,
                    uint32_t value)
{
    unsigned offset = port & 3;

    if (!d->hardware || offset + bytes > 4)
        return;
    spin_lock(&config_lock);
    if (port >= CONFIG_DATA) {
        if (guest_latch & CONFIG_ENABLE)
            data_write(guest_latch, offset, bytes, value);
    } else if (bytes == 4) {
        guest_latch = value;
    }
    spin_unlock(&config_lock);
}

void pci_init(void)
{
    for (unsigned i = 0; i < acpi_info.nr_mcfg; i++)
        log_info("PCI segment %u: ECAM at %#lx, buses %u to %u\n",
                 acpi_info.mcfg[i].seg, acpi_info.mcfg[i].base,
                 acpi_info.mcfg[i].first_bus, acpi_info.mcfg[i].last_bus);
}
