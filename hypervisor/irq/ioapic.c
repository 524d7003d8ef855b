#include "irq/internal.h"
#include "boot/boot.h"
#include "mm/hvmap.h"

/* Register window of an I/O APIC (82093AA): select at 0, data at 0x10. */
#define REG_VERSION  1
#define REG_REDIR(p) (0x10 + 2 * (p))
#define RTE_LOW      (1u << 13)
#define RTE_LEVEL    (1u << 15)
#define RTE_MASKED   (1u << 16)

static struct ioapic {
    volatile uint32_t *regs;
    uint64_t phys;
    unsigned gsi_base, nr_pins;
} ioapics[ARRAY_SIZE(acpi_info.ioapic)];
static unsigned nr_ioapics;

static uint32_t reg_read(const struct ioapic *io, unsigned reg)
{
    io->regs[0] = reg;
    return io->regs[4];
}

static void reg_write(const struct ioapic *io, unsigned reg, uint32_t value)
{
    io->regs[0] = reg;
    io->regs[4] = value;
}

static struct ioapic *ioapic_of(unsigned gsi, unsigned *pin)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        struct ioapic *io = &ioapics[i];

        if (gsi >= io->gsi_base && gsi - io->gsi_base < io->nr_pins) {
            *pin = gsi - io->gsi_base;
            return io;
        }
    }
    return NULL;
}

int ioapic_route(unsigned gsi, unsigned vector, uint32_t apic_id, bool level,
                 bool low)
{
    unsigned pin;
    struct ioapic *io = ioapic_of(gsi, &pin);

    if (!io)
        return -EINVAL;
    reg_write(io, REG_REDIR(pin), RTE_MASKED);
    reg_write(io, REG_REDIR(pin) + 1, apic_id << 24);
    reg_write(io, REG_REDIR(pin),
              RTE_MASKED | vector | (level ? RTE_LEVEL : 0) |
                  (low ? RTE_LOW : 0));
    return 0;
}

static void set_mask(unsigned gsi, bool masked)
{
    unsigned pin;
    struct ioapic *io = ioapic_of(gsi, &pin);
    uint32_t rte;

    if (!io)
        return;
    rte = reg_read(io, REG_REDIR(pin));
    reg_write(io, REG_REDIR(pin),
              masked ? rte | RTE_MASKED : rte & ~RTE_MASKED);
}

void ioapic_mask(unsigned gsi)
{
    set_mask(gsi, true);
}

void ioapic_unmask(unsigned gsi)
{
    set_mask(gsi, false);
}

unsigned ioapic_nr_gsis(void)
{
    unsigned nr = 16;

    for (unsigned i = 0; i < nr_ioapics; i++)
        nr = MAX(nr, ioapics[i].gsi_base + ioapics[i].nr_pins);
    return MIN(nr, (unsigned)NR_GSIS);
}

bool ioapic_is_mmio(uint64_t phys)
{
    for (unsigned i = 0; i < nr_ioapics; i++)
        if ((phys & PAGE_MASK) == (ioapics[i].phys & PAGE_MASK))
            return true;
    return false;
}

uint32_t ioapic_guest_read(uint64_t phys, unsigned reg, bool *ok)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        uint32_t value;

        if (ioapics[i].phys != phys || reg > 0xff)
            continue;
        spin_lock(&irq_lock);
        value = reg_read(&ioapics[i], reg);
        spin_unlock(&irq_lock);
        *ok = true;
        return value;
    }
    *ok = false;
    return ~0u;
}

int ioapic_guest_write(uint64_t phys, unsigned reg, uint32_t value)
{
    /* The pins are ours: dom0 says what it wants by setup_gsi and bind. */
    (void)value;
    return ioapic_is_mmio(phys) && reg <= 0xff ? 0 : -EINVAL;
}

void ioapic_init(void)
{
    for (unsigned i = 0; i < acpi_info.nr_ioapics; i++) {
        struct ioapic *io = &ioapics[nr_ioapics];
        uint64_t phys = acpi_info.ioapic[i].phys;
        char *page = ioremap(phys & PAGE_MASK, PAGE_SIZE);

        if (!page) {
            log_err("I/O APIC at %#lx cannot be mapped; left out\n", phys);
            continue;
        }
        io->regs = (volatile uint32_t *)(page + (phys & ~PAGE_MASK));
        io->phys = phys;
        io->gsi_base = acpi_info.ioapic[i].gsi_base;
        io->nr_pins = (reg_read(io, REG_VERSION) >> 16 & 0xff) + 1;
        nr_ioapics++;
        for (unsigned pin = 0; pin < io->nr_pins; pin++)
            reg_write(io, REG_REDIR(pin), RTE_MASKED);
        log_info("I/O APIC %u: GSI %u to %u\n", i, io->gsi_base,
                 io->gsi_base + io->nr_pins - 1);
    }
}
