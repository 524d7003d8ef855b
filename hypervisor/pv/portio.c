/*
 * Ports on behalf of a domain whose virtual iopl allows the access. What the
 * domain was not given reads as ones and swallows writes.
 */
#include "pv/internal.h"

#include "lib/spinlock.h"
#include "pci/pci.h"

#define PORT_PIT_CH2   0x42
#define PORT_PIT_MODE  0x43
#define PORT_SPEAKER   0x61
#define PORT_RTC_INDEX 0x70
#define PORT_RTC_DATA  0x71
#define PORT_PCI_FIRST 0xcf8
#define PORT_PCI_LAST  0xcff

/* The RTC's index register is the machine's, one access a pair of ports. */
static struct spinlock rtc_lock;

static bool is_pci(uint16_t port)
{
    return port >= PORT_PCI_FIRST && port <= PORT_PCI_LAST;
}

static bool port_granted(const struct domain *d, uint16_t port, unsigned bytes)
{
    if (!d->ioports || port + bytes > 0x10000)
        return false;
    for (unsigned i = 0; i < bytes; i++)
        if (!bit_test(d->ioports, port + i))
            return false;
    return true;
}

static uint32_t hardware_read(uint16_t port, unsigned bytes)
{
    return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static void hardware_write(uint16_t port, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        outb(port, (uint8_t)value);
    else if (bytes == 2)
        outw(port, (uint16_t)value);
    else
        outl(port, value);
}

/* The PIT is ours but for channel 2, which drives the speaker; its gate and
   output are in port 61. */
static bool pit_may_read(uint16_t port)
{
    return port == PORT_PIT_CH2 || port == PORT_SPEAKER;
}

static bool pit_write(uint16_t port, uint8_t value)
{
    switch (port) {
    case PORT_PIT_CH2:
        outb(port, value);
        return true;
    case PORT_PIT_MODE:
        if (value >> 6 == 2)
            outb(port, value);
        return true;
    case PORT_SPEAKER:
        /* Bits 2 and 3 turn the reports of hardware errors off: not his. */
        outb(port, (inb(port) & 0x0c) | (value & 0x03));
        return true;
    default:
        return false;
    }
}

static uint32_t rtc_read(struct domain *d, uint16_t port)
{
    uint32_t value;

    if (port == PORT_RTC_INDEX)
        return d->pv.cmos_index;
    spin_lock(&rtc_lock);
    outb(PORT_RTC_INDEX, d->pv.cmos_index & 0x7f);
    value = inb(PORT_RTC_DATA);
    spin_unlock(&rtc_lock);
    return value;
}

static void rtc_write(struct domain *d, uint16_t port, uint8_t value)
{
    if (port == PORT_RTC_INDEX) {
        d->pv.cmos_index = value;
        return;
    }
    spin_lock(&rtc_lock);
    outb(PORT_RTC_INDEX, d->pv.cmos_index & 0x7f);
    outb(PORT_RTC_DATA, value);
    spin_unlock(&rtc_lock);
}

static bool is_rtc(const struct domain *d, uint16_t port, unsigned bytes)
{
    return bytes == 1 && (port & ~1) == PORT_RTC_INDEX &&
           port_granted(d, port, bytes);
}

uint32_t pv_portio_read(struct domain *d, uint16_t port, unsigned bytes)
{
    uint32_t ones = bytes == 4 ? ~0u : (1u << bytes * 8) - 1;

    if (d->hardware) {
        if (is_pci(port) && is_pci(port + bytes - 1))
            return pci_port_read(d, port, bytes) & ones;
        if (bytes == 1 && pit_may_read(port))
            return inb(port);
    }
    if (is_rtc(d, port, bytes))
        return rtc_read(d, port);
    return port_granted(d, port, bytes) ? hardware_read(port, bytes) : ones;
}

void pv_portio_write(struct domain *d, uint16_t port, unsigned bytes,
                     uint32_t value)
{
    if (d->hardware) {
        if (is_pci(port) && is_pci(port + bytes - 1)) {
            pci_port_write(d, port, bytes, value);
            return;
        }
        if (bytes == 1 && pit_write(port, (uint8_t)value))
            return;
    }
    if (is_rtc(d, port, bytes))
        rtc_write(d, port, (uint8_t)value);
    else if (port_granted(d, port, bytes))
        hardware_write(port, bytes, value);
}
